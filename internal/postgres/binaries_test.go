package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fakeInstallation creates an installation whose programs only print a version.
func fakeInstallation(t *testing.T, root, dir, version string) string {
	t.Helper()
	bin := filepath.Join(root, dir)
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range append(serverPrograms, "psql") {
		script := "#!/bin/sh\necho '" + program + " (PostgreSQL) " + version + "'\n"
		writeScript(t, filepath.Join(bin, program), script)
	}
	return bin
}

// writeScript writes an executable. No process starts meanwhile: it would keep the file open, and Linux would not run it.
func writeScript(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestFindServer(t *testing.T) {
	t.Parallel()
	binDir, err := FindServer(0)
	if err != nil {
		t.Fatal(err)
	}
	if !hasPrograms(binDir, serverPrograms...) {
		t.Errorf("%s does not contain all server programs", binDir)
	}
	if _, err := FindClient("psql", 0); err != nil {
		t.Error(err)
	}
}

func TestFinder_notFound(t *testing.T) {
	t.Parallel()
	f := finder{path: t.TempDir(), globs: []string{t.TempDir() + "/*/bin"}}
	_, serverErr := f.server(0)
	_, psqlErr := f.client("psql", 0)
	_, dumpErr := f.client("pg_dump", 18)
	for _, c := range []struct {
		err  error
		want []string
	}{
		{serverErr, []string{
			"apt-get install postgresql\n", "dnf install postgresql-server\n", "brew install postgresql@17\n", "DATABASE_URL",
		}},
		{psqlErr, []string{
			"for psql in", "apt-get install postgresql-client\n", "dnf install postgresql\n", "brew install postgresql@17\n",
		}},
		{dumpErr, []string{
			"for pg_dump 18 or newer in", "apt-get install postgresql-client-18\n", "brew install postgresql@18\n",
		}},
	} {
		if !errors.Is(c.err, ErrNoBinaries) {
			t.Fatalf("got %v, want ErrNoBinaries", c.err)
		}
		for _, want := range append(c.want, f.path, f.globs[0], "pg_config") {
			if !strings.Contains(c.err.Error(), want) {
				t.Errorf("the message does not contain %q:\n%v", want, c.err)
			}
		}
	}
}

func TestFinder_preference(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	v9 := fakeInstallation(t, root, "pg/9/bin", "9.6.24")
	v16 := fakeInstallation(t, root, "pg/16/bin", "16.3")
	v17 := fakeInstallation(t, root, "pg/17/bin", "17.0")
	beta := fakeInstallation(t, root, "beta/bin", "18beta1 (a custom build)")
	globs := []string{root + "/pg/*/bin"}
	partial := filepath.Join(root, "partial")
	if err := os.MkdirAll(partial, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(beta, "postgres"), filepath.Join(partial, "postgres")); err != nil {
		t.Fatal(err)
	}
	withConfig := filepath.Join(root, "config")
	if err := os.MkdirAll(withConfig, 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho " + v16 + "\n"
	writeScript(t, filepath.Join(withConfig, "pg_config"), script)

	for name, c := range map[string]struct {
		path  string
		globs []string
		major int
		want  string
	}{
		"PATH first":                   {beta, globs, 0, beta},
		"incomplete directory skipped": {partial, globs, 0, v17},
		"17 sorts above 9":             {"", globs, 0, v17},
		"exact major version":          {beta, globs, 16, v16},
		"old version skipped":          {v9, globs, 0, v17},
		"pg_config last":               {withConfig, nil, 0, v16},
		"relative PATH skipped":        {".", globs, 0, v17},
	} {
		got, err := finder{path: c.path, globs: c.globs}.server(c.major)
		if err != nil || got != c.want {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, c.want)
		}
	}

	// A downloaded build is used only when no installed one is usable.
	for major, want := range map[int]string{0: v17, 16: v16, 18: beta} {
		got, err := finder{globs: globs, downloaded: []string{beta}}.server(major)
		if err != nil || got != want {
			t.Errorf("version %d with a downloaded 18: got %s, %v; want %s", major, got, err, want)
		}
	}

	_, err := finder{path: v9}.server(0)
	if err == nil || !strings.Contains(err.Error(), "version 9 is too old") {
		t.Errorf("got %v, want an error about version 9", err)
	}
	_, err = finder{path: beta}.server(15)
	if err == nil || !strings.Contains(err.Error(), "cannot read data of version 15") {
		t.Errorf("got %v, want an error about data of version 15", err)
	}
}

func TestFinder_clientVersion(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	v15 := fakeInstallation(t, root, "pg/15/bin", "15.18 (Debian 15.18-1)")
	v17 := fakeInstallation(t, root, "pg/17/bin", "17.0")
	f := finder{path: v15, globs: []string{root + "/pg/*/bin"}}
	for minMajor, want := range map[int]string{0: v15, 15: v15, 16: v17, 17: v17} {
		if got, err := f.client("psql", minMajor); err != nil || got != filepath.Join(want, "psql") {
			t.Errorf("version %d or newer: got %s, %v; want it in %s", minMajor, got, err, want)
		}
	}
	_, err := f.client("psql", 18)
	for _, want := range []string{"psql 18 or newer", "version 17 is older than the server's version 18"} {
		if !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want ErrNoBinaries with %q", err, want)
		}
	}
}
