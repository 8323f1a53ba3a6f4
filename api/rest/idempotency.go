package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/api/problem"
	"labledger/db"
)

// This file handles two headers of every write. Idempotency-Key makes a write safe to repeat: the response is stored in
// the transaction of the write, and a repeated request gets it again. X-Change-Message says why a change was made.

// Request headers of writes, and the response header of a repeated one.
const (
	KeyHeader      = "Idempotency-Key"
	MessageHeader  = "X-Change-Message"
	replayedHeader = "Idempotency-Replayed"
)

// Maximum lengths of the headers, in characters.
const (
	MaxKeyLen     = 255
	MaxMessageLen = 200
)

// codeRepeated is the SQLSTATE that claim_idempotency_key raises if the response for the key is stored.
const codeRepeated = "LL200"

// storedHeaders are the response headers that a repeated response has too.
var storedHeaders = []string{"Cache-Control", "Content-Type", "ETag", locationHeader}

// bindWriteHeaders reads the two headers of a write.
func (c *Call) bindWriteHeaders() {
	if keys := c.Request.Header.Values(KeyHeader); len(keys) > 0 {
		switch reason := validateKey(keys); {
		case c.noKey != "":
			c.Errors.Add(KeyHeader, "does not apply here: "+c.noKey)
		case reason != "":
			c.Errors.Add(KeyHeader, reason)
		default:
			c.key = keys[0]
		}
	}
	if messages := c.Request.Header.Values(MessageHeader); len(messages) > 0 {
		message, reason := parseMessage(messages)
		if reason == "" && message != "" && c.noHistory {
			reason = "does not apply here: the request changes no row that has a history"
		}
		c.Errors.Add(MessageHeader, reason)
		c.message = message
	}
}

// validateKey returns why the values of Idempotency-Key are invalid, or "".
func validateKey(keys []string) string {
	key := keys[0]
	switch {
	case len(keys) > 1 || key == "" || len(key) > MaxKeyLen:
		return fmt.Sprintf("must be sent once, with 1 to %d characters", MaxKeyLen)
	case strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }):
		return "must contain only printable ASCII characters"
	}
	return ""
}

// parseMessage returns the value of X-Change-Message without surrounding space, or why it is invalid.
func parseMessage(messages []string) (message, reason string) {
	message = strings.TrimSpace(messages[0])
	switch {
	case len(messages) > 1:
		return "", "must be sent once"
	case !utf8.ValidString(message):
		return "", "must be valid UTF-8"
	case utf8.RuneCountInString(message) > MaxMessageLen:
		return "", fmt.Sprintf("must have at most %d characters", MaxMessageLen)
	case strings.ContainsFunc(message, unicode.IsControl):
		return "", "must not contain control characters"
	}
	return message, ""
}

// IdempotencyKey returns the idempotency key of the request, or "". A dry run stores nothing and has none.
func (c *Call) IdempotencyKey() string {
	if c.DryRun {
		return ""
	}
	return c.key
}

// SetReplayed marks the response as that of an earlier request with the same key.
func (c *Call) SetReplayed() { c.Header.Set(replayedHeader, "true") }

// startRequestHash starts the hash of the request with everything but the body. The boundary of a form is left out,
// since each attempt chooses another one.
func (c *Call) startRequestHash() hash.Hash {
	h := sha256.New()
	r := c.Request
	contentType := r.Header.Get("Content-Type")
	if mediaType, _, err := mime.ParseMediaType(contentType); err == nil && strings.HasPrefix(mediaType, "multipart/") {
		contentType = mediaType
	}
	_, _ = fmt.Fprintf(h, "%q %q %q %q %q %q %q\n", // never fails
		r.Method, r.URL.EscapedPath(), r.URL.RawQuery, contentType,
		r.Header.Values("If-Match"), r.Header.Values("If-None-Match"), c.message)
	return h
}

// HashBody starts the hash of a body that does not come as one JSON object. The caller writes the body to it, or what
// identifies the body.
func (c *Call) HashBody() hash.Hash {
	c.bodyHash = c.startRequestHash()
	return c.bodyHash
}

// RequestHash returns the SHA-256 that identifies the request: method, path, query string, some headers and body.
func (c *Call) RequestHash() (sum [sha256.Size]byte) {
	h := c.bodyHash
	if h == nil {
		h = c.startRequestHash()
		_, _ = h.Write(c.Body) // never fails
	}
	h.Sum(sum[:0])
	return sum
}

// IsRepeated reports whether a write failed because an earlier request with the same key was executed. A function
// reverts what it did outside the database and returns the error.
func IsRepeated(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == codeRepeated
}

// SaveResponse stores the response for the idempotency key, if there is one. It runs in the transaction of the write,
// after c.Status and the headers have been set. value is the response.
func (c *Call) SaveResponse(ctx context.Context, q *db.Queries, value any) error {
	if c.IdempotencyKey() == "" {
		return nil
	}
	body, err := encodeValue(value)
	if err != nil {
		return err
	}
	c.saved = body
	return q.SaveResponse(ctx, c.savedResponse(body))
}

// savedResponse returns the response with a body as parameters of SaveResponse.
func (c *Call) savedResponse(body []byte) db.SaveResponseParams {
	c.Header.Set("Content-Type", MediaTypeJSON)
	header := map[string]string{}
	for _, name := range storedHeaders {
		if value := c.Header.Get(name); value != "" {
			header[name] = value
		}
	}
	text, _ := json.Marshal(header) // a map of strings never fails
	sum := c.RequestHash()
	return db.SaveResponseParams{
		Key: c.key, RequestHash: sum[:], Status: int32(c.Status), Headers: text, Body: body,
	}
}

// replay writes the response of the earlier request with the same key.
func (c *Call) replay() error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), StatementTimeout)
	defer cancel()
	saved, err := c.server.queries.GetSavedResponse(ctx, db.GetSavedResponseParams{
		Caller: c.Caller.Username, Key: c.key,
	})
	if errors.Is(err, pgx.ErrNoRows) { // it has just expired
		return problem.BusyKey()
	}
	if err != nil {
		return err
	}
	if sum := c.RequestHash(); !bytes.Equal(sum[:], saved.RequestHash) {
		return problem.ReusedKey()
	}
	var header map[string]string
	if err := json.Unmarshal(saved.Headers, &header); err != nil {
		return err
	}
	for name, value := range header {
		c.Header.Set(name, value)
	}
	c.SetReplayed()
	return c.respond(int(saved.Status), saved.Body)
}

// Write runs the statements of a function in one transaction, like Tx, and stores the response for the idempotency key.
// run sets c.Status and the headers, and returns the response.
func Write[Out any](
	ctx context.Context, c *Call, run func(ctx context.Context, q *db.Queries) (Out, error),
) (out Out, err error) {
	err = c.Tx(ctx, func(ctx context.Context, q *db.Queries) error {
		if out, err = run(ctx, q); err != nil {
			return err
		}
		return c.SaveResponse(ctx, q, out)
	})
	if err != nil {
		c.ResetResponse()
	}
	return out, err
}

// WriteLong is Write for a long transfer: it has no timeout of its own. It runs the transaction again if Postgres
// aborts it because of a concurrent one. run extends the deadlines of the connection to the client.
func WriteLong[Out any](
	ctx context.Context, c *Call, run func(ctx context.Context, q *db.Queries) (Out, error),
) (out Out, err error) {
	err = retry(ctx, func(ctx context.Context) error {
		err := c.inLongTx(ctx, c.Caller.Username, func(ctx context.Context, tx pgx.Tx) (err error) {
			q := db.New(tx)
			if out, err = run(ctx, q); err != nil {
				return err
			}
			return c.SaveResponse(ctx, q, out)
		})
		if err != nil {
			c.ResetResponse()
		}
		return err
	}, func(*pgconn.PgError) bool { return false })
	return out, err
}

// ResetResponse reverts the status and the headers of a write whose transaction failed.
func (c *Call) ResetResponse() {
	c.Status, c.saved = http.StatusOK, nil
	c.Header.Del("ETag")
	c.Header.Del(locationHeader)
}

// errNoResponse reports a function that writes with Tx, on a route that accepts idempotency keys.
var errNoResponse = errors.New("rest: the transaction does not store the response for its idempotency key; use Write")

// DeleteExpiredResponses deletes the idempotency keys that are older than a time with their responses, in chunks of
// 1000. It returns the number of deleted keys.
func DeleteExpiredResponses(ctx context.Context, q *db.Queries, before time.Time) (int64, error) {
	const limit = 1000
	for total := int64(0); ; {
		n, err := q.DeleteExpiredResponses(ctx, db.DeleteExpiredResponsesParams{Before: before, Limit: limit})
		total += n
		if err != nil || n < limit {
			return total, err
		}
	}
}

// encodeValue returns a value as JSON.
func encodeValue(value any) ([]byte, error) {
	body, err := json.Marshal(value)
	return append(body, '\n'), err
}
