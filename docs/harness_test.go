package docs_test

import (
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

func TestMain(m *testing.M) { pgtest.Main(m, nil, nil) }

// Short names of the harness.
var (
	mustRun        = programtest.MustRun
	startServer    = programtest.Start
	postEvent      = programtest.PostEvent
	siteJSON       = programtest.SiteJSON
	execScript     = pgtest.ExecScript
	mustValue      = pgtest.MustValue
	assertContains = programtest.AssertContains
	assertEqual    = programtest.AssertEqual
)

const waitTimeout = pgtest.WaitTimeout
