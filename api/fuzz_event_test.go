package api_test

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

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// FuzzEvent sends arbitrary bodies as JSON, NDJSON or CSV. None causes a 5xx. A rejected body stores no event, and an
// accepted body stores exactly the events that the parsers of the standard library read from it.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"type":"deposit","amount":"12.50","user_id":1,"time":1}`,
		`{"type":"WithDraw","amount":0.01,"user_id":9007199254740991,"time":0}`,
		`{"type":"deposit","amount":9999999999.99,"user_id":0,"time":9007199254740991}`,
		`{"type":"\u0064eposit","amount":"\u0031.5","user_id":1,"time":1}`,
		`{"type":"deposit","amount":1e2,"user_id":1,"time":1}`,
		`{"type":"deposit","amount":"1","user_id":1.0,"time":"1"}`,
		`{}`, ``, `[]`, `[`, `null`, `-0`,
		`[{"type":"deposit","amount":1,"user_id":1,"time":1},{"type":"withdraw","amount":"2.0","user_id":2,"time":5}]`,
		`{"type":"deposit","amount":1,"user_id":1,"time":1,"amount":2}`,
		`{"type":"deposit","amount":1,"user_id":1,"time":1} `,
		`{"type":"deposit","amount":NaN}`,
	} {
		f.Add(uint8(formatJSON), []byte(seed))
		f.Add(uint8(formatNDJSON), []byte(seed+"\n"+seed))
	}
	for _, seed := range []string{
		"type,amount,user_id,time\ndeposit,1,1,1\n",
		"time,\"user_id\",amount,type\r\n1,2,\"3.25\",WITHDRAW\r\n",
		"\xef\xbb\xbftype,amount,user_id,time\n",
		"type,amount\n1,2\n",
		"type,amount,user_id,time\ndeposit,1,1,1\n\n\"deposit\",0.5,\"1\",1",
		"type,amount,user_id,time\n,,,\n",
		"type,amount,user_id,time\ndeposit,1,1\n",
	} {
		f.Add(uint8(formatCSV), []byte(seed))
	}
	pool := pgtest.Pool(f)
	h := apitest.NewPublic(pool)
	newestXID := func(t *testing.T) (xid int64) {
		const sql = "SELECT coalesce((SELECT xid FROM event ORDER BY xid DESC LIMIT 1), 0)"
		if err := pool.QueryRow(t.Context(), sql).Scan(&xid); err != nil {
			t.Fatal(err)
		}
		return xid
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		format := format(kind % 3)
		before := newestXID(t)
		r := httptest.NewRequest("POST", "/api/v1/events", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", mediaTypes[format])
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		after := newestXID(t)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%s %q\n%d %s", mediaTypes[format], body, w.Code, w.Body)
		}
		if w.Code >= http.StatusBadRequest {
			if after != before {
				t.Fatalf("%s %q: rejected with %d but stored", mediaTypes[format], body, w.Code)
			}
			return
		}
		sent, err := readEvents(format, body)
		if err != nil {
			t.Fatalf("%s %q: accepted although invalid: %v", mediaTypes[format], body, err)
		}
		results, err := readResults(w.Body.String())
		if err != nil || len(results) != len(sent) || len(sent) > 0 == (after == before) {
			t.Fatalf("%s %q: sent %d events, got %d results: %v", mediaTypes[format], body, len(sent), len(results), err)
		}
		var stored int
		row := pool.QueryRow(t.Context(), "SELECT count(*) FROM event WHERE xid > $1", before)
		if err := row.Scan(&stored); err != nil || stored != len(sent) {
			t.Fatalf("%s %q: sent %d events, stored %d: %v", mediaTypes[format], body, len(sent), stored, err)
		}
		for i, result := range results {
			if reason := storedMismatch(t.Context(), pool, sent[i], result); reason != "" {
				t.Errorf("%s %q, event %d: %s", mediaTypes[format], body, i+1, reason)
			}
		}
	})
}

// sentEvent is an event as encoding/json or encoding/csv reads it.
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
			all = append(all, sentEvent{
				Type:   cell("type"),
				Amount: cell("amount"),
				UserID: json.Number(cell("user_id")),
				Time:   json.Number(cell("time")),
			})
		}
		return all, nil
	}
	text := string(body)
	if format == formatNDJSON { // blank lines are skipped, even if JSON does not count their characters as space
		lines := strings.Split(text, "\n")
		isBlank := func(line string) bool { return strings.TrimSpace(line) == "" }
		text = strings.Join(slices.DeleteFunc(lines, isBlank), "\n")
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
		var result RecordedEvent
		if err := decoder.Decode(&result); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, result)
	}
}

// storedMismatch compares the stored event with the sent event and the response. It returns the first difference, or
// "".
func storedMismatch(ctx context.Context, pool *pgxpool.Pool, sent sentEvent, result RecordedEvent) string {
	var eventType, amount, user, eventTime string
	var codes []int32
	var alert *string
	const sql = `SELECT type, amount::text, user_id::text, time::text, alert_codes, alert_id::text
		FROM event WHERE id = $1`
	row := pool.QueryRow(ctx, sql, result.EventID)
	if err := row.Scan(&eventType, &amount, &user, &eventTime, &codes, &alert); err != nil {
		return err.Error()
	}
	expected, ok := new(big.Rat).SetString(fmt.Sprint(sent.Amount))
	got, gotOK := new(big.Rat).SetString(amount)
	switch {
	case !ok || !gotOK || expected.Cmp(got) != 0 || expected.Sign() <= 0:
		return fmt.Sprintf("amount %v is stored as %s", sent.Amount, amount)
	case !strings.EqualFold(sent.Type, eventType) || len(sent.Type) != len(eventType) ||
		eventType != "deposit" && eventType != "withdraw":
		return fmt.Sprintf("type %q is stored as %q", sent.Type, eventType)
	case sent.UserID.String() != user || fmt.Sprint(result.UserID) != user:
		return fmt.Sprintf("user %s is stored as %s, returned as %d", sent.UserID, user, result.UserID)
	case sent.Time.String() != eventTime:
		return fmt.Sprintf("time %s is stored as %s", sent.Time, eventTime)
	case !slices.Equal(codes, result.AlertCodes) || result.Alert != (len(codes) > 0),
		(alert == nil) != (result.AlertID == nil) || alert != nil && *alert != result.AlertID.String():
		return fmt.Sprintf("result %+v is stored as codes %v, alert %v", result, codes, alert)
	}
	return ""
}
