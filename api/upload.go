package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
	"labledger/internal/media"
)

// This file takes files in, as forms of browsers and of curl -F send them, gives them out, and lets them go.

// NewAttachment is what goes with an uploaded file: what it belongs to, if anything; one thing at most.
type NewAttachment struct {
	// The site that it belongs to.
	SiteID *int64 `json:"site_id"`
	// The freezer that it belongs to.
	FreezerID *int64 `json:"freezer_id"`
	// The computer that it belongs to.
	ComputerID *int64 `json:"computer_id"`
	// The container that it belongs to.
	ContainerUUID *uuid.UUID `json:"container_uuid"`
}

// Bounds of an upload.
const (
	maxUpload = 20 << 20 // bytes of the file
	maxForm   = 64 << 10 // bytes of all that is around it
	maxParts  = 8        // fields, with the file
	maxName   = 200      // characters of the file's name
	fileField = "file"   // which holds the file
)

// Upload stores a file of up to 20 MiB and says what is known of it: its url, under a name that nobody guesses; its type, by its first bytes,
// whatever the sender says; size and SHA-256. Pages, scripts and drawings with scripts in them (HTML, XML, SVG) are refused. One thing has up to
// 1000 attachments.
func Upload(*db.Queries, context.Context, NewAttachment) (db.Attachment, error) {
	panic("api: the server takes files")
}

func uploading(files *media.Store) endpoint {
	return endpoint{
		calls: []any{Upload, (*db.Queries).CreateAttachment},
		in:    reflect.TypeFor[NewAttachment](), out: reflect.TypeFor[db.Attachment](), form: true,
		own: func(s *submission) error { return s.upload(files) },
	}
}

func lettingGo(files *media.Store) endpoint {
	e := one((*db.Queries).DeleteAttachment)
	e.run, e.own = nil, func(s *submission) error { return s.letGo(files) }
	return e
}

// serveMedia answers with a file. Its URL is the permission: nobody guesses it. So whoever has it may show the file in a page of their own, too.
func serveMedia(files *media.Store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		vars := pathValues(r)
		patienceWith(w)()
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		if files == nil || !files.ServeFile(w, r, vars["folder"], vars["file"]) {
			writeProblem(w, r, problem(http.StatusNotFound, "There is no such file."))
		}
	})
}

func (s *submission) upload(files *media.Store) error {
	if p := refusal(s.found); p != nil {
		return p
	}
	if files == nil {
		return unavailable("This server has no folder for files.", nil)
	}
	release, err := s.long.take()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(s.r.Context(), bulkTime)
	defer cancel()
	got, name, err := s.receive(files)
	if err != nil {
		return err
	}
	if p := refusal(s.found); p != nil {
		if got != nil {
			got.Abort()
		}
		return p
	}
	if err := got.Commit(); err != nil { // before the row is there: a row always has its file
		got.Abort()
		return noRoom(err)
	}
	in := s.in.Addr().Interface().(*NewAttachment)
	var made db.Attachment
	_, err = s.store(ctx, exchangeOf(s.w).caller(), func(ctx context.Context, tx pgx.Tx, _ *oneRow) (err error) {
		made, err = db.New(tx).CreateAttachment(ctx, db.CreateAttachmentParams{
			Name: name, Url: got.URL, MediaType: got.Type, Size: got.Size, Sha256: got.SHA256,
			SiteID: in.SiteID, FreezerID: in.FreezerID, ComputerID: in.ComputerID, ContainerUuid: in.ContainerUUID,
		})
		return err
	})
	var refused *pgconn.PgError
	switch {
	case s.dry || errors.As(err, &refused):
		got.Abort()
	case err == nil:
		files.ClearPending(got.URL) // otherwise it is not known whether the row is there; the housekeeping finds out
	}
	if err != nil {
		return err
	}
	s.w.Header().Set("Location", "/api/v1/attachments/"+strconv.FormatInt(made.ID, 10))
	return s.answerRow(http.StatusCreated, made, made.Version)
}

// receive reads the form: the file goes to the disk as it comes. What is wrong with single fields goes to found.
func (s *submission) receive(files *media.Store) (got *media.File, name string, err error) {
	s.r.Body = http.MaxBytesReader(s.w, s.r.Body, maxUpload+maxForm)
	form, err := s.r.MultipartReader()
	if err != nil {
		return nil, "", problem(http.StatusUnsupportedMediaType, "Send a form, multipart/form-data, with the file in its field %q: curl -F %s=@photo.jpg", fileField, fileField)
	}
	defer func() {
		if err != nil && got != nil {
			got.Abort()
			got = nil
		}
	}()
	seen := []string{}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return got, name, formProblem(err)
		}
		what := part.FormName()
		i := slices.IndexFunc(s.binder.body, func(f field) bool { return f.name == what })
		switch {
		case len(seen) == maxParts:
			return got, name, refusal([]FieldError{{Field: "form", Message: fmt.Sprintf("must have at most %d fields", maxParts)}})
		case slices.Contains(seen, what):
			s.found.add(printable(what), "is given more than once")
		case what == fileField:
			name = fileName(part)
			s.found.add(fileField, nameFault(name))
			got, err = files.Receive(patientReader{part, patienceWith(s.w)}, maxUpload)
			if err == nil && got.Size == 0 {
				s.found.add(fileField, "must not be empty")
			}
		case i >= 0:
			err = s.bindPart(s.binder.body[i], part)
		default:
			s.found.add(printable(what), unknown(what, append([]string{fileField}, s.names...)))
		}
		switch seen = append(seen, what); {
		case errors.Is(err, media.ErrTooLarge):
			return got, name, tooLarge()
		case errors.Is(err, media.ErrType):
			return got, name, problem(http.StatusUnsupportedMediaType, "A browser would run what is in this file, so it is not taken: HTML, XML, SVG and scripts. Send it in a ZIP file.")
		case err != nil:
			return got, name, formProblem(err)
		}
	}
	if !slices.Contains(seen, fileField) {
		s.found.add(fileField, "is missing")
	}
	bound := 0
	for i := range s.in.NumField() {
		if !s.in.Field(i).IsNil() {
			bound++
		}
	}
	if bound > 1 {
		s.found.add("site_id", "must be null where another is given: a file belongs to one thing")
	}
	return got, name, nil
}

// bindPart fills in from one field of a form. An empty one is null.
func (s *submission) bindPart(f field, part *multipart.Part) error {
	text, err := io.ReadAll(io.LimitReader(part, maxForm))
	if err != nil || len(text) == 0 {
		return err
	}
	s.found.add(f.name, set(s.in.Field(f.index), f.name, string(text)))
	return nil
}

// patientReader gives the sender some more time with each piece.
type patientReader struct {
	from     io.Reader
	patience func()
}

func (p patientReader) Read(b []byte) (int, error) {
	p.patience()
	return p.from.Read(b)
}

func tooLarge() *Problem {
	return problem(http.StatusRequestEntityTooLarge, "The file is larger than %d bytes.", maxUpload)
}

func noRoom(cause error) *Problem {
	return unavailable("The file cannot be stored right now. Nothing was kept; tell the operator if it stays so.", cause)
}

// formProblem says how a form broke off.
func formProblem(err error) error {
	var large *http.MaxBytesError
	var disk *fs.PathError
	switch {
	case errors.As(err, &large):
		return tooLarge()
	case errors.As(err, &disk):
		return noRoom(err)
	case errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "multipart:"): // which has no type for it
		return refusal([]FieldError{{Field: "form", Message: "cannot be read: " + printable(err.Error())}})
	case errors.Is(err, media.ErrTooLarge), errors.Is(err, media.ErrType):
		return err
	}
	return bodyProblem(err, maxUpload)
}

// fileName is what the file was called where it came from, without the folders that some send.
func fileName(part *multipart.Part) string {
	name := part.FileName() // its last part already, by our own system's separator
	return name[strings.LastIndexByte(name, '\\')+1:]
}

func nameFault(name string) string {
	switch {
	case strings.Trim(name, ". ") == "":
		return "must be a file with a name"
	case !utf8.ValidString(name):
		return "must have a name in valid UTF-8"
	case len([]rune(name)) > maxName:
		return fmt.Sprintf("must have a name of at most %d characters", maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "must have a name of printable characters"
	}
	return ""
}

func (s *submission) letGo(files *media.Store) error {
	if p := refusal(s.found); p != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(s.r.Context(), handlerTime)
	defer cancel()
	var gone db.Attachment
	_, err := s.store(ctx, exchangeOf(s.w).caller(), func(ctx context.Context, tx pgx.Tx, _ *oneRow) (err error) {
		gone, err = db.New(tx).DeleteAttachment(ctx, s.in.Interface().(db.DeleteAttachmentParams))
		if err == nil && files != nil && !s.dry {
			if err := files.MarkPending(gone.Url); err != nil { // before the row has gone: a file that is left is found
				return noRoom(err)
			}
		}
		return err
	})
	if err == errNoRow {
		return s.missing(s.r)
	}
	if err != nil {
		return err
	}
	if files != nil && !s.dry {
		files.Delete(gone.Url)
	}
	return s.answerRow(http.StatusOK, gone, 0)
}

// answerRow writes a row that a typed query answered.
func (s *submission) answerRow(status int, row any, version int64) error {
	body, err := json.Marshal(row)
	if err != nil {
		return err
	}
	if version > 0 {
		s.w.Header().Set("ETag", etag(strconv.FormatInt(version, 10)))
	}
	return respond(s.w, status, append(body, '\n'))
}
