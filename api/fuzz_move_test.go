package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// FuzzMove sends bodies of moves and evacuations. Each is done, or rejected as a whole.
func FuzzMove(f *testing.F) {
	pool := pgtest.Pool(f)
	h := apitest.NewPublic(pool)
	pgtest.Exec(f, pool, `INSERT INTO container (uuid, description, freezer_id, rows, columns)
		VALUES ($1, 'B1', 1, 2, 2), ($2, 'T1', 1, NULL, NULL)`, nameUUID("B1"), nameUUID("T1"))
	for _, body := range []string{
		moveBody("B1", "rows", "T1", "B1 A1 2"), moveBody("", "same_type", "T1 AA01 B1", "B1 - 2"), moveBody("T1", "rows", "B1"),
		strings.Replace(moveBody("2", "columns", "T1"), "{", `{"keep_positions":true,"limit":1,"offset":9007199254740991,`, 1),
		`{"to":[{"freezer_id":2},{"container_uuid":"` + nameUUID("B1") + `"}],"keep_positions":true}`,
		`{"to":{},"containers":[{},7,null,[]]}`, `{"to":null,"containers":[{"to":{"freezer_id":1e3}}]}`,
	} {
		f.Add(body)
	}
	statuses := []int{http.StatusOK, http.StatusBadRequest, http.StatusConflict}
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/api/v1/moves", "/api/v1/freezers/1/evacuate"} {
			before := apitest.DumpTables(t, pool, "container")
			w := apitest.Do(h, "POST", path, body)
			if !slices.Contains(statuses, w.Code) {
				t.Errorf("%s %q: %d %s", path, body, w.Code, w.Body)
			}
			if w.Code != http.StatusOK && apitest.DumpTables(t, pool, "container") != before {
				t.Errorf("%s %q: %d, but a container was moved", path, body, w.Code)
			}
		}
	})
}
