package api_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// bulkMediaTypes are the media types of FuzzEvent, by number.
var bulkMediaTypes = []string{rest.MediaTypeJSON, rest.MediaTypeNDJSON, rest.MediaTypeCSV}

// FuzzEvent sends arbitrary bodies as JSON, NDJSON or CSV. None causes a 5xx. A rejected body stores no event, and an
// accepted body stores exactly the events that the parsers of the standard library read from it.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"type":"deposit","amount":"12.50","user_id":1,"time":1}`,
		`{"type":"WithDraw","amount":0.01,"user_id":9007199254740991,"time":0}`,
		`{"type":"deposit","amount":9999999999.99,"user_id":0,"time":9007199254740991}`,
		`{"type":"\u0064eposit","amount":"\u0031.5","user_id":1,"time":1}`,
		`{"type":"deposit","amount":1e2,"user_id":1,"time":1}`,
		`{"type":"deposit","amount":0100,"user_id":1,"time":1}`,
		`{"type":"deposit","amount":"0100.0","user_id":1,"time":1}`,
		`{"type":"deposit","amount":"1","user_id":1.0,"time":"1"}`,
		`{}`, ``, `[]`, `[`, `null`, `-0`,
		`[{"type":"deposit","amount":1,"user_id":1,"time":1},{"type":"withdraw","amount":"2.0","user_id":2,"time":5}]`,
		`{"type":"deposit","amount":1,"user_id":1,"time":1,"amount":2}`,
		`{"type":"deposit","amount":1,"user_id":1,"time":1} `,
		`{"type":"deposit","amount":NaN}`,
	} {
		f.Add(uint8(0), []byte(seed))
		f.Add(uint8(1), []byte(seed+"\n"+seed))
	}
	for _, seed := range []string{
		"type,amount,user_id,time\ndeposit,1,1,1\n",
		"time,\"user_id\",amount,type\r\n1,2,\"3.25\",WITHDRAW\r\n",
		"\xef\xbb\xbftype,amount,user_id,time\n",
		"type,amount\n1,2\n",
		"type,amount,user_id,time\ndeposit,1,1,1\n\n\"deposit\",0.5,\"1\",1",
		"type,amount,user_id,time\n,,,\n",
		"\xef\xbb\xbf\xef\xbb\xbf,,\n type ,amount,user_id, time,,\ndeposit,1, 1 ,1,,,\n,,,\n",
		"type;amount;user_id;time\rdeposit;1;1;1\r",
		"type,amount,user_id,time\ndeposit,1,1\n",
	} {
		f.Add(uint8(2), []byte(seed))
	}
	pool := pgtest.Pool(f)
	h := apitest.NewPublic(pool)
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		mediaType := bulkMediaTypes[kind%3]
		before := newestXID(t, pool)
		w := apitest.Do(h, "POST", "/api/v1/events", string(body), "Content-Type: "+mediaType)
		isStored := newestXID(t, pool) != before
		switch {
		case w.Code >= http.StatusInternalServerError:
			t.Errorf("%s %q\n%d %s", mediaType, body, w.Code, w.Body)
		case w.Code >= http.StatusBadRequest && isStored:
			t.Errorf("%s %q: rejected with %d but stored", mediaType, body, w.Code)
		case mediaType == rest.MediaTypeCSV && bytes.ContainsAny(body, ";\t\r'"):
			// encoding/csv has neither a choice of delimiters nor these line ends
		case w.Code < http.StatusBadRequest:
			checkStored(t, pool, mediaType, body, w.Body.String(), before)
		}
	})
}

// newestXID returns the newest transaction that recorded an event, or 0.
func newestXID(t *testing.T, pool *pgxpool.Pool) int64 {
	t.Helper()
	return pgtest.QueryValue[int64](t, pool, "SELECT coalesce((SELECT xid FROM event ORDER BY xid DESC LIMIT 1), 0)")
}

// checkStored checks that the events of an accepted body are stored, and no others, after the transaction before.
func checkStored(t *testing.T, pool *pgxpool.Pool, mediaType string, body []byte, response string, before int64) {
	t.Helper()
	sent, err := readEvents(mediaType, body)
	if err != nil {
		t.Fatalf("%s %q: accepted although invalid: %v", mediaType, body, err)
	}
	results, err := readResults(response)
	if err != nil || len(results) != len(sent) {
		t.Fatalf("%s %q: sent %d events, got %d results: %v", mediaType, body, len(sent), len(results), err)
	}
	if stored := pgtest.QueryValue[int](t, pool, countEvents+" WHERE xid > $1", before); stored != len(sent) {
		t.Fatalf("%s %q: sent %d events, stored %d", mediaType, body, len(sent), stored)
	}
	for i, result := range results {
		if reason := storedMismatch(t.Context(), pool, sent[i], result); reason != "" {
			t.Errorf("%s %q, event %d: %s", mediaType, body, i+1, reason)
		}
	}
}

// sentEvent is an event as encoding/json or encoding/csv reads it.
type sentEvent struct {
	Type   string      `json:"type"`
	Amount any         `json:"amount"`
	UserID json.Number `json:"user_id"`
	Time   json.Number `json:"time"`
}

func readEvents(mediaType string, body []byte) (all []sentEvent, err error) {
	if mediaType == rest.MediaTypeCSV {
		reader := csv.NewReader(strings.NewReader(strings.TrimLeft(string(body), "\ufeff")))
		reader.FieldsPerRecord = -1
		records, err := reader.ReadAll()
		if err != nil {
			return nil, err
		}
		records = slices.DeleteFunc(records, func(cells []string) bool { return strings.Join(cells, "") == "" })
		trim := func(cell string) string {
			return strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
		}
		for _, record := range records[1:] {
			cell := func(name string) string {
				return record[slices.IndexFunc(records[0], func(cell string) bool { return trim(cell) == name })]
			}
			all = append(all, sentEvent{
				Type:   cell("type"),
				Amount: cell("amount"),
				UserID: json.Number(trim(cell("user_id"))),
				Time:   json.Number(trim(cell("time"))),
			})
		}
		return all, nil
	}
	text := string(body)
	if mediaType == rest.MediaTypeNDJSON {
		// Blank lines are skipped, even if JSON does not count their characters as space.
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

func readResults(text string) (all []api.RecordedEvent, err error) {
	if strings.HasPrefix(text, "[") {
		err = json.Unmarshal([]byte(text), &all)
		return all, err
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	for {
		var result api.RecordedEvent
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
func storedMismatch(ctx context.Context, pool *pgxpool.Pool, sent sentEvent, result api.RecordedEvent) string {
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
