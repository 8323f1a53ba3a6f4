package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"labledger/api"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// TestMetrics_unsealedHistory: the metric is the age of the oldest change without a seal.
func TestMetrics_unsealedHistory(t *testing.T) {
	t.Parallel()
	owner, server := pgtest.Pools(t)
	h := api.New(api.Options{Pool: server, Log: slog.New(slog.DiscardHandler), Version: "test"})
	age := func() string { return scrape(t, h)["labledger_history_unsealed_seconds"] }
	seal := func() {
		for range 2 {
			pgtest.Exec(t, server, "SELECT seal_history(0)")
		}
	}
	seal()
	if got := age(); got != "0" {
		t.Errorf("all changes are sealed, the metric is %s; want 0", got)
	}
	const insert = `INSERT INTO change (at, table_name, row_key, action) VALUES
		(now() - interval '400 seconds', 'site', '1', 'insert'), (now(), 'site', '2', 'insert')`
	pgtest.Exec(t, owner, insert)
	if got, err := strconv.ParseFloat(age(), 64); err != nil || got < 400 || got > 4000 {
		t.Errorf("the metric is %v, %v; want at least 400", got, err)
	}
	seal()
	if got := age(); got != "0" {
		t.Errorf("after the seal the metric is %s; want 0", got)
	}
}

// scrape returns the value of each series of /metrics as text.
func scrape(t *testing.T, h http.Handler) map[string]string {
	t.Helper()
	w := apitest.Do(h, "GET", "/metrics", "")
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	series := map[string]string{}
	for line := range strings.Lines(w.Body.String()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			series[name] = value
		}
	}
	return series
}

// TestMetrics sends requests and checks the counters.
func TestMetrics(t *testing.T) {
	t.Parallel()
	_, serverPool := pgtest.Pools(t)
	log := slog.New(slog.DiscardHandler)
	h := api.New(api.Options{Pool: serverPool, Log: log, Version: "v7"})
	const event = `{"type": "withdraw", "amount": 200, "user_id": 1, "time": 1}`
	for _, c := range []struct{ method, target, body string }{
		{"POST", "/event", event},
		{"POST", "/event?dry_run=true", event},                      // records nothing
		{"POST", "/api/v1/events", "[" + event + "," + event + "]"}, // each raises an alert
		{"GET", "/site/1", ""}, {"GET", "/site/2", ""}, {"GET", "/site/x", ""},
	} {
		apitest.Do(h, c.method, c.target, c.body, "Content-Type: application/json")
	}
	got := scrape(t, h)
	for name, want := range map[string]string{
		`labledger_build_info{version="v7"}`: "1",
		`labledger_events_total`:             "3",
		`labledger_alerts_total`:             "3",
		`labledger_alerts{state="open"}`:     "3",
		`labledger_database_up`:              "1",
		`labledger_http_request_duration_seconds_count{method="GET",route="/site/{id}",status="200"}`: "2",
		`labledger_http_request_duration_seconds_count{method="GET",route="/site/{id}",status="400"}`: "1",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %s", name, got[name], want)
		}
	}
	if size := got["labledger_database_bytes"]; size == "" || size == "0" {
		t.Errorf("labledger_database_bytes is %q", size)
	}

	// Without a database the other metrics remain available.
	serverPool.Close()
	got = scrape(t, h)
	if got["labledger_database_up"] != "0" || got["labledger_events_total"] != "3" {
		t.Errorf("without a database: up %q, %q events", got["labledger_database_up"], got["labledger_events_total"])
	}
	if _, ok := got["labledger_database_bytes"]; ok {
		t.Error("labledger_database_bytes is present without a database")
	}
}

// TestMetrics_stream: the gauge counts open streams, the counter those that have ended. A stream is no response time. A
// rejected one is a request.
func TestMetrics_stream(t *testing.T) {
	t.Parallel()
	open := api.New(api.Options{Pool: pgtest.Pool(t), Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(t.Context())
	server := httptest.NewServer(open)
	defer server.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/stream", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	if got := scrape(t, open); got["labledger_streams"] != "1" || got["labledger_streams_total"] != "0" {
		t.Errorf("%s open streams, %s ended; want 1 and 0", got["labledger_streams"], got["labledger_streams_total"])
	}
	stop()
	_ = response.Body.Close()
	pgtest.WaitFor(t, "the stream to be counted", func() bool {
		return scrape(t, open)["labledger_streams_total"] == "1"
	})
	if got := scrape(t, open)["labledger_streams"]; got != "0" {
		t.Errorf("%s open streams after the last has ended", got)
	}
	const series = `labledger_http_request_duration_seconds_count{method="GET",route="/api/v1/stream",status="`
	if value, ok := scrape(t, open)[series+`200"}`]; ok {
		t.Errorf("%s streams are observed as requests", value)
	}
	apitest.Do(open, "GET", "/api/v1/stream?nonsense=1", "")
	if got := scrape(t, open); got[series+`400"}`] != "1" || got["labledger_streams_total"] != "1" {
		t.Errorf("after a rejected stream: %v", got)
	}
}

// A panel is a diagram of the dashboard.
type panel struct {
	ID                 int
	Title, Description string
	GridPos            struct{ X, Y, W, H int }
	Targets            []struct{ Expr string }
}

func readDashboard(t *testing.T) []panel {
	t.Helper()
	text, err := os.ReadFile("../deploy/grafana/labledger.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct{ Panels []panel }
	if err := json.Unmarshal(text, &dashboard); err != nil || len(dashboard.Panels) == 0 {
		t.Fatalf("%d panels: %v", len(dashboard.Panels), err)
	}
	return dashboard.Panels
}

// TestDashboard_panels: panels have different IDs and places.
func TestDashboard_panels(t *testing.T) {
	t.Parallel()
	byID, byPlace := map[int]string{}, map[[2]int]string{}
	for _, p := range readDashboard(t) {
		if byID[p.ID] != "" {
			t.Errorf("the panels %s and %s have the ID %d", byID[p.ID], p.Title, p.ID)
		}
		byID[p.ID] = p.Title
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				place := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := byPlace[place]; other != "" {
					t.Fatalf("the panels %s and %s overlap", other, p.Title)
				}
				byPlace[place] = p.Title
			}
		}
	}
}

// TestDashboard_metricNames: the dashboard queries only existing metrics, and all labledger metrics.
func TestDashboard_metricNames(t *testing.T) {
	t.Parallel()
	panels := readDashboard(t)
	pool := pgtest.Pool(t)
	h := api.New(api.Options{Pool: pool, Replica: pool, Log: slog.New(slog.DiscardHandler), Version: "test"})
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/site/1", nil))
	measured := map[string]bool{"labledger_replica_lag_bytes": true} // of a database that is a replica
	for series := range scrape(t, h) {
		name, _, _ := strings.Cut(series, "{")
		measured[name] = true
	}
	metricRE := regexp.MustCompile(`\b(labledger|process|go)_[a-z_]+\b`)
	queried := map[string]bool{}
	for _, p := range panels {
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel without a title, a description or a target, or wider than the grid: %+v", p)
		}
		for _, target := range p.Targets {
			for _, name := range metricRE.FindAllString(target.Expr, -1) {
				queried[name] = true
				if !measured[name] {
					t.Errorf("panel %s queries %s, which does not exist", p.Title, name)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(measured)) {
		if strings.HasPrefix(name, "labledger_") && !queried[name] {
			t.Errorf("no panel queries %s", name)
		}
	}
}
