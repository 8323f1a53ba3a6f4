//go:build unix

package download

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// extractFile extracts an archive of a package into the directory dir.
func extractFile(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := extract(f, root); err != nil {
		return err
	}
	// Another user may run Postgres. The umask may forbid access, as MkdirTemp does.
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return os.Chmod(path, 0o755)
	})
}

const (
	nativeDir   = "package/native/"  // the installation in the archive
	symlinkFile = "pg-symlinks.json" // npm packages contain no symbolic links: this file lists them
)

// extract writes the installation in an archive to root, and nothing outside of it.
func extract(archive io.Reader, root *os.Root) error {
	decompressed, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	for files := tar.NewReader(decompressed); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name, inInstallation := strings.CutPrefix(header.Name, nativeDir)
		if !inInstallation || strings.HasSuffix(name, "/") || name == "" {
			continue
		}
		if header.Typeflag != tar.TypeReg {
			return fmt.Errorf("%s is not a regular file", header.Name)
		}
		if err := writeFile(root, name, files); err != nil {
			return err
		}
	}
	return makeSymlinks(root)
}

func writeFile(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if path.Dir(name) == "bin" {
		mode = 0o755
		// Linux does not run a file that is open for writing, and a child process inherits open files until it execs.
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Chmod(mode), f.Close())
}

// makeSymlinks makes the symbolic links that symlinkFile lists. Source is the existing file, Target the link.
func makeSymlinks(root *os.Root) error {
	text, err := root.ReadFile(symlinkFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("%s: %w", symlinkFile, err)
	}
	for _, link := range links {
		source, target := strings.TrimPrefix(link.Source, "native/"), strings.TrimPrefix(link.Target, "native/")
		if !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("%s links outside of the directory: %s to %s", symlinkFile, target, source)
		}
		relative, err := filepath.Rel(path.Dir(target), source)
		if err != nil {
			return err
		}
		if err := root.Symlink(relative, target); err != nil {
			return err
		}
	}
	return nil
}
