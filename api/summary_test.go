package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"labledger/api/rest"
	"labledger/internal/apitest"
)

// TestSummary_caller: the summary has the work of the caller, also with an API token. Only admins see changes of
// accounts, passwords, links and views.
func TestSummary_caller(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	boss := ts.SignIn("boss", rest.Admin)
	id := ts.CreateAccount("ann", rest.Operator)
	ann, token := ts.CreateSession(id).Access, ts.CreateAPIToken(id, rest.Viewer)
	event := ts.MustSend(ann, "POST", "/event", `{"type": "withdraw", "amount": "150", "user_id": 1, "time": 1}`)
	ts.MustSend(ann, "PATCH", fmt.Sprintf("/api/v1/alerts/%v", event["alert_id"]), `{"assignee": "ann"}`)
	for _, due := range []string{"2026-11-27", "2026-11-28"} {
		ts.MustSend(ann, "POST", "/todo",
			`{"description": "Due `+due+`", "status": "open", "assignee": "ann", "due_on": "`+due+`"}`)
	}
	ts.MustSend(ann, "POST", "/api/v1/views", `{"name": "Hidden view", "noun": "sites", "query": "q=x"}`)
	ts.MustSend(boss, "PATCH", fmt.Sprint("/api/v1/users/", id), `{"display_name": "Hidden name"}`)
	ts.MustSend(boss, "POST", fmt.Sprintf("/api/v1/users/%d/password-link", id), "")
	for name, caller := range map[string]string{"ann": ann, "her API token": token, "boss": boss} {
		w := ts.Send(caller, "GET", "/api/v1/summary?today=2026-11-28", "")
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
		summary := ts.MustSend(caller, "GET", "/api/v1/summary?today=2026-11-28", "")
		rows := func(field string) int { return len(summary[field].([]any)) }
		got := fmt.Sprint(summary["alerts_mine"], rows("my_alerts"), summary["todos_mine"],
			summary["todos_mine_overdue"], rows("my_todos"))
		want := "1 1 2 1 2"
		if caller == boss {
			want = "0 0 0 0 0"
		}
		if got != want {
			t.Errorf("%s: the work of the caller is %s, want %s", name, got, want)
		}
		for _, text := range []string{"Hidden view", "Hidden name", "credential", "password_link"} {
			if strings.Contains(w.Body.String(), text) != (caller == boss) {
				t.Errorf("%s: the summary shows %q: %s", name, text, w.Body)
			}
		}
		if !strings.Contains(w.Body.String(), "Due 2026-11-28") {
			t.Errorf("%s: the summary does not show a new todo: %s", name, w.Body)
		}
	}
}
