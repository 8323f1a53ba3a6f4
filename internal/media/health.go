package media

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// minFreeBytes is how many bytes must be free where files are kept: three of the largest that are taken, and some for whatever else is there.
const minFreeBytes = 64 << 20

// CheckWritable tells why the next file could not be kept; nil when it could. It writes nothing: a folder that is not there yet is judged by the one in
// which it will be made. The text does not name the folder.
func (s *Store) CheckWritable() error {
	dir, err := s.existingParent()
	if err != nil {
		return err
	}
	if err := syscall.Access(dir, accessWrite|accessExecute); err != nil {
		return fmt.Errorf("the folder cannot be written to: %w", err)
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return fmt.Errorf("the folder's disk does not answer: %w", err)
	}
	if free := uint64(disk.Bavail) * uint64(disk.Bsize); free < minFreeBytes { // their types differ from system to system
		return fmt.Errorf("the disk is full: %d MiB are free, and there should be %d", free>>20, minFreeBytes>>20)
	}
	return nil
}

// Of access(2).
const (
	accessWrite   = 2
	accessExecute = 1
)

// existingParent is the store's folder, or the nearest one above it that is there.
func (s *Store) existingParent() (string, error) {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return "", errors.New("the working directory is gone")
	}
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && info.IsDir():
			return dir, nil
		case err == nil, errors.Is(err, syscall.ENOTDIR):
			return "", errors.New("where the folder should be there is a file")
		case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
			return "", fmt.Errorf("the folder cannot be looked at: %w", errors.Unwrap(err))
		}
		dir = filepath.Dir(dir)
	}
}
