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

// UploadRequest is what goes with an uploaded file: what it belongs to, if anything; one thing at most.
type UploadRequest struct {
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
	maxUpload   = 20 << 20 // bytes of the file
	maxForm     = 64 << 10 // bytes of all that is around it
	maxParts    = 8        // fields, with the file
	maxFileName = 200      // characters of the file's name
	fileField   = "file"   // which holds the file
)

// Upload stores a file of up to 20 MiB and says what is known of it: its url, under a name that nobody guesses; its type, by its first bytes,
// whatever the sender says; size and SHA-256. Pages, scripts and drawings with scripts in them (HTML, XML, SVG) are refused. One thing has up to
// 1000 attachments.
func Upload(*db.Queries, context.Context, UploadRequest) (db.Attachment, error) {
	panic("api: the server takes files")
}

func uploadEndpoint(files *media.Store) endpoint {
	return endpoint{
		queries: []any{Upload, (*db.Queries).CreateAttachment},
		in:      reflect.TypeFor[UploadRequest](), out: reflect.TypeFor[db.Attachment](), form: true,
		handle: func(c *call) error { return c.upload(files) },
	}
}

func deleteAttachmentEndpoint(files *media.Store) endpoint {
	e := single((*db.Queries).DeleteAttachment)
	e.exec, e.handle = nil, func(c *call) error { return c.deleteAttachment(files) }
	return e
}

// serveMedia answers with a file. Its URL is the permission: nobody guesses it. So whoever has it may show the file in a page of their own, too.
func serveMedia(files *media.Store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		vars := pathValues(r)
		deadlineExtender(w)()
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		if files == nil || !files.ServeFile(w, r, vars["folder"], vars["file"]) {
			writeProblem(w, r, problem(http.StatusNotFound, "There is no such file."))
		}
	})
}

func (c *call) upload(files *media.Store) error {
	if p := badRequest(c.errs); p != nil {
		return p
	}
	if files == nil {
		return unavailable("This server has no folder for files.", nil)
	}
	release, err := c.transfers.tryAcquire()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(c.r.Context(), bulkTimeout)
	defer cancel()
	file, name, err := c.readForm(files)
	if err != nil {
		return err
	}
	if p := badRequest(c.errs); p != nil {
		if file != nil {
			file.Abort()
		}
		return p
	}
	if err := file.Commit(); err != nil { // before the row is there: a row always has its file
		file.Abort()
		return storageProblem(err)
	}
	in := c.in.Addr().Interface().(*UploadRequest)
	var created db.Attachment
	_, err = c.inTx(ctx, recorderOf(c.w).requestContext(), func(ctx context.Context, tx pgx.Tx, _ *rowEncoder) (err error) {
		created, err = db.New(tx).CreateAttachment(ctx, db.CreateAttachmentParams{
			Name: name, Url: file.URL, MediaType: file.Type, Size: file.Size, Sha256: file.SHA256,
			SiteID: in.SiteID, FreezerID: in.FreezerID, ComputerID: in.ComputerID, ContainerUuid: in.ContainerUUID,
		})
		return err
	})
	var pgErr *pgconn.PgError
	switch {
	case c.dryRun || errors.As(err, &pgErr):
		file.Abort()
	case err == nil:
		files.ClearPending(file.URL) // otherwise it is not known whether the row is there; the housekeeping finds out
	}
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", "/api/v1/attachments/"+strconv.FormatInt(created.ID, 10))
	return c.writeVersioned(http.StatusCreated, created, created.Version)
}

// readForm reads the form: the file goes to the disk as it comes. What is wrong with single fields goes to found.
func (c *call) readForm(files *media.Store) (file *media.File, filename string, err error) {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxUpload+maxForm)
	form, err := c.r.MultipartReader()
	if err != nil {
		return nil, "", problem(http.StatusUnsupportedMediaType, "Send a form, multipart/form-data, with the file in its field %q: curl -F %s=@photo.jpg", fileField, fileField)
	}
	defer func() {
		if err != nil && file != nil {
			file.Abort()
			file = nil
		}
	}()
	seen := []string{}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return file, filename, formProblem(err)
		}
		name := part.FormName()
		i := slices.IndexFunc(c.binder.bodyFields, func(f field) bool { return f.name == name })
		switch {
		case len(seen) == maxParts:
			return file, filename, badRequest([]FieldError{{Field: "form", Message: fmt.Sprintf("must have at most %d fields", maxParts)}})
		case slices.Contains(seen, name):
			c.errs.add(sanitize(name), "is given more than once")
		case name == fileField:
			filename = fileName(part)
			c.errs.add(fileField, validateFileName(filename))
			file, err = files.Receive(deadlineReader{part, deadlineExtender(c.w)}, maxUpload)
			if err == nil && file.Size == 0 {
				c.errs.add(fileField, "must not be empty")
			}
		case i >= 0:
			err = c.bindPart(c.binder.bodyFields[i], part)
		default:
			c.errs.add(sanitize(name), unknownNameMessage(name, append([]string{fileField}, c.bodyNames...)))
		}
		switch seen = append(seen, name); {
		case errors.Is(err, media.ErrTooLarge):
			return file, filename, tooLargeProblem()
		case errors.Is(err, media.ErrType):
			return file, filename, problem(http.StatusUnsupportedMediaType, "A browser would run what is in this file, so it is not taken: HTML, XML, SVG and scripts. Send it in a ZIP file.")
		case err != nil:
			return file, filename, formProblem(err)
		}
	}
	if !slices.Contains(seen, fileField) {
		c.errs.add(fileField, "is missing")
	}
	parents := 0
	for i := range c.in.NumField() {
		if !c.in.Field(i).IsNil() {
			parents++
		}
	}
	if parents > 1 {
		c.errs.add("site_id", "must be null where another is given: a file belongs to one thing")
	}
	return file, filename, nil
}

// bindPart fills in from one field of a form. An empty one is null.
func (c *call) bindPart(f field, part *multipart.Part) error {
	text, err := io.ReadAll(io.LimitReader(part, maxForm))
	if err != nil || len(text) == 0 {
		return err
	}
	c.errs.add(f.name, parseInto(c.in.Field(f.index), f.rule, string(text)))
	return nil
}

// deadlineReader gives the sender some more time with each piece.
type deadlineReader struct {
	src    io.Reader
	extend func()
}

func (d deadlineReader) Read(b []byte) (int, error) {
	d.extend()
	return d.src.Read(b)
}

func tooLargeProblem() *Problem {
	return problem(http.StatusRequestEntityTooLarge, "The file is larger than %d bytes.", maxUpload)
}

func storageProblem(cause error) *Problem {
	return unavailable("The file cannot be stored right now. Nothing was kept; tell the operator if it stays so.", cause)
}

// formProblem says how a form broke off.
func formProblem(err error) error {
	var maxBytesErr *http.MaxBytesError
	var pathErr *fs.PathError
	switch {
	case errors.As(err, &maxBytesErr):
		return tooLargeProblem()
	case errors.As(err, &pathErr):
		return storageProblem(err)
	case errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "multipart:"): // which has no type for it
		return badRequest([]FieldError{{Field: "form", Message: "cannot be read: " + sanitize(err.Error())}})
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

func validateFileName(name string) string {
	switch {
	case strings.Trim(name, ". ") == "":
		return "must be a file with a name"
	case !utf8.ValidString(name):
		return "must have a name in valid UTF-8"
	case len([]rune(name)) > maxFileName:
		return fmt.Sprintf("must have a name of at most %d characters", maxFileName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "must have a name of printable characters"
	}
	return ""
}

func (c *call) deleteAttachment(files *media.Store) error {
	if p := badRequest(c.errs); p != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), handlerTimeout)
	defer cancel()
	var deleted db.Attachment
	_, err := c.inTx(ctx, recorderOf(c.w).requestContext(), func(ctx context.Context, tx pgx.Tx, _ *rowEncoder) (err error) {
		deleted, err = db.New(tx).DeleteAttachment(ctx, c.in.Interface().(db.DeleteAttachmentParams))
		if err == nil && files != nil && !c.dryRun {
			if err := files.MarkPending(deleted.Url); err != nil { // before the row has gone: a file that is left is found
				return storageProblem(err)
			}
		}
		return err
	})
	if err == errNoRow {
		return c.notFoundProblem(c.r)
	}
	if err != nil {
		return err
	}
	if files != nil && !c.dryRun {
		files.Delete(deleted.Url)
	}
	return c.writeVersioned(http.StatusOK, deleted, 0)
}

// writeVersioned writes a row that a typed query answered.
func (c *call) writeVersioned(status int, row any, version int64) error {
	body, err := json.Marshal(row)
	if err != nil {
		return err
	}
	if version > 0 {
		c.w.Header().Set("ETag", etag(strconv.FormatInt(version, 10)))
	}
	return respond(c.w, status, append(body, '\n'))
}
