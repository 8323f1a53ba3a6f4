// Package e2e tests the whole program: it runs the binary as a separate process on a real Postgres.
// Tests of a single command are beside the command, in internal/cli.
package e2e

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
	startServerIn    = programtest.StartIn
	request          = programtest.Request
	postEvent        = programtest.PostEvent
	stateDir         = programtest.StateDir
	writeFile        = programtest.WriteFile
	migrated         = programtest.Migrated
	passwordDatabase = programtest.PasswordDatabase
	siteJSON         = programtest.SiteJSON
	execScript       = pgtest.ExecScript
	mustValue        = pgtest.MustValue
	postmasterPID    = pgtest.PostmasterPID
	processAlive     = programtest.ProcessAlive
	assertContains   = programtest.AssertContains
	assertEqual      = programtest.AssertEqual
	assertNotExists  = programtest.AssertNotExists
	assertNoPostgres = programtest.AssertNoPostgres
)

const (
	waitTimeout   = pgtest.WaitTimeout
	closedAddress = programtest.ClosedAddress
)
