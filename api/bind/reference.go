package bind

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"labledger/api/problem"
)

// This file binds fields that name a row, in place of the field with the key of the row. The caller finds the key.

// A Reference is a field of a body that names a row: site for site_id. The rule of the key declares the kind of the
// row.
type Reference struct {
	Field string // name of the field
	Key   string // name of the field with the key
	Kind  string // of the row
	key   field
}

// A Name is the text of a Reference.
type Name struct {
	*Reference
	Text   string
	isNull bool
	given  string // key that the body has as well, as text; "" for none
}

// newReference returns the reference of a key, whose name is that of the field with a suffix.
func newReference(key field, kind string) Reference {
	for _, suffix := range []string{"_id", "_uuid"} {
		if name, found := strings.CutSuffix(key.name, suffix); found && name != "" {
			return Reference{name, key.name, kind, key}
		}
	}
	panic(fmt.Sprintf("bind: the key %s of a %s must end in _id or _uuid", key.name, kind))
}

// References returns the fields of the body that name rows.
func (p *Plan) References() []Reference { return p.references }

// reference returns the reference with a field, or nil.
func (p *Plan) reference(field string) *Reference {
	i := slices.IndexFunc(p.references, func(r Reference) bool { return r.Field == field })
	if i < 0 {
		return nil
	}
	return &p.references[i]
}

// acceptedNames returns BodyNames with the fields that name rows, each after its key.
func (p *Plan) acceptedNames() []string {
	all := p.BodyNames()
	for _, r := range p.references {
		all = slices.Insert(all, slices.Index(all, r.Key)+1, r.Field)
	}
	return all
}

// Nullable reports whether null is a value of the field.
func (r *Reference) Nullable() bool { return r.key.nullable }

// parseJSON returns the name in a JSON value, and what is wrong with it, or "".
func (r *Reference) parseJSON(value jsontext.Value) (n Name, reason string) {
	kind := value.Kind()
	if kind == 'n' {
		return Name{Reference: r, isNull: true}, ""
	}
	if kind != '"' {
		return Name{Reference: r}, fmt.Sprintf("must be the name of a %s, got %s", r.Kind, kindName(kind))
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return Name{Reference: r}, "must be valid UTF-8"
	}
	return r.parseText(string(text))
}

// parseText returns the name in a text, and what is wrong with it, or "".
func (r *Reference) parseText(text string) (n Name, reason string) {
	if reason = CheckText(text); reason == "" && !hasText(text) {
		reason = "must not be blank"
	}
	return Name{Reference: r, Text: text}, reason
}

// checkNames compares names with the keys that the same body gives. It returns given with the keys of all names, and
// the names without errors, whose keys the caller must find.
func (p *Plan) checkNames(
	target reflect.Value, given []string, all []Name, errs *problem.FieldErrors,
) (withKeys []string, valid []Name) {
	for _, n := range all {
		hasKey := slices.Contains(given, n.Key)
		if !hasKey {
			given = append(given, n.Key)
		}
		if hasKey && !errs.Has(n.Key) {
			n.given = keyText(target.Field(n.key.index))
		}
		switch {
		case errs.Has(n.Field):
		case !n.isNull:
			valid = append(valid, n)
		case !hasKey && !n.Nullable():
			errs.Add(n.Field, "must not be null")
		case n.given != "" && n.given != nullText:
			errs.Add(n.Field, fmt.Sprintf("is null, but %s is %s", n.Key, n.given))
		}
	}
	return given, valid
}

const nullText = "null"

// keyText returns a key as text.
func keyText(key reflect.Value) string {
	if key.Kind() == reflect.Pointer {
		if key.IsNil() {
			return nullText
		}
		key = key.Elem()
	}
	return fmt.Sprint(key.Interface())
}

// CheckKey returns what is wrong with a name of the row with this key, or "": the body may have another key.
func (n Name) CheckKey(key string) (reason string) {
	if n.given != "" && n.given != key {
		return fmt.Sprintf("is %s %s, but %s is %s", n.Kind, key, n.Key, n.given)
	}
	return ""
}

// SetKey sets the key of the row that a body names.
func (p *Plan) SetKey(params any, n Name, key string) {
	if reason := n.key.setText(reflect.ValueOf(params).Elem().Field(n.key.index), key); reason != "" {
		panic(fmt.Sprintf("bind: the key %q of a %s %s", key, n.Kind, reason))
	}
}

// AppendKey adds the key of the row that a row names to the JSON object at the end of dst.
func (n Name) AppendKey(dst []byte, key string) []byte {
	dst = dst[:len(dst)-len("}")]
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst, _ = jsontext.AppendQuote(dst, n.Key) // never fails, as the name of a field
	dst = append(dst, ':')
	if n.key.typeName == integerType {
		dst = append(dst, key...)
	} else {
		dst, _ = jsontext.AppendQuote(dst, key) // see above
	}
	return append(dst, '}')
}
