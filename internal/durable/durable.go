// Package durable gives files their names so that a power failure loses neither the name nor the content. It syncs the
// file, changes its directory, and syncs the directory.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// sync is (*os.File).Sync, which tests replace.
var sync = (*os.File).Sync

// Replace closes a file and renames it to path, which may exist.
func Replace(file *os.File, path string) error {
	if err := errors.Join(sync(file), file.Close()); err != nil {
		return err
	}
	return Rename(file.Name(), path)
}

// Link closes a file and gives it path as a second name. Unlike a rename, it never replaces a file: the error is
// fs.ErrExist if path exists. The caller removes the first name.
func Link(file *os.File, path string) error {
	if err := errors.Join(sync(file), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// Rename renames a file or a directory whose content has been synced.
func Rename(oldPath, newPath string) error {
	if err := os.Rename(oldPath, newPath); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(newPath))
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(sync(d), d.Close())
}
