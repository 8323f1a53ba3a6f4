package api_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

const siteColumns = "name,contact,address,state_or_region,country,postcode_or_zip\n"

// TestSlowImport_holdsNothingBack: while an import arrives slowly, the stream and the feed of changes show what others
// commit.
func TestSlowImport_holdsNothingBack(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t, func(o *api.Options) { o.Access.AuthRequired = false })
	server := ts.Listen()
	stream, err := server.Client().Get(server.URL + "/api/v1/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	body, slow := io.Pipe()
	status := make(chan int, 1)
	go func() {
		response, err := server.Client().Post(server.URL+"/api/v1/sites", rest.MediaTypeCSV, body)
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		_ = response.Body.Close()
		status <- response.StatusCode
	}()
	// More than the buffers of the connection hold, so the server has received several chunks when the write returns.
	const rows = 6_000
	row := "slow,," + strings.Repeat("x", 2<<10) + ",,,\n"
	if _, err := io.WriteString(slow, siteColumns+strings.Repeat(row, rows)); err != nil {
		t.Fatal(err)
	}
	ts.MustSend("", "PATCH", "/api/v1/sites/1", `{"name": "committed meanwhile"}`)
	event := ts.MustSend("", "POST", "/event", `{"type": "deposit", "amount": "1.00", "user_id": 1, "time": 1}`)
	ended := time.AfterFunc(pgtest.WaitTimeout, func() { _ = stream.Body.Close() })
	defer ended.Stop()
	for lines := bufio.NewScanner(stream.Body); ; {
		if !lines.Scan() {
			t.Fatalf("the stream does not show the event: %v", lines.Err())
		}
		if strings.Contains(lines.Text(), event["event_id"].(string)) {
			break
		}
	}
	feed := ts.Send("", "GET", "/api/v1/changes?table_name=site", "").Body.String()
	if !strings.Contains(feed, "committed meanwhile") {
		t.Errorf("the feed lacks the change: %s", feed)
	}
	_ = slow.Close()
	if got := <-status; got != http.StatusOK {
		t.Errorf("the slow import: %d", got)
	}
	if n := apitest.Value[int](ts, "SELECT count(*) FROM site WHERE name = 'slow'"); n != rows {
		t.Errorf("%d rows are stored, want %d", n, rows)
	}
}

// TestSlowUploads_blockNothing: more slow uploads than there are slots do not block imports, exports and replays.
func TestSlowUploads_blockNothing(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t, func(o *api.Options) { o.Access.AuthRequired = false })
	server := ts.Listen()
	n := int(ts.ServerPool.Config().MaxConns)
	statuses := make(chan int, n)
	var uploads []*io.PipeWriter
	for range n {
		body, upload := io.Pipe()
		uploads = append(uploads, upload)
		go func() {
			response, err := server.Client().Post(server.URL+"/upload", "multipart/form-data; boundary=X", body)
			if err != nil {
				t.Error(err)
				statuses <- 0
				return
			}
			_ = response.Body.Close()
			statuses <- response.StatusCode
		}()
	}
	for _, upload := range uploads {
		const head = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nbeginning"
		if _, err := io.WriteString(upload, head); err != nil {
			t.Fatal(err)
		}
	}
	ts.MustSend("", "POST", "/api/v1/sites", siteColumns+"imported,,,,,\n", "Content-Type: "+rest.MediaTypeCSV)
	ts.MustSend("", "POST", "/api/v1/rules/replay", `{}`)
	if w := ts.Send("", "GET", "/api/v1/sites", "", "Accept: "+rest.MediaTypeCSV); w.Code != http.StatusOK {
		t.Errorf("export: %d %s", w.Code, w.Body)
	}
	for _, upload := range uploads {
		if _, err := io.WriteString(upload, "\r\n--X--\r\n"); err != nil {
			t.Fatal(err)
		}
		_ = upload.Close()
	}
	for range n {
		if got := <-statuses; got != http.StatusCreated {
			t.Errorf("slow upload: %d", got)
		}
	}
}
