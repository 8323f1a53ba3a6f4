package cli_test

import (
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

func TestMain(m *testing.M) { pgtest.Main(m, nil, nil) }

// Short names of the harness.
var (
	run              = programtest.Run
	mustRun          = programtest.MustRun
	mustFail         = programtest.MustFail
	startServer      = programtest.Start
	request          = programtest.Request
	stateDir         = programtest.StateDir
	writeFile        = programtest.WriteFile
	migrated         = programtest.Migrated
	databaseURL      = programtest.DatabaseURL
	passwordDatabase = programtest.PasswordDatabase
	execScript       = pgtest.ExecScript
	mustValue        = pgtest.MustValue
	postmasterPID    = pgtest.PostmasterPID
	processAlive     = programtest.ProcessAlive
	assertContains   = programtest.AssertContains
	assertEqual      = programtest.AssertEqual
	assertNotExists  = programtest.AssertNotExists
	assertNoPostgres = programtest.AssertNoPostgres
)
