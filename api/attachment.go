package api

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/media"
)

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

// The documentation of Upload and DeleteAttachment.
var (
	uploadDoc = rest.Doc{
		Queries: []any{(*db.Queries).CreateAttachment}, Status: http.StatusCreated, Form: true, Long: true,
		Problems: []int{http.StatusTooManyRequests},
	}
	deleteAttachmentDoc = rest.Doc{
		Queries: []any{(*db.Queries).DeleteAttachment}, Problems: []int{http.StatusNotFound, http.StatusPreconditionFailed},
	}
)

// attachments stores, serves and deletes attachments. Uploads are multipart forms, as sent by browsers and curl -F.
type attachments struct {
	files *media.Store // nil disables uploads
}

// Upload stores a file of up to 20 MiB as an attachment. The url of the file is unguessable. Its type is detected from
// the first bytes; the type that the client sends is ignored. Files that browsers execute (HTML, XML, SVG, scripts) are
// rejected. A row has at most 1000 attachments.
func (a attachments) Upload(ctx context.Context, c *rest.Call, in UploadRequest) (created db.Attachment, err error) {
	if err := c.Errors.Err(); err != nil {
		return created, err
	}
	if a.files == nil {
		return created, problem.Unavailable(problem.StorageUnavailable,
			"This server has no directory for uploaded files. Contact the operator.", nil)
	}
	form := &uploadForm{Call: c, files: a.files, in: &in}
	if err := form.read(); err != nil {
		form.abort()
		return created, err
	}
	file := form.file
	if err := file.Commit(); err != nil { // before the row is inserted: every row has its file
		file.Abort()
		return created, storageProblem(err)
	}
	created, err = rest.Write(ctx, c, func(ctx context.Context, q *db.Queries) (created db.Attachment, err error) {
		created, err = q.CreateAttachment(ctx, db.CreateAttachmentParams{
			Name:          form.name,
			Url:           file.URL,
			MediaType:     file.Type,
			Size:          file.Size,
			Sha256:        file.SHA256,
			SiteID:        in.SiteID,
			FreezerID:     in.FreezerID,
			ComputerID:    in.ComputerID,
			ContainerUuid: in.ContainerUUID,
		})
		if err != nil {
			return created, err
		}
		c.Status = http.StatusCreated
		c.SetLocation("/api/v1/attachments/" + strconv.FormatInt(created.ID, 10))
		c.SetVersion(created.Version)
		created.Url = c.URL(created.Url)
		return created, nil
	})
	var pgErr *pgconn.PgError
	switch {
	case c.DryRun || errors.As(err, &pgErr):
		file.Abort()
	case err == nil:
		// After any other error the row may exist, so the file stays pending until the next cleanup.
		a.files.ClearPending(file.URL)
	}
	return created, err
}

// DeleteAttachment deletes an attachment and its file.
func (a attachments) DeleteAttachment(
	ctx context.Context, c *rest.Call, in db.DeleteAttachmentParams,
) (deleted db.Attachment, err error) {
	if err := c.Errors.Err(); err != nil {
		return deleted, err
	}
	deletesFile := a.files != nil && !c.DryRun
	file := "" // its URL without the base path
	deleted, err = rest.Write(ctx, c, func(ctx context.Context, q *db.Queries) (deleted db.Attachment, err error) {
		if deleted, err = q.DeleteAttachment(ctx, in); err != nil {
			return deleted, err
		}
		file = deleted.Url
		deleted.Url = c.URL(file)
		if deletesFile {
			if err := a.files.MarkPending(file); err != nil { // before the commit, so that cleanup finds an orphaned file
				return deleted, storageProblem(err)
			}
		}
		return deleted, nil
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return deleted, c.NotFound()
	case err == nil && deletesFile:
		a.files.Delete(file)
	}
	return deleted, err
}

// serveMedia serves uploaded files. URLs are capabilities (130 random bits), so cross-origin embedding is allowed.
func (a attachments) serveMedia(w http.ResponseWriter, r *http.Request) {
	vars := rest.PathValues(r)
	rest.ExtendDeadlines(w)
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	if a.files == nil || !a.files.ServeFile(w, r, vars["folder"], vars["file"]) {
		rest.WriteProblem(w, r, problem.New(problem.NotFound, "File not found."))
	}
}

// An uploadForm reads the form of an upload.
type uploadForm struct {
	*rest.Call
	files *media.Store
	in    *UploadRequest
	file  *media.File // nil before its part
	name  string      // of the file
	seen  []string    // names of the parts
	hash  hash.Hash   // of the fields, for the idempotency key
}

// abort deletes the file that has been received.
func (f *uploadForm) abort() {
	if f.file != nil {
		f.file.Abort()
	}
}

// read reads the form and streams the file to disk. The error is a problem with all errors of the form.
func (f *uploadForm) read() error {
	f.hash = f.HashBody()
	f.Request.Body = f.TransferBody(maxUpload + maxForm)
	form, err := f.Request.MultipartReader()
	if err != nil {
		return problem.New(problem.UnsupportedMediaType,
			"Send a multipart/form-data body with the file in field %q: curl -F %s=@photo.jpg", fileField, fileField)
	}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = f.readPart(part)
		}
		if err != nil {
			return formProblem(err)
		}
	}
	if !slices.Contains(f.seen, fileField) {
		f.Errors.Add(fileField, "is missing")
	}
	if f.countParents() > 1 {
		f.Errors.Add("site_id", "at most one of site_id, freezer_id, computer_id and container_uuid may be set")
	}
	return f.Errors.Err()
}

// readPart reads one field of the form.
func (f *uploadForm) readPart(part *multipart.Part) (err error) {
	name := part.FormName()
	if len(f.seen) == maxParts {
		message := fmt.Sprintf("must have at most %d fields", maxParts)
		return problem.BadRequest(problem.FieldError{Field: "form", Message: message})
	}
	isRepeated := slices.Contains(f.seen, name)
	f.seen = append(f.seen, name)
	switch {
	case isRepeated:
		f.Errors.Add(problem.Sanitize(name), "is given more than once")
	case name == fileField:
		f.name = fileName(part)
		f.Errors.Add(fileField, validateFileName(f.name))
		f.file, err = f.files.Receive(part, maxUpload)
		if err == nil {
			_, _ = fmt.Fprintf(f.hash, "%q %q %q\n", name, f.name, f.file.SHA256) // never fails
			if f.file.Size == 0 {
				f.Errors.Add(fileField, "must not be empty")
			}
		}
	case slices.Contains(f.Plan.BodyNames(), name):
		var text []byte
		text, err = io.ReadAll(io.LimitReader(part, maxForm))
		_, _ = fmt.Fprintf(f.hash, "%q %q\n", name, text) // never fails
		f.Errors.Add(name, f.Plan.FormField(f.in, name, string(text)))
	default:
		f.Errors.Add(problem.Sanitize(name), problem.UnknownName(name, append([]string{fileField}, f.Plan.BodyNames()...)))
	}
	return err
}

func (f *uploadForm) countParents() (n int) {
	for _, isSet := range []bool{
		f.in.SiteID != nil, f.in.FreezerID != nil, f.in.ComputerID != nil, f.in.ContainerUUID != nil,
	} {
		if isSet {
			n++
		}
	}
	return n
}

func storageProblem(cause error) *problem.Problem {
	return problem.Unavailable(problem.StorageUnavailable,
		"The file cannot be stored right now. Try again, or contact the operator if this persists.", cause)
}

// formProblem converts the error of reading a form into a problem.
func formProblem(err error) error {
	var maxBytesErr *http.MaxBytesError
	var pathErr *fs.PathError
	var p *problem.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &maxBytesErr), errors.Is(err, media.ErrTooLarge):
		return problem.New(problem.BodyTooLarge, "The file is larger than the limit of %d bytes.", maxUpload)
	case errors.Is(err, media.ErrType):
		return problem.New(problem.FileTypeNotAllowed,
			"Files that browsers execute (HTML, XML, SVG, scripts) are rejected. Send the file in a ZIP archive.")
	case errors.As(err, &pathErr):
		return storageProblem(err)
	case errors.Is(err, io.ErrUnexpectedEOF),
		strings.Contains(err.Error(), "multipart:"): // mime/multipart has no error type
		return problem.BadRequest(problem.FieldError{
			Field: "form", Message: "is malformed: " + problem.Sanitize(err.Error()),
		})
	}
	return rest.BodyProblem(err, maxUpload)
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
