package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeInstallation makes an installation whose programs only know their version.
func fakeInstallation(t *testing.T, root, dir, version string) string {
	t.Helper()
	bin := filepath.Join(root, dir)
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range append(serverPrograms, "psql") {
		script := "#!/bin/sh\necho '" + program + " (PostgreSQL) " + version + "'\n"
		if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

func TestFindServer(t *testing.T) {
	bin, err := FindServer(0)
	if err != nil {
		t.Fatal(err)
	}
	if !hasPrograms(bin, serverPrograms...) {
		t.Errorf("%s lacks a program", bin)
	}
	if _, err := FindClient("psql"); err != nil {
		t.Error(err)
	}
}

func TestFinder_notFound(t *testing.T) {
	s := finder{path: t.TempDir(), globs: []string{t.TempDir() + "/*/bin"}}
	_, _, err := s.server(0)
	_, psqlErr := s.client("psql")
	for _, err := range []error{err, psqlErr} {
		if !errors.Is(err, ErrNoBinaries) {
			t.Fatalf("got %v, want ErrNoBinaries", err)
		}
		for _, want := range []string{s.path, s.globs[0], "pg_config", "apt-get install postgresql", "dnf install postgresql-server",
			"brew install postgresql@17", "DATABASE_URL"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the message lacks %q:\n%v", want, err)
			}
		}
	}
}

func TestFinder_preference(t *testing.T) {
	root := t.TempDir()
	nine, sixteen, seventeen := fakeInstallation(t, root, "pg/9/bin", "9.6.24"), fakeInstallation(t, root, "pg/16/bin", "16.3"), fakeInstallation(t, root, "pg/17/bin", "17.0")
	beta := fakeInstallation(t, root, "beta/bin", "18beta1 (a build of ours)")
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
	if err := os.WriteFile(filepath.Join(withConfig, "pg_config"), []byte("#!/bin/sh\necho "+sixteen+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}

	for name, c := range map[string]struct {
		path  string
		globs []string
		major int
		want  string
	}{
		"PATH comes first":            {beta, globs, 0, beta},
		"a folder with one is none":   {partial, globs, 0, seventeen},
		"17 is newer than 9":          {"", globs, 0, seventeen},
		"data of 16 need 16":          {beta, globs, 16, sixteen},
		"too old is passed over":      {nine, globs, 0, seventeen},
		"pg_config is asked at last":  {withConfig, nil, 0, sixteen},
		"relative PATH is not looked": {".", globs, 0, seventeen},
	} {
		got, _, err := finder{path: c.path, globs: c.globs}.server(c.major)
		if err != nil || got != c.want {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, c.want)
		}
	}

	_, _, err := finder{path: nine}.server(0)
	if err == nil || !strings.Contains(err.Error(), "version 9 is too old") {
		t.Errorf("too old: %v", err)
	}
	_, _, err = finder{path: beta}.server(15)
	if err == nil || !strings.Contains(err.Error(), "data here was made by version 15") {
		t.Errorf("other version: %v", err)
	}
}
