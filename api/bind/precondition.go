package bind

import (
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"labledger/api/problem"
)

// Conditional requests compare versions (RFC 9110, section 13). A row's ETag is its version in double quotes. It is a
// strong ETag: a version never names two states of a row.

// Special values of the version that a query expects.
const (
	anyVersion       = -1 // the row exists
	noVersion        = 0  // the row does not exist
	unmatchedVersion = math.MaxInt64
)

// ETag returns the entity tag of a version.
func ETag(version string) string { return `"` + version + `"` }

// MatchesETag reports whether a list of entity tags contains the version. A weak tag matches as well: nginx weakens
// ETags when it compresses.
func MatchesETag(header, version string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == ETag(version) {
			return true
		}
	}
	return false
}

// Preconditions converts If-Match or If-None-Match of a write to the version that its query expects.
func (p *Plan) Preconditions(params any, header http.Header, errs *problem.FieldErrors) {
	ifMatch, ifNoneMatch := header.Values("If-Match"), header.Values("If-None-Match")
	if len(ifMatch)+len(ifNoneMatch) == 0 {
		p.CheckVersion(params, errs)
		return
	}
	name := "If-Match"
	if len(ifMatch) == 0 {
		name = "If-None-Match"
	}
	var expected int64
	switch {
	case p.versionIndex < 0 || len(ifNoneMatch) > 0 && !p.canCreate:
		errs.Add(name, "does not apply to this operation")
		return
	case len(ifMatch) > 0 && len(ifNoneMatch) > 0:
		errs.Add(name, "cannot be combined with If-None-Match; use one of them")
		return
	case len(ifMatch) > 0:
		expected = matchedVersion(strings.Join(ifMatch, ","))
	case len(ifNoneMatch) > 1 || ifNoneMatch[0] != "*":
		errs.Add(name, `must be * in a write: create the row, but replace none`)
		return
	default:
		expected = noVersion
	}
	target := reflect.ValueOf(params).Elem().Field(p.versionIndex)
	if !target.IsNil() && target.Elem().Int() != expected && expected != unmatchedVersion {
		errs.Add("version", "contradicts "+name)
		return
	}
	target.Set(reflect.ValueOf(&expected))
}

// matchedVersion returns the version that a list of entity tags can match. Of several it is the largest, because
// versions only grow. It is unmatchedVersion if no tag is one of ours, so that the write fails with 412.
func matchedVersion(header string) int64 {
	largest := int64(unmatchedVersion)
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			return anyVersion
		}
		text := strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
		n, err := strconv.ParseInt(text, 10, 64)
		if err == nil && n >= 1 && MatchesETag(tag, strconv.FormatInt(n, 10)) &&
			(n > largest || largest == unmatchedVersion) {
			largest = n
		}
	}
	return largest
}

// CheckVersion rejects versions that no row has. Queries give them a special meaning.
func (p *Plan) CheckVersion(params any, errs *problem.FieldErrors) {
	if p.versionIndex < 0 {
		return
	}
	if version := reflect.ValueOf(params).Elem().Field(p.versionIndex); !version.IsNil() && version.Elem().Int() < 1 {
		errs.Add("version", "must be at least 1")
	}
}
