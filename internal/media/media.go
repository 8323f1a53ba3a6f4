// Package media keeps uploaded files in a folder: written whole or not at all, under names that nobody guesses, known by their first bytes.
// It must not know who uploaded them, nor what they belong to.
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
)

// Prefix is where the files are served: a URL is it, two characters, a slash, and the file's name.
const Prefix = "/media/"

// ErrTooLarge says that a file has more bytes than it may have.
var ErrTooLarge = errors.New("media: the file is too large")

// ErrType says that a file is of a type that a browser would run.
var ErrType = errors.New("media: files of this type are not taken")

// extensions are the types that are known by their first bytes, and what their files' names end in: by that nginx knows them. Whatever else
// comes is application/octet-stream, which browsers save and do not open.
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

// Types are the media types that files are known as.
func Types() []string { return slices.Sorted(maps.Keys(extensions)) }

// inlineExtensions are those that a browser may show in its window; others it saves.
var inlineExtensions = map[string]bool{".png": true, ".jpg": true, ".gif": true, ".webp": true, ".pdf": true, ".txt": true}

// A Store is a folder of files.
type Store struct {
	dir string
}

// NewStore is the store of a folder, which the first file makes, readable by others: a web server may serve it.
func NewStore(dir string) *Store { return &Store{dir} }

// A File is one that was received. It is there for good once Keep was called, and gone after Discard.
type File struct {
	URL       string // where it will be served
	Type      string // media type
	Size      int64  // bytes
	SHA256    string // in hex
	store     *Store
	partPath  string
	finalPath string
}

// sniffLen is how many bytes are looked at to know a type.
const sniffLen = 512

// Receive writes a file of at most so many bytes to the disk as it comes. Errors: ErrTooLarge, ErrType, from's, and as *fs.PathError the
// file system's.
func (s *Store) Receive(src io.Reader, maxBytes int64) (f *File, err error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	part, err := os.CreateTemp(s.dir, ".part-*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part.Name()) // Sweep finds it otherwise
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
		URL: Prefix + name[:2] + "/" + name, Type: mediaType, Size: size, SHA256: hex.EncodeToString(sniffer.sum.Sum(nil)),
		store: s, partPath: part.Name(), finalPath: filepath.Join(s.dir, name[:2], name),
	}, nil
}

// hashSniffer sees what goes by: the first bytes, the sum of all, and whether they could be text.
type hashSniffer struct {
	head        []byte
	sum         hash.Hash
	partialRune []byte // of a character that goes on in the next piece
	binary      bool
}

func (l *hashSniffer) Write(chunk []byte) (int, error) {
	if missing := sniffLen - len(l.head); missing > 0 {
		l.head = append(l.head, chunk[:min(missing, len(chunk))]...)
	}
	_, _ = l.sum.Write(chunk) // a hash takes everything
	text := chunk
	if len(l.partialRune) > 0 {
		text, l.partialRune = append(l.partialRune, chunk...), nil
	}
	for i := range utf8.UTFMax - 1 {
		at := len(text) - 1 - i
		if at >= 0 && utf8.RuneStart(text[at]) && !utf8.FullRune(text[at:]) {
			l.partialRune, text = append([]byte{}, text[at:]...), text[:at]
			break
		}
	}
	l.binary = l.binary || !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0
	return len(chunk), nil
}

// detectType knows a file by its first bytes. What a browser would take for a page, a script or a drawing with scripts is refused, also when it
// begins with white space or a comment.
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

var markupPattern = regexp.MustCompile(`(?i)<(!doctype|!--|\?xml|html|head|body|script|svg|iframe|object|embed|style|link|meta|math|x:)`)

// A file of which it is not certain yet whether it belongs to something has a doubt beside it: an empty file of its name after this mark. Sweep
// looks at these alone, so that a server with another database, or with an older state of it, never takes away what was certain once.
const pendingPrefix = ".doubt-"

// Commit puts the file at its place, also over a power cut. Whether it stays there is in doubt until Settle or Remove.
func (f *File) Commit() error {
	if err := f.store.MarkPending(f.URL); err != nil {
		return err
	}
	dir := filepath.Dir(f.finalPath)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Rename(f.partPath, f.finalPath); err != nil {
		return err
	}
	return errors.Join(fsyncDir(dir), fsyncDir(f.store.dir))
}

// Abort takes the file away, wherever it is. What it cannot take away Sweep finds.
func (f *File) Abort() {
	_ = os.Remove(f.partPath)
	f.store.Delete(f.URL)
}

// fileName is the name of the file in a URL; "" when it is none of ours.
func fileName(url string) string {
	dir, name, _ := strings.Cut(strings.TrimPrefix(url, Prefix), "/")
	if !fileNamePattern.MatchString(name) || dir != name[:2] {
		return ""
	}
	return name
}

// MarkPending says of the file of a URL that it may have to go, before that is decided elsewhere.
func (s *Store) MarkPending(url string) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(s.dir, pendingPrefix+fileName(url)))
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), fsyncDir(s.dir))
}

// ClearPending says that the file of a URL stays.
func (s *Store) ClearPending(url string) {
	_ = os.Remove(filepath.Join(s.dir, pendingPrefix+fileName(url))) // Sweep finds it otherwise
}

// Delete takes the file of a URL away, and then the doubt. What it cannot take away Sweep finds.
func (s *Store) Delete(url string) {
	name := fileName(url)
	if name == "" {
		return
	}
	if err := os.Remove(filepath.Join(s.dir, name[:2], name)); err == nil || errors.Is(err, fs.ErrNotExist) {
		s.ClearPending(url)
	}
}

// fsyncDir makes the names in a folder survive a power cut.
func fsyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

var fileNamePattern = regexp.MustCompile(`^[0-9a-z]{26}\.[0-9a-z]+$`)

// ServeFile answers with the file of a folder and a name, as its URL has them; false when there is none. Nothing in the folder but
// kept files can be reached.
func (s *Store) ServeFile(w http.ResponseWriter, r *http.Request, dir, name string) bool {
	if fileName(Prefix+dir+"/"+name) == "" {
		return false
	}
	file, err := os.Open(filepath.Join(s.dir, name[:2], name))
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
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
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable") // a name never leads to other bytes
	http.ServeContent(w, r, "", info.ModTime(), file)
	return true
}

// RemoveOrphans takes away, once it is older than age, what never became whole, and files in doubt that stray says are strays, given their URLs, some
// hundred at a time; the others are settled. It returns how many files have gone.
func (s *Store) RemoveOrphans(age time.Duration, findOrphans func(urls []string) ([]string, error)) (removed int, err error) {
	cutoff := time.Now().Add(-age)
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // no file has come yet
	}
	var pending []string
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.ModTime().Before(cutoff) {
			continue // also one that has gone meanwhile
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
