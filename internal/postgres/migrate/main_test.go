package migrate_test

import (
	"testing"

	"labledger/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m, nil, nil) }
