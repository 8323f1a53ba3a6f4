//go:build unix

package pgtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/internal/postgres/embedded"
)

// NewStandby returns a standby that replicates all databases of primary, a cluster of NewCluster. It is stopped and
// deleted when the test ends.
func NewStandby(t testing.TB, primary *embedded.Cluster) *embedded.Cluster {
	t.Helper()
	dir := StateDir(t)
	root := filepath.Join(dir, "postgres")
	owner, err := os.Stat(primary.Dir())
	if err == nil {
		err = os.Mkdir(root, 0o700)
	}
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	uid, gid := owner.Sys().(*syscall.Stat_t).Uid, owner.Sys().(*syscall.Stat_t).Gid
	if err := os.Chown(root, int(uid), int(gid)); err != nil {
		t.Fatal("pgtest:", err)
	}
	config, err := pgx.ParseConfig(primary.URL())
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	err = step(startTimeout, func(ctx context.Context) error {
		cmd := exec.CommandContext(ctx, Client(t, "pg_basebackup"),
			"--pgdata", filepath.Join(root, "data"), "--host", config.Host, "--username", config.User,
			"--write-recovery-conf", "--checkpoint=fast", "--no-sync")
		cmd.Dir, cmd.Env = root, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + root}
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("%s", out)
		}
		return err
	})
	if err != nil {
		t.Fatal("pgtest: pg_basebackup:", err)
	}
	return startClusterIn(t, dir)
}
