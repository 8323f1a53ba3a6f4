// Package media stores uploaded files in a directory. Each file is written completely or not at all, has an
// unguessable name, and gets its media type from its first bytes.
// The package must not depend on who uploads a file or on what the file belongs to.
package media

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"labledger/internal/durable"
)

// Prefix is the URL path of all files. A file's URL is Prefix, the first two characters of its name, a slash, and its
// name.
const Prefix = "/media/"

// ErrTooLarge is returned for a file that exceeds the maximum size.
var ErrTooLarge = errors.New("media: the file is too large")

// ErrType is returned for a file of a type that browsers execute.
var ErrType = errors.New("media: files that browsers execute are not allowed")

// extensions maps the detected media types to the extensions of file names, which nginx maps back to types.
// Every other file is application/octet-stream, which browsers save and do not open.
var extensions = map[string]string{
	"image/png":                ".png",
	"image/jpeg":               ".jpg",
	"image/gif":                ".gif",
	"image/webp":               ".webp",
	"application/pdf":          ".pdf",
	"text/plain":               ".txt",
	"application/zip":          ".zip",
	"application/x-gzip":       ".gz",
	"application/octet-stream": ".bin",
}

// Types returns the media types that a file can have, sorted.
func Types() []string { return slices.Sorted(maps.Keys(extensions)) }

// inlineExtensions are the extensions of files that a browser may display. It saves all others.
var inlineExtensions = map[string]bool{
	".png": true, ".jpg": true, ".gif": true, ".webp": true, ".pdf": true, ".txt": true,
}

// Store is a directory of files.
type Store struct {
	dir     string
	reserve func(diskSize uint64) uint64 // see diskReserve
}

// NewStore returns the store in a directory. The first upload creates the directory, with read permission for
// everyone, because a web server may serve the files.
func NewStore(dir string) *Store { return &Store{dir, diskReserve} }

// File is a received file. Commit moves it to its final path; Abort deletes it.
type File struct {
	URL       string // path under which the file is served after Commit
	Type      string // media type
	Size      int64  // bytes
	SHA256    string // in hex
	store     *Store
	partPath  string
	finalPath string
}

// sniffLen is the number of leading bytes from which a media type is detected.
const sniffLen = 512

// Receive streams a file of at most maxBytes bytes from src to the disk. It returns ErrTooLarge, ErrType, an error of
// src, or a *fs.PathError of the file system, also if the disk has no space left beyond the reserve.
func (s *Store) Receive(src io.Reader, maxBytes int64) (f *File, err error) {
	if err := s.CheckWritable(); err != nil {
		return nil, &fs.PathError{Op: "check", Path: s.dir, Err: err}
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	part, err := os.CreateTemp(s.dir, ".part-*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part.Name()) // on failure, RemoveOrphans deletes it later
		}
	}()
	sniffer := &hashSniffer{sum: sha256.New()}
	size, err := io.Copy(io.MultiWriter(part, sniffer), io.LimitReader(src, maxBytes+1))
	err = errors.Join(err, part.Chmod(0o644), part.Sync(), part.Close())
	switch {
	case err != nil:
		return nil, err
	case size > maxBytes:
		return nil, ErrTooLarge
	}
	mediaType, err := detectType(sniffer.head, !sniffer.binary)
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(rand.Text()) + extensions[mediaType] // 130 random bits
	return &File{
		URL:       Prefix + name[:2] + "/" + name,
		Type:      mediaType,
		Size:      size,
		SHA256:    hex.EncodeToString(sniffer.sum.Sum(nil)),
		store:     s,
		partPath:  part.Name(),
		finalPath: filepath.Join(s.dir, name[:2], name),
	}, nil
}

// TempFile returns an empty file in the store's directory. It has no name, so it is deleted when it is closed, also by a
// crash.
func (s *Store) TempFile() (*os.File, error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(s.dir, ".part-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // on failure, RemoveOrphans deletes it later
	return f, nil
}

// hashSniffer is a writer that hashes a file, keeps its first bytes, and detects whether it is text.
type hashSniffer struct {
	head        []byte
	sum         hash.Hash
	partialRune []byte // first bytes of a UTF-8 character that continues in the next chunk
	binary      bool
}

func (s *hashSniffer) Write(chunk []byte) (int, error) {
	if missing := sniffLen - len(s.head); missing > 0 {
		s.head = append(s.head, chunk[:min(missing, len(chunk))]...)
	}
	_, _ = s.sum.Write(chunk) // hash.Hash never returns an error
	text := chunk
	if len(s.partialRune) > 0 {
		text, s.partialRune = append(s.partialRune, chunk...), nil
	}
	for i := range utf8.UTFMax - 1 {
		at := len(text) - 1 - i
		if at >= 0 && utf8.RuneStart(text[at]) && !utf8.FullRune(text[at:]) {
			s.partialRune, text = append([]byte{}, text[at:]...), text[:at]
			break
		}
	}
	s.binary = s.binary || !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0
	return len(chunk), nil
}

// detectType returns the media type of a file from its first bytes. It returns ErrType for HTML, XML, SVG and anything
// else that a browser might execute, even after leading white space or a comment.
func detectType(head []byte, isText bool) (string, error) {
	mediaType, _, _ := strings.Cut(http.DetectContentType(head), ";")
	switch {
	case mediaType == "text/html", mediaType == "text/xml", isText && markupPattern.Match(head):
		return "", ErrType
	case mediaType == "text/plain" && !isText:
		return "application/octet-stream", nil
	case extensions[mediaType] == "":
		return "application/octet-stream", nil
	}
	return mediaType, nil
}

var markupPattern = regexp.MustCompile(
	`(?i)<(!doctype|!--|\?xml|html|head|body|script|svg|iframe|object|embed|style|link|meta|math|x:)`)

// pendingPrefix precedes the file's name in the name of its marker. A file is pending until its database row is
// committed: an empty marker file in the store's directory records that. RemoveOrphans checks pending files only, so a
// server with a different or older database never deletes files that were once referenced.
const pendingPrefix = ".pending-"

// Commit moves the file to its final path and makes that durable. The file stays pending until ClearPending or Delete.
func (f *File) Commit() error {
	if err := f.store.MarkPending(f.URL); err != nil {
		return err
	}
	dir := filepath.Dir(f.finalPath)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := durable.Rename(f.partPath, f.finalPath); err != nil {
		return err
	}
	return durable.SyncDir(f.store.dir)
}

// Abort deletes the file, before or after Commit. RemoveOrphans deletes later what Abort fails to delete.
func (f *File) Abort() {
	_ = os.Remove(f.partPath)
	f.store.Delete(f.URL)
}

// fileName returns the name of the file with a URL, or "" if the URL is not one of a stored file.
func fileName(url string) string {
	dir, name, _ := strings.Cut(strings.TrimPrefix(url, Prefix), "/")
	if !fileNamePattern.MatchString(name) || dir != name[:2] {
		return ""
	}
	return name
}

// MarkPending marks the file with a URL as pending, before the caller's transaction decides whether the file stays.
func (s *Store) MarkPending(url string) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(s.dir, pendingPrefix+fileName(url)))
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), durable.SyncDir(s.dir))
}

// ClearPending marks the file with a URL as referenced. If that fails, RemoveOrphans repeats it later.
func (s *Store) ClearPending(url string) {
	_ = os.Remove(filepath.Join(s.dir, pendingPrefix+fileName(url)))
}

// Delete deletes the file with a URL, and then its pending marker. If that fails, RemoveOrphans deletes a pending file
// later.
func (s *Store) Delete(url string) {
	name := fileName(url)
	if name == "" {
		return
	}
	if err := os.Remove(filepath.Join(s.dir, name[:2], name)); err == nil || errors.Is(err, fs.ErrNotExist) {
		s.ClearPending(url)
	}
}

var fileNamePattern = regexp.MustCompile(`^[0-9a-z]{26}\.[0-9a-z]+$`)

// ServeFile serves the file with a directory and a name, as in its URL. It returns false and writes nothing if there is
// no such file. Only committed files are served, no other files in the store's directory.
func (s *Store) ServeFile(w http.ResponseWriter, r *http.Request, dir, name string) bool {
	if fileName(Prefix+dir+"/"+name) == "" {
		return false
	}
	file, err := os.Open(filepath.Join(s.dir, name[:2], name))
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	extension := filepath.Ext(name)
	for mediaType, ext := range extensions {
		if ext == extension {
			w.Header().Set("Content-Type", mediaType)
		}
	}
	if extension == ".txt" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	if !inlineExtensions[extension] {
		w.Header().Set("Content-Disposition", "attachment")
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable") // file names are never reused
	http.ServeContent(w, r, "", info.ModTime(), file)
	return true
}

// RemoveOrphans deletes what is older than age: incomplete uploads, and pending files that no database row references.
// It calls findOrphans with the URLs of pending files, up to 500 at a time; findOrphans returns those without a row.
// The other files stop being pending. RemoveOrphans returns the number of deleted files.
func (s *Store) RemoveOrphans(
	age time.Duration, findOrphans func(urls []string) ([]string, error),
) (removed int, err error) {
	cutoff := time.Now().Add(-age)
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // nothing was uploaded yet
	}
	var pending []string
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.ModTime().Before(cutoff) {
			continue // too recent, or deleted meanwhile
		}
		name, isPending := strings.CutPrefix(entry.Name(), pendingPrefix)
		switch {
		case isPending && fileNamePattern.MatchString(name):
			pending = append(pending, Prefix+name[:2]+"/"+name)
		case strings.HasPrefix(name, ".part-") && os.Remove(filepath.Join(s.dir, name)) == nil:
			removed++
		}
	}
	for urls := range slices.Chunk(pending, 500) {
		orphans, findErr := findOrphans(urls)
		if findErr != nil {
			return removed, errors.Join(err, findErr)
		}
		for _, url := range urls {
			if slices.Contains(orphans, url) {
				s.Delete(url)
				removed++
			} else {
				s.ClearPending(url)
			}
		}
	}
	return removed, err
}
