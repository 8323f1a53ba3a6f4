//go:build unix

// Package download provides the server programs of PostgreSQL on machines without an installed one. It downloads a
// pinned build once into the user's cache directory and verifies its checksum.
package download

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"labledger/internal/durable"
)

// URLVariable is the environment variable with the URL of the registry, or of a mirror with the same paths. "off"
// forbids downloads.
const URLVariable = "POSTGRES_DOWNLOAD_URL"

const defaultURL = "https://registry.npmjs.org"

// ErrUnsupported is wrapped by the error of Server when there is no build for this platform or major version.
var ErrUnsupported = errors.New("cannot download")

// Server returns the directory with the server programs of a major version, or of the newest when major is 0. It
// downloads them when the cache does not have them, and prints the progress on standard error. Processes that need the
// same build wait for one of them to download it. An interrupted download is resumed.
func Server(ctx context.Context, major int) (binDir string, err error) {
	d, err := newDownloader()
	if err != nil {
		return "", err
	}
	return d.server(ctx, major)
}

// Cached returns the directories of the builds that Server would return without a download.
func Cached() (binDirs []string) {
	dir, err := cacheDir()
	if err != nil || checkOwner(dir) != nil {
		return nil
	}
	for _, b := range builds {
		if binDir := binDirOf(dir, b.dirName()); isDir(binDir) {
			binDirs = append(binDirs, binDir)
		}
	}
	return binDirs
}

// cacheDir returns the directory of the cache. As root, Postgres runs as another user, who cannot enter root's home.
func cacheDir() (string, error) {
	if os.Geteuid() == 0 && os.Getenv("XDG_CACHE_HOME") == "" {
		return "/var/cache/labledger", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory for the download: %w; set XDG_CACHE_HOME", err)
	}
	return filepath.Join(dir, "labledger"), nil
}

// binDirOf returns the directory of the programs of a build in the cache.
func binDirOf(cacheDir, build string) string { return filepath.Join(cacheDir, build, "bin") }

// checkOwner returns an error if another user could have written to the cache.
func checkOwner(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	if owner != os.Geteuid() && owner != 0 || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("other users may write to the cache directory %s: "+
			"delete it, or set XDG_CACHE_HOME to another directory", dir)
	}
	return nil
}

// A downloader downloads builds from a registry into a cache. The durations and the platform are fields for tests.
type downloader struct {
	url          string
	cacheDir     string
	pkg          string // the package for this platform
	client       *http.Client
	retryDelays  []time.Duration
	stallTimeout time.Duration // without any byte
	progress     *progress
}

func newDownloader() (*downloader, error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	url := os.Getenv(URLVariable)
	if url == "" {
		url = defaultURL
	}
	return &downloader{
		url:          strings.TrimSuffix(url, "/"),
		cacheDir:     dir,
		pkg:          platformPackage(runtime.GOOS, runtime.GOARCH),
		client:       &http.Client{},
		retryDelays:  []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second},
		stallTimeout: 30 * time.Second,
		progress:     newProgress(os.Stderr),
	}, nil
}

func (d *downloader) server(ctx context.Context, major int) (binDir string, err error) {
	b, err := findBuild(major)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(d.cacheDir, 0o755); err != nil {
		return "", err
	}
	if err := checkOwner(d.cacheDir); err != nil {
		return "", err
	}
	binDir = binDirOf(d.cacheDir, b.dirName())
	if isDir(binDir) {
		return binDir, nil
	}
	unlock, err := d.lock(ctx, b)
	if err != nil {
		return "", err
	}
	defer unlock()
	if isDir(binDir) { // another process downloaded it meanwhile
		return binDir, nil
	}
	if err := d.install(ctx, b); err != nil {
		if older := d.older(b); older != "" {
			d.progress.printf("The download of %s failed (%v); using %s\n", b.name(), err, older)
			return older, nil
		}
		return "", fmt.Errorf("the download of %s from %s failed: %w", b.name(), d.url, err)
	}
	return binDir, nil
}

// lock waits until no other process downloads the build.
func (d *downloader) lock(ctx context.Context, b build) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(d.cacheDir, b.dirName()+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for waited := false; ; waited = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() {
				syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // a starting child process may hold a copy of the file
				f.Close()
			}, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if !waited {
			d.progress.printf("Waiting for another process to download %s\n", b.name())
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// install downloads, verifies and extracts the build. The build's directory appears when it is complete.
func (d *downloader) install(ctx context.Context, b build) error {
	sum, err := b.sum(d.pkg)
	if err != nil {
		return err
	}
	if d.url == "off" {
		return errors.New(URLVariable + " is off")
	}
	d.progress.start(b.name())
	archive := filepath.Join(d.cacheDir, b.dirName()+".part")
	if err := d.fetch(ctx, d.url+"/"+b.archivePath(d.pkg), archive, sum); err != nil {
		return err
	}
	leftovers, err := filepath.Glob(filepath.Join(d.cacheDir, "extract-*"))
	if err != nil {
		return err
	}
	for _, dir := range leftovers {
		os.RemoveAll(dir)
	}
	temp, err := os.MkdirTemp(d.cacheDir, "extract-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := errors.Join(extractFile(archive, temp), os.Chmod(d.cacheDir, 0o755)); err != nil {
		return fmt.Errorf("extract %s: %w", archive, err)
	}
	if err := checkRuns(ctx, b, temp); err != nil {
		return err
	}
	syscall.Sync() // the files of the directory, which durable.Rename does not sync
	final := filepath.Join(d.cacheDir, b.dirName())
	if err := durable.Rename(temp, final); err != nil {
		return err
	}
	d.progress.printf("%s is in %s\n", b.name(), final)
	return os.Remove(archive)
}

// checkRuns returns an error unless the extracted programs run on this system.
func checkRuns(ctx context.Context, b build, dir string) error {
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "bin", "postgres"), "--version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("the downloaded build does not run on this system: %w: %s", err, out)
	}
	if !slices.Contains(strings.Fields(string(out)), b.serverVersion()) {
		return fmt.Errorf("the downloaded build reports %q, want %s", strings.TrimSpace(string(out)), b.serverVersion())
	}
	return nil
}

// older returns the newest other build of the same major version in the cache, or "". Labledger keeps running without a
// network after an update that pins a newer build.
func (d *downloader) older(b build) string {
	dirs, _ := filepath.Glob(binDirOf(d.cacheDir, fmt.Sprintf("postgres-%d.*", b.major))) // the pattern is valid
	if len(dirs) == 0 {
		return ""
	}
	return slices.Max(dirs)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
