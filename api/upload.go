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

// This file uploads, serves and deletes attachments. Uploads are multipart forms, as sent by browsers and curl -F.

// UploadRequest holds the form fields beside the file. At most one of them may be set.
type UploadRequest struct {
	// ID of the site that the file belongs to.
	SiteID *int64 `json:"site_id"`
	// ID of the freezer that the file belongs to.
	FreezerID *int64 `json:"freezer_id"`
	// ID of the computer that the file belongs to.
	ComputerID *int64 `json:"computer_id"`
	// UUID of the container that the file belongs to.
	ContainerUUID *uuid.UUID `json:"container_uuid"`
}

// Bounds of an upload.
const (
	maxUpload   = 20 << 20 // bytes of the file
	maxForm     = 64 << 10 // bytes of the form without the file
	maxParts    = 8        // form fields, including the file
	maxFileName = 200      // characters of the file name
	fileField   = "file"   // form field of the file
)

// Upload stores a file of up to 20 MiB as an attachment. The url of the file is unguessable. Its type is detected from
// the first bytes; the type that the client sends is ignored. Files that browsers execute (HTML, XML, SVG, scripts) are
// rejected. A row has at most 1000 attachments.
func Upload(*db.Queries, context.Context, UploadRequest) (db.Attachment, error) {
	panic("api: Upload is implemented by call.upload")
}

func uploadEndpoint(files *media.Store) endpoint {
	return endpoint{
		queries: []any{Upload, (*db.Queries).CreateAttachment},
		in:      reflect.TypeFor[UploadRequest](),
		out:     reflect.TypeFor[db.Attachment](),
		form:    true,
		handle:  func(c *call) error { return c.upload(files) },
	}
}

func deleteAttachmentEndpoint(files *media.Store) endpoint {
	e := single((*db.Queries).DeleteAttachment)
	e.exec, e.handle = nil, func(c *call) error { return c.deleteAttachment(files) }
	return e
}

// serveMedia serves uploaded files. URLs are capabilities (130 random bits), so cross-origin embedding is allowed.
func serveMedia(files *media.Store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		vars := pathValues(r)
		deadlineExtender(w)()
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		if files == nil || !files.ServeFile(w, r, vars["folder"], vars["file"]) {
			writeProblem(w, r, problem(http.StatusNotFound, "File not found."))
		}
	})
}

func (c *call) upload(files *media.Store) error {
	if p := badRequest(c.errs); p != nil {
		return p
	}
	if files == nil {
		return unavailable("This server has no directory for uploaded files. Contact the operator.", nil)
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
	if err := file.Commit(); err != nil { // before the row is inserted: every row has its file
		file.Abort()
		return storageProblem(err)
	}
	in := c.in.Addr().Interface().(*UploadRequest)
	var created db.Attachment
	create := func(ctx context.Context, tx pgx.Tx, _ *rowEncoder) (err error) {
		created, err = db.New(tx).CreateAttachment(ctx, db.CreateAttachmentParams{
			Name:          name,
			Url:           file.URL,
			MediaType:     file.Type,
			Size:          file.Size,
			Sha256:        file.SHA256,
			SiteID:        in.SiteID,
			FreezerID:     in.FreezerID,
			ComputerID:    in.ComputerID,
			ContainerUuid: in.ContainerUUID,
		})
		return err
	}
	_, err = c.inTx(ctx, recorderOf(c.w).requestContext(), create)
	var pgErr *pgconn.PgError
	switch {
	case c.dryRun || errors.As(err, &pgErr):
		file.Abort()
	case err == nil:
		// After any other error the row may exist, so the file stays pending until the next cleanup.
		files.ClearPending(file.URL)
	}
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", "/api/v1/attachments/"+strconv.FormatInt(created.ID, 10))
	return c.writeVersioned(http.StatusCreated, created, created.Version)
}

// readForm reads the form and streams the file to disk. It adds the errors of single fields to c.errs.
func (c *call) readForm(files *media.Store) (file *media.File, filename string, err error) {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxUpload+maxForm)
	form, err := c.r.MultipartReader()
	if err != nil {
		return nil, "", problem(http.StatusUnsupportedMediaType,
			"Send a multipart/form-data body with the file in field %q: curl -F %s=@photo.jpg", fileField, fileField)
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
			message := fmt.Sprintf("must have at most %d fields", maxParts)
			return file, filename, badRequest([]FieldError{{Field: "form", Message: message}})
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
			return file, filename, problem(http.StatusUnsupportedMediaType,
				"Files that browsers execute (HTML, XML, SVG, scripts) are rejected. Send the file in a ZIP archive.")
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
		c.errs.add("site_id", "at most one of site_id, freezer_id, computer_id and container_uuid may be set")
	}
	return file, filename, nil
}

// bindPart stores a form field in c.in. An empty field is null.
func (c *call) bindPart(f field, part *multipart.Part) error {
	text, err := io.ReadAll(io.LimitReader(part, maxForm))
	if err != nil || len(text) == 0 {
		return err
	}
	c.errs.add(f.name, parseInto(c.in.Field(f.index), f.rule, string(text)))
	return nil
}

// deadlineReader extends the deadlines of the connection with each read.
type deadlineReader struct {
	src    io.Reader
	extend func()
}

func (d deadlineReader) Read(b []byte) (int, error) {
	d.extend()
	return d.src.Read(b)
}

func tooLargeProblem() *Problem {
	return problem(http.StatusRequestEntityTooLarge, "The file is larger than the limit of %d bytes.", maxUpload)
}

func storageProblem(cause error) *Problem {
	return unavailable(
		"The file cannot be stored right now. Try again, or contact the operator if this persists.", cause)
}

// formProblem converts the error of reading a form into a problem.
func formProblem(err error) error {
	var maxBytesErr *http.MaxBytesError
	var pathErr *fs.PathError
	switch {
	case errors.As(err, &maxBytesErr):
		return tooLargeProblem()
	case errors.As(err, &pathErr):
		return storageProblem(err)
	case errors.Is(err, io.ErrUnexpectedEOF),
		strings.Contains(err.Error(), "multipart:"): // mime/multipart has no error type
		return badRequest([]FieldError{{Field: "form", Message: "is malformed: " + sanitize(err.Error())}})
	case errors.Is(err, media.ErrTooLarge), errors.Is(err, media.ErrType):
		return err
	}
	return bodyProblem(err, maxUpload)
}

// fileName returns the base name of the uploaded file. Some clients send a Windows path.
func fileName(part *multipart.Part) string {
	name := part.FileName() // strips directories, but only with the separator of this system
	return name[strings.LastIndexByte(name, '\\')+1:]
}

// validateFileName returns why a file name is rejected, or "".
func validateFileName(name string) string {
	switch {
	case strings.Trim(name, ". ") == "":
		return "must have a file name"
	case !utf8.ValidString(name):
		return "must have a file name in valid UTF-8"
	case len([]rune(name)) > maxFileName:
		return fmt.Sprintf("must have a file name of at most %d characters", maxFileName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "must have a file name of printable characters only"
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
	deleteRow := func(ctx context.Context, tx pgx.Tx, _ *rowEncoder) (err error) {
		deleted, err = db.New(tx).DeleteAttachment(ctx, c.in.Interface().(db.DeleteAttachmentParams))
		if err == nil && files != nil && !c.dryRun {
			// Before the commit, so that cleanup finds an orphaned file.
			if err := files.MarkPending(deleted.Url); err != nil {
				return storageProblem(err)
			}
		}
		return err
	}
	_, err := c.inTx(ctx, recorderOf(c.w).requestContext(), deleteRow)
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

// writeVersioned writes a row as JSON, with an ETag if version is positive.
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
