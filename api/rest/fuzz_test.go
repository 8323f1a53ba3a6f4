package rest_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"labledger/db"
)

// checkStorable fails the test if a bound string is not valid UTF-8 or contains a null byte.
func checkStorable(t *testing.T, row reflect.Value) {
	t.Helper()
	for i := range row.NumField() {
		value := row.Field(i)
		if value.Kind() == reflect.Pointer {
			if value.IsNil() {
				continue
			}
			value = value.Elem()
		}
		if value.Kind() == reflect.String && (!utf8.ValidString(value.String()) || strings.ContainsRune(value.String(), 0)) {
			t.Errorf("field %s was accepted as %q", row.Type().Field(i).Name, value.String())
		}
	}
}

// FuzzBody binds JSON bodies. Errors must be 400, and accepted values storable.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","contact":null,"address":"b","state_or_region":null,"country":null,"postcode_or_zip":48104}`, `{}`,
		`[]`, `null`, ``, `{"name":1}`, `{"name":"a","name":"b"}`, `{"name":"\u0000"}`, `{"name":"\ud800"}`,
		"{\"name\":\"\xff\"}", `{"id":1.0}`, `{"id":9223372036854775808}`, `{} {}`, strings.Repeat("[", 20_000),
		`{"version":-1}`, `{"nam":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	b := newBinder(reflect.TypeFor[db.UpsertSiteParams](), http.MethodPost, []string{"id"})
	f.Fuzz(func(t *testing.T, body []byte) {
		row := reflect.New(b.typ).Elem()
		row.FieldByName("ID").SetInt(1)
		var errs fieldErrors
		if err := b.bindBody(row, body, "site_id", &errs); err != nil {
			if asProblem(err, http.MethodPost, nil).Status != http.StatusBadRequest {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if len(errs) > 0 {
			return
		}
		checkStorable(t, row)
		if !json.Valid(body) {
			t.Errorf("%q was accepted as JSON", body)
		}
	})
}

// FuzzQuery binds query strings. No parameter may be ignored.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"limit=10", "limit=0&offset=3", "after=5", "after=1-2", "name=%00", "name=%ff", "nam=x", "limit=1&limit=2",
		"%zz", ";", "offset=-1", "limit=99999999999999999999", "a=%u0041",
	} {
		f.Add(seed)
	}
	lists := []*binder{
		newBinder(reflect.TypeFor[db.ListSitesParams](), http.MethodGet, nil),
		newBinder(reflect.TypeFor[db.ListInstrumentsParams](), http.MethodGet, nil),
		newBinder(reflect.TypeFor[db.DeleteSiteParams](), http.MethodDelete, []string{"id"}),
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, b := range lists {
			row := reflect.New(b.typ).Elem()
			var errs fieldErrors
			flags := b.bindQuery(row, raw, &errs)
			if len(errs) == 0 {
				checkStorable(t, row)
				for name := range flags {
					if !slices.Contains(b.queryNames, name) {
						t.Errorf("%q: parameter %q was ignored", raw, name)
					}
				}
			}
		}
	})
}

// FuzzCursor parses cursors. An accepted cursor must have one spelling only.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{
		"1", "0", "-1", "1-2-3", "1--3", "1-2-9007199254740991", "01-2-3", "", "-", "a-b-c", "1-2-3-4",
	} {
		f.Add(seed)
	}
	b := newBinder(reflect.TypeFor[db.ListInstrumentsParams](), http.MethodGet, nil)
	f.Fuzz(func(t *testing.T, text string) {
		row := reflect.New(b.typ).Elem()
		if b.bindCursor(row, text) != "" {
			return
		}
		var parts []string
		for _, c := range b.cursorFields {
			parts = append(parts, strconv.FormatInt(row.Field(c.index).Int(), 10))
		}
		if formatted := strings.Join(parts, "-"); formatted != text {
			t.Errorf("cursor %q was parsed as %q", text, formatted)
		}
	})
}

// FuzzBulk reads import bodies of all media types. Each chunk must be JSON that the import query accepts.
func FuzzBulk(f *testing.F) {
	for _, seed := range []string{
		"id,name,mac,site_id\n1,a,08:00:2b:01:02:03,1\n", "name,mac,site_id\na,,1\n",
		"\xef\xbb\xbfname,mac,site_id\n\"a\nb\",,1\n", "name,mac\n", "", "name,mac,site_id\n\"a,,1\n",
		"name,mac,site_id\na,b\n", "name,name\n", "name,mac,site_id\n\x00,,1\n", "name,mac,site_id\n\xff,,1\n",
		`{"name":"a","mac":null,"site_id":1}` + "\n", `[{"name":"a","mac":null,"site_id":1}]`, `[`, `[1,2]`, `[]]`,
	} {
		f.Add([]byte(seed))
	}
	b := importRows[db.UpsertComputerParams]((*db.Queries).ImportComputers)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, mediaType := range mediaTypes {
			reader := newBulkReader(b)
			reader.storeChunk = func(chunk json.RawMessage) (importChunkResult, error) {
				var rows []struct {
					Name   string  `json:"name"`
					Mac    *string `json:"mac"`
					SiteID int64   `json:"site_id"`
				}
				if err := json.Unmarshal(chunk, &rows); err != nil {
					t.Fatalf("%s %q: invalid chunk %q: %v", mediaType, body, chunk, err)
				}
				for _, r := range rows {
					checkStorable(t, reflect.ValueOf(r))
				}
				return importChunkResult{Problems: json.RawMessage("[]")}, nil
			}
			if err := reader.readAll(mediaType, strings.NewReader(string(body))); err != nil {
				if p := asProblem(err, http.MethodPost, nil); p.Status >= http.StatusInternalServerError {
					t.Errorf("%s %q: %v", mediaType, body, err)
				}
			}
			reader.errs.close()
		}
	})
}

// FuzzAccept parses Accept headers. The result must be -1 or an index of mediaTypes.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{
		"", "*/*", "text/csv", "text/html,application/xhtml+xml,*/*;q=0.8", "text/csv;q=0", "application/json;q=2",
		",,;q", "text/*;q=0.1,application/json;q=0.05",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if i := preferredIndex(header, mediaTypes); i < -1 || i >= len(mediaTypes) {
			t.Errorf("%q: got index %d", header, i)
		}
	})
}
