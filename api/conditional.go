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

// checkPreconditions holds a read's conditions against the version found. unchanged means: the client has it already.
func checkPreconditions(r *http.Request, version string) (unchanged bool, p *Problem) {
	if ifMatch := r.Header.Get("If-Match"); ifMatch != "" && !matchesETag(ifMatch, version) {
		return false, problem(http.StatusPreconditionFailed, "The row is at version %s.", version)
	}
	ifNoneMatch := r.Header.Values("If-None-Match")
	return len(ifNoneMatch) > 0 && matchesETag(strings.Join(ifNoneMatch, ","), version), nil
}

// matchesETag tells whether a list of entity tags names the version. A tag that a proxy has weakened, as nginx does when it compresses, still counts.
func matchesETag(header, version string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag(version) {
			return true
		}
	}
	return false
}

// bindPreconditions turns a write's If-Match or If-None-Match into the version that its query expects.
func (b *binder) bindPreconditions(in reflect.Value, header http.Header, errs *fieldErrors) {
	ifMatch, ifNoneMatch := header.Values("If-Match"), header.Values("If-None-Match")
	if len(ifMatch)+len(ifNoneMatch) == 0 {
		b.validateVersion(in, errs)
		return
	}
	name := "If-Match"
	if len(ifMatch) == 0 {
		name = "If-None-Match"
	}
	expected := int64(anyVersion)
	switch {
	case b.versionIndex < 0 || len(ifNoneMatch) > 0 && !b.canCreate():
		errs.add(name, "does not apply to this call")
		return
	case len(ifMatch)+len(ifNoneMatch) > 1:
		errs.add(name, "must stand once, alone")
		return
	case len(ifNoneMatch) == 1 && ifNoneMatch[0] != "*":
		errs.add(name, `of a write can only be *, which means: create, replace nothing`)
		return
	case len(ifNoneMatch) == 1:
		expected = noVersion
	case ifMatch[0] != "*":
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(ifMatch[0], "W/"), `"`), `"`), 10, 64)
		if err != nil || n < 1 || !matchesETag(ifMatch[0], strconv.FormatInt(n, 10)) {
			errs.add(name, `must be the ETag of the row, like "3", or *`)
			return
		}
		expected = n
	}
	target := in.Field(b.versionIndex)
	if !target.IsNil() && target.Elem().Int() != expected {
		errs.add("version", "is not what "+name+" says")
		return
	}
	target.Set(reflect.ValueOf(&expected))
}

// validateVersion refuses versions that no row has; they mean something else to the queries.
func (b *binder) validateVersion(in reflect.Value, errs *fieldErrors) {
	if b.versionIndex >= 0 && !in.Field(b.versionIndex).IsNil() && in.Field(b.versionIndex).Elem().Int() < 1 {
		errs.add("version", "must be at least 1")
	}
}

// canCreate tells whether the query may create the row under the key in the path: its name says so.
func (b *binder) canCreate() bool { return strings.HasPrefix(b.typ.Name(), "Upsert") }
