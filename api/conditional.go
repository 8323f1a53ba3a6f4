package api

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// Conditional requests compare versions (RFC 9110, section 13). A row's ETag is its version in double quotes. It is a
// strong ETag: a version never names two states of a row.

// Special values of the version that a query expects.
const (
	anyVersion = -1 // the row exists
	noVersion  = 0  // the row does not exist
)

func etag(version string) string { return `"` + version + `"` }

// checkPreconditions compares the conditions of a read with the row's version. unchanged means 304.
func checkPreconditions(r *http.Request, version string) (unchanged bool, p *Problem) {
	if ifMatch := r.Header.Get("If-Match"); ifMatch != "" && !matchesETag(ifMatch, version) {
		return false, problem(http.StatusPreconditionFailed, "The row is at version %s.", version)
	}
	ifNoneMatch := r.Header.Values("If-None-Match")
	return len(ifNoneMatch) > 0 && matchesETag(strings.Join(ifNoneMatch, ","), version), nil
}

// matchesETag reports whether a list of entity tags contains the version. A weak tag matches as well: nginx weakens
// ETags when it compresses.
func matchesETag(header, version string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag(version) {
			return true
		}
	}
	return false
}

// bindPreconditions converts If-Match or If-None-Match of a write to the version that its query expects.
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
		errs.add(name, "does not apply to this operation")
		return
	case len(ifMatch)+len(ifNoneMatch) > 1:
		errs.add(name, "must be the only condition, and be sent once")
		return
	case len(ifNoneMatch) == 1 && ifNoneMatch[0] != "*":
		errs.add(name, `must be * in a write: create the row, but replace none`)
		return
	case len(ifNoneMatch) == 1:
		expected = noVersion
	case ifMatch[0] != "*":
		text := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(ifMatch[0], "W/"), `"`), `"`)
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 || !matchesETag(ifMatch[0], strconv.FormatInt(n, 10)) {
			errs.add(name, `must be the ETag of the row, like "3", or *`)
			return
		}
		expected = n
	}
	target := in.Field(b.versionIndex)
	if !target.IsNil() && target.Elem().Int() != expected {
		errs.add("version", "contradicts "+name)
		return
	}
	target.Set(reflect.ValueOf(&expected))
}

// validateVersion rejects versions that no row has. Queries give them a special meaning.
func (b *binder) validateVersion(in reflect.Value, errs *fieldErrors) {
	if b.versionIndex >= 0 && !in.Field(b.versionIndex).IsNil() && in.Field(b.versionIndex).Elem().Int() < 1 {
		errs.add("version", "must be at least 1")
	}
}

// canCreate reports whether the query may create the row of the path: an Upsert query does.
func (b *binder) canCreate() bool { return strings.HasPrefix(b.typ.Name(), "Upsert") }
