package api

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// This file compares versions: RFC 9110, section 13. A row's ETag is its version in quotes; it is strong, since a version never names two
// states of a row.

// What the queries expect of a version besides a number: any row at all, or none.
const (
	anyVersion = -1
	noVersion  = 0
)

func etag(version string) string { return `"` + version + `"` }

// compare holds a read's conditions against the version found. unchanged means: the client has it already.
func compare(r *http.Request, version string) (unchanged bool, p *Problem) {
	if match := r.Header.Get("If-Match"); match != "" && !tagged(match, version) {
		return false, problem(http.StatusPreconditionFailed, "The row is at version %s.", version)
	}
	none := r.Header.Values("If-None-Match")
	return len(none) > 0 && tagged(strings.Join(none, ","), version), nil
}

// tagged tells whether a list of entity tags names the version. A tag that a proxy has weakened, as nginx does when it compresses, still counts.
func tagged(header, version string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag(version) {
			return true
		}
	}
	return false
}

// bindMatch turns a write's If-Match or If-None-Match into the version that its query expects.
func (b *binder) bindMatch(in reflect.Value, header http.Header, found *faults) {
	match, none := header.Values("If-Match"), header.Values("If-None-Match")
	if len(match)+len(none) == 0 {
		b.checkVersion(in, found)
		return
	}
	name := "If-Match"
	if len(match) == 0 {
		name = "If-None-Match"
	}
	expected := int64(anyVersion)
	switch {
	case b.version < 0 || len(none) > 0 && !b.upserts():
		found.add(name, "does not apply to this call")
		return
	case len(match)+len(none) > 1:
		found.add(name, "must stand once, alone")
		return
	case len(none) == 1 && none[0] != "*":
		found.add(name, `of a write can only be *, which means: create, replace nothing`)
		return
	case len(none) == 1:
		expected = noVersion
	case match[0] != "*":
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(match[0], "W/"), `"`), `"`), 10, 64)
		if err != nil || n < 1 || !tagged(match[0], strconv.FormatInt(n, 10)) {
			found.add(name, `must be the ETag of the row, like "3", or *`)
			return
		}
		expected = n
	}
	target := in.Field(b.version)
	if !target.IsNil() && target.Elem().Int() != expected {
		found.add("version", "is not what "+name+" says")
		return
	}
	target.Set(reflect.ValueOf(&expected))
}

// checkVersion refuses versions that no row has; they mean something else to the queries.
func (b *binder) checkVersion(in reflect.Value, found *faults) {
	if b.version >= 0 && !in.Field(b.version).IsNil() && in.Field(b.version).Elem().Int() < 1 {
		found.add("version", "must be at least 1")
	}
}

// upserts tells whether the query may create the row under the key in the path: its name says so.
func (b *binder) upserts() bool { return strings.HasPrefix(b.shape.Name(), "Upsert") }
