package media

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// diskReserve returns the free space that uploads leave on a disk of a size in bytes: a part of it, so that the disk of
// the database does not fill up, but more than three uploads of the maximum size.
func diskReserve(size uint64) uint64 { return min(max(size/20, 64<<20), 1<<30) }

// CheckWritable returns the reason why the next upload would fail, or nil. It writes nothing: for a directory that does
// not exist yet it checks the nearest existing parent. The error does not contain the directory's path.
func (s *Store) CheckWritable() error {
	dir, err := s.existingParent()
	if err != nil {
		return err
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("the directory is not writable: %w", err)
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return fmt.Errorf("cannot read the free disk space: %w", err)
	}
	// The conversions are needed because the field types differ between operating systems.
	free, required := uint64(disk.Bavail)*uint64(disk.Bsize), s.reserve(uint64(disk.Blocks)*uint64(disk.Bsize))
	if free < required {
		return fmt.Errorf("the disk is full: %d MiB free, %d MiB required", free>>20, required>>20)
	}
	return nil
}

// existingParent returns the store's directory, or its nearest parent that exists.
func (s *Store) existingParent() (string, error) {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return "", errors.New("the working directory does not exist any more")
	}
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && info.IsDir():
			return dir, nil
		case err == nil, errors.Is(err, unix.ENOTDIR):
			return "", errors.New("a file exists in place of the directory")
		case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
			return "", fmt.Errorf("cannot access the directory: %w", errors.Unwrap(err))
		}
		dir = filepath.Dir(dir)
	}
}
