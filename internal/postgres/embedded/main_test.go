package embedded_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/embedded"
)

// helperDir is the environment variable that makes this test binary run a cluster in that directory until it is killed.
const helperDir = "POSTGRES_TEST_HELPER_DIR"

// helperNameSource is the environment variable for embedded.SetNameSources in that process.
const helperNameSource = "POSTGRES_TEST_NAME_SOURCE"

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		if kind := os.Getenv(helperNameSource); kind != "" {
			embedded.SetNameSources(kind)
		}
		c, err := embedded.Start(context.Background(), dir, quiet)
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		fmt.Println("started", c.URL())
		select {}
	}
	pgtest.Main(m, nil, nil)
}
