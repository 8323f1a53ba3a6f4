package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// FuzzEvent sends any body, as JSON, NDJSON or CSV. None yields a 5xx; what is refused leaves no event behind, and what is recorded is exactly
// what was sent, as other readers of these formats read it.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"type":"deposit","amount":"12.50","user_id":1,"time":1}`, `{"type":"WithDraw","amount":0.01,"user_id":9007199254740991,"time":0}`,
		`{"type":"deposit","amount":9999999999.99,"user_id":0,"time":9007199254740991}`, `{"type":"\u0064eposit","amount":"\u0031.5","user_id":1,"time":1}`,
		`{"type":"deposit","amount":1e2,"user_id":1,"time":1}`, `{"type":"deposit","amount":"1","user_id":1.0,"time":"1"}`, `{}`, ``, `[]`, `[`, `null`, `-0`,
		`[{"type":"deposit","amount":1,"user_id":1,"time":1},{"type":"withdraw","amount":"2.0","user_id":2,"time":5}]`,
		`{"type":"deposit","amount":1,"user_id":1,"time":1,"amount":2}`, `{"type":"deposit","amount":1,"user_id":1,"time":1} `, `{"type":"deposit","amount":NaN}`,
	} {
		f.Add(uint8(formatJSON), []byte(seed))
		f.Add(uint8(formatNDJSON), []byte(seed+"\n"+seed))
	}
	for _, seed := range []string{
		"type,amount,user_id,time\ndeposit,1,1,1\n", "time,\"user_id\",amount,type\r\n1,2,\"3.25\",WITHDRAW\r\n", "\xef\xbb\xbftype,amount,user_id,time\n", "type,amount\n1,2\n",
		"type,amount,user_id,time\ndeposit,1,1,1\n\n\"deposit\",0.5,\"1\",1", "type,amount,user_id,time\n,,,\n", "type,amount,user_id,time\ndeposit,1,1\n",
	} {
		f.Add(uint8(formatCSV), []byte(seed))
	}
	pool := pgtest.Pool(f)
	h := newTestAPI(pool)
	newest := func(t *testing.T) (xid int64) {
		if err := pool.QueryRow(t.Context(), "SELECT coalesce((SELECT xid FROM event ORDER BY xid DESC LIMIT 1), 0)").Scan(&xid); err != nil {
			t.Fatal(err)
		}
		return xid
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		format := format(kind % 3)
		before := newest(t)
		r := httptest.NewRequest("POST", "/api/v1/events", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", mediaTypes[format])
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		after := newest(t)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%s %q\n%d %s", mediaTypes[format], body, w.Code, w.Body)
		}
		if w.Code >= http.StatusBadRequest {
			if after != before {
				t.Fatalf("%s %q was refused with %d, and stored", mediaTypes[format], body, w.Code)
			}
			return
		}
		sent, err := readEvents(format, body)
		if err != nil {
			t.Fatalf("%s %q was taken: %v", mediaTypes[format], body, err)
		}
		results, err := readResults(w.Body.String())
		if err != nil || len(results) != len(sent) || len(sent) > 0 == (after == before) {
			t.Fatalf("%s %q: %d events were sent, %d answered: %v", mediaTypes[format], body, len(sent), len(results), err)
		}
		var stored int
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM event WHERE xid > $1", before).Scan(&stored); err != nil || stored != len(sent) {
			t.Fatalf("%s %q: %d events were sent, %d stored: %v", mediaTypes[format], body, len(sent), stored, err)
		}
		for i, result := range results {
			if reason := storedMismatch(t.Context(), pool, sent[i], result); reason != "" {
				t.Errorf("%s %q, event %d: %s", mediaTypes[format], body, i+1, reason)
			}
		}
	})
}

// sentEvent is an event as an ordinary reader of JSON or CSV reads it.
type sentEvent struct {
	Type   string      `json:"type"`
	Amount any         `json:"amount"`
	UserID json.Number `json:"user_id"`
	Time   json.Number `json:"time"`
}

func readEvents(format format, body []byte) (all []sentEvent, err error) {
	if format == formatCSV {
		records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(body), "\xef\xbb\xbf"))).ReadAll()
		if err != nil {
			return nil, err
		}
		for _, record := range records[1:] {
			cell := func(name string) string { return record[slices.Index(records[0], name)] }
			all = append(all, sentEvent{cell("type"), cell("amount"), json.Number(cell("user_id")), json.Number(cell("time"))})
		}
		return all, nil
	}
	text := string(body)
	if format == formatNDJSON { // a line of space alone is no event, also of space that is none in JSON
		lines := strings.Split(text, "\n")
		text = strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.TrimSpace(line) == "" }), "\n")
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	for {
		var value json.RawMessage
		if err := decoder.Decode(&value); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		inner := json.NewDecoder(strings.NewReader(string(value)))
		inner.UseNumber()
		if strings.HasPrefix(string(value), "[") {
			err = inner.Decode(&all)
		} else {
			all = append(all, sentEvent{})
			err = inner.Decode(&all[len(all)-1])
		}
		if err != nil {
			return nil, err
		}
	}
}

func readResults(text string) (all []RecordedEvent, err error) {
	if strings.HasPrefix(text, "[") {
		err = json.Unmarshal([]byte(text), &all)
		return all, err
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	for {
		var one RecordedEvent
		if err := decoder.Decode(&one); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
}

// storedMismatch says how what is stored differs from what was sent, or from what was answered; "" when it does not.
func storedMismatch(ctx context.Context, pool *pgxpool.Pool, sent sentEvent, result RecordedEvent) string {
	var kind, amount, user, at string
	var codes []int32
	var alert *string
	const sql = "SELECT type, amount::text, user_id::text, time::text, alert_codes, alert_id::text FROM event WHERE id = $1"
	if err := pool.QueryRow(ctx, sql, result.EventID).Scan(&kind, &amount, &user, &at, &codes, &alert); err != nil {
		return err.Error()
	}
	expected, ok := new(big.Rat).SetString(fmt.Sprint(sent.Amount))
	got, fine := new(big.Rat).SetString(amount)
	switch {
	case !ok || !fine || expected.Cmp(got) != 0 || expected.Sign() <= 0:
		return fmt.Sprintf("amount %v is stored as %s", sent.Amount, amount)
	case !strings.EqualFold(sent.Type, kind) || kind != "deposit" && kind != "withdraw" || len(sent.Type) != len(kind):
		return fmt.Sprintf("type %q is stored as %q", sent.Type, kind)
	case sent.UserID.String() != user || fmt.Sprint(result.UserID) != user:
		return fmt.Sprintf("user %s is stored as %s, answered as %d", sent.UserID, user, result.UserID)
	case sent.Time.String() != at:
		return fmt.Sprintf("time %s is stored as %s", sent.Time, at)
	case !slices.Equal(codes, result.AlertCodes) || result.Alert != (len(codes) > 0) || (alert == nil) != (result.AlertID == nil) || alert != nil && *alert != result.AlertID.String():
		return fmt.Sprintf("the answer %+v is stored as %v, %v", result, codes, alert)
	}
	return ""
}
