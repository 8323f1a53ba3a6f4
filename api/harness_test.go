package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/auth"
	"labledger/internal/media"
	"labledger/internal/pgtest"
	"labledger/web"
)

// This file has the helpers that several test files share, above all a test server that requires authentication. It
// creates accounts in SQL, because registration is rate-limited and password hashing is slow.

// A testServer is a server that requires authentication, on its own database. Clients of httptest have the address
// 192.0.2.1, clients over TCP a loopback address. Both are trusted proxies, so X-Forwarded-For sets the client address.
type testServer struct {
	*testing.T
	http.Handler
	pool, serverPool *pgxpool.Pool // connections with the owner's role and with the server's role
	secret           string        // the secret from which the signing keys are derived
	options          Options
}

func newTestServer(t *testing.T, adjust ...func(*Options)) *testServer {
	t.Helper()
	pool, serverPool := pgtest.Pools(t)
	secret := auth.NewSecret()
	keys, err := auth.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	ts := &testServer{T: t, pool: pool, serverPool: serverPool, secret: secret, options: Options{
		Pool:           serverPool,
		Media:          newMediaStore(t),
		App:            testApp(),
		Log:            slog.New(slog.NewTextHandler(io.Discard, nil)),
		AnonymousActor: "anonymous",
		Version:        "test",
		Access: Access{
			Keys:         keys,
			AuthRequired: true,
			TrustedProxies: []netip.Prefix{
				netip.MustParsePrefix("192.0.2.1/32"),
				netip.MustParsePrefix("127.0.0.1/32"),
			},
		},
	}}
	for _, f := range adjust {
		f(&ts.options)
	}
	ts.Handler = New(ts.options)
	return ts
}

// newMediaStore returns a media store in a temporary directory.
func newMediaStore(t *testing.T) *media.Store {
	t.Helper()
	return media.NewStore(t.TempDir())
}

// testApp returns the embedded web app.
var testApp = sync.OnceValue(func() App {
	a, err := web.New()
	if err != nil {
		panic(err)
	}
	return App{Page: a.ServePage, Static: a.ServeFile}
})

// staticDigest returns the digest in the paths of the app's static files, read from the page.
func staticDigest() string {
	w := httptest.NewRecorder()
	testApp().Page(w, nil)
	return regexp.MustCompile(web.Prefix + `([0-9a-f]+)/`).FindStringSubmatch(w.Body.String())[1]
}

// newInstance returns another server instance on the same database with the same keys.
func (ts *testServer) newInstance(adjust ...func(*Options)) *testServer {
	other := *ts
	for _, f := range adjust {
		f(&other.options)
	}
	other.Handler = New(other.options)
	return &other
}

// listen starts serving over TCP.
func (ts *testServer) listen() *httptest.Server {
	server := httptest.NewServer(ts.Handler)
	ts.Cleanup(func() {
		server.CloseClientConnections() // streams do not end by themselves
		server.Close()
	})
	return server
}

// exec runs SQL with the owner's role.
func (ts *testServer) exec(sql string, args ...any) {
	ts.Helper()
	if _, err := ts.pool.Exec(context.Background(), sql, args...); err != nil {
		ts.Fatal(err)
	}
}

// scan returns the single value of a query.
func scan[T any](ts *testServer, sql string, args ...any) (value T) {
	ts.Helper()
	if err := ts.pool.QueryRow(context.Background(), sql, args...).Scan(&value); err != nil {
		ts.Fatal(err)
	}
	return value
}

const testPassword = "incorrect horse battery staple"

// cachedHash returns the hash of a password. It computes each hash once.
func cachedHash(password string) string {
	hashesMutex.Lock()
	defer hashesMutex.Unlock()
	if hashes[password] == "" {
		hash, err := auth.NewPasswords().Hash(context.Background(), password)
		if err != nil {
			panic(err)
		}
		hashes[password] = hash
	}
	return hashes[password]
}

var (
	hashesMutex sync.Mutex
	hashes      = map[string]string{}
)

// createAccount creates an account with the password testPassword.
func (ts *testServer) createAccount(username string, r role) (id int64) {
	ts.Helper()
	id = scan[int64](ts, "INSERT INTO account (username, role) VALUES ($1, $2) RETURNING id", username, r.String())
	ts.exec("INSERT INTO credential (account_id, password_hash) VALUES ($1, $2)", id, cachedHash(testPassword))
	return id
}

// A testSession is a session with its tokens.
type testSession struct {
	id              uuid.UUID
	accountID       int64
	access, refresh string
}

// createSession creates a session of an account.
func (ts *testServer) createSession(account int64) testSession {
	ts.Helper()
	id := scan[uuid.UUID](ts, `INSERT INTO session (account_id, expires_at) VALUES ($1, now() + interval '1 day')
		RETURNING id`, account)
	keys := ts.options.Access.Keys
	return testSession{
		id:        id,
		accountID: account,
		access:    keys.SignAccessToken(account, id, time.Now()),
		refresh:   keys.SignRefreshToken(auth.RefreshClaims{Session: id, Generation: 1}),
	}
}

// createAPIToken creates an API token with a role.
func (ts *testServer) createAPIToken(account int64, r role) string {
	ts.Helper()
	token, prefix, hash := auth.NewAPIToken()
	ts.exec(`INSERT INTO api_token (account_id, name, prefix, hash, role, expires_at)
		VALUES ($1, 'script', $2, $3, $4, now() + interval '1 day')`, account, prefix, hash, r.String())
	return token
}

// send sends a request. An empty token sends no Authorization header.
func (ts *testServer) send(token, method, target, body string, header ...string) *httptest.ResponseRecorder {
	if token != "" {
		header = append(header, "Authorization: Bearer "+token)
	}
	return doRequest(ts.Handler, method, target, body, header...)
}

// mustSend sends a request that must succeed and returns the decoded object.
func (ts *testServer) mustSend(token, method, target, body string, header ...string) (decoded object) {
	ts.Helper()
	w := ts.send(token, method, target, body, header...)
	if w.Code/100 != 2 {
		ts.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &decoded); err != nil && !strings.HasPrefix(w.Body.String(), "[") {
		ts.Fatalf("%s %s: %v\n%s", method, target, err, w.Body)
	}
	return decoded
}

// login signs in over HTTP. ip is the address of the client; "" means that of httptest.
func (ts *testServer) login(username, password, ip string) *httptest.ResponseRecorder {
	var header []string
	if ip != "" {
		header = []string{"X-Forwarded-For: " + ip}
	}
	body := fmt.Sprintf(`{"username": %q, "password": %q}`, username, password)
	return ts.send("", "POST", "/auth/login", body, header...)
}

// accepts reports whether the server accepts a token.
func (ts *testServer) accepts(token string) bool {
	ts.Helper()
	switch w := ts.send(token, "GET", "/sites", ""); w.Code {
	case http.StatusOK:
		return true
	case http.StatusUnauthorized:
		return false
	default:
		ts.Fatalf("%d %s", w.Code, w.Body)
		return false
	}
}

// tableDigest returns a hash of all tables except the given ones.
func (ts *testServer) tableDigest(except ...string) string {
	ts.Helper()
	tables := scan[[]string](ts, `SELECT array_agg(tablename::text ORDER BY tablename) FROM pg_tables
		WHERE schemaname = 'public' AND tablename <> ALL ($1) AND tablename <> 'schema_migrations'`,
		append(except, "login_attempt"))
	if len(tables) < 15 {
		ts.Fatalf("got %d tables, want at least 15: %v", len(tables), tables)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(dumpRows(ts.T, ts.pool, tables...))))
}

// dumpRows returns all rows of tables as text.
func dumpRows(t *testing.T, pool *pgxpool.Pool, tables ...string) string {
	t.Helper()
	var all strings.Builder
	for _, table := range tables {
		var rows string
		sql := "SELECT coalesce(string_agg(row::text, E'\\n' ORDER BY row::text), '') FROM " + table + " AS row"
		if err := pool.QueryRow(t.Context(), sql).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		all.WriteString(table + "\n" + rows + "\n")
	}
	return all.String()
}

// withoutRequestFields returns the body of a problem without the fields that differ between requests.
func withoutRequestFields(body string) string {
	var p map[string]any
	if json.Unmarshal([]byte(body), &p) != nil {
		return body
	}
	delete(p, "instance")
	delete(p, "request_id")
	text, _ := json.Marshal(p) // cannot fail: the value was decoded from JSON
	return string(text)
}

// newTestAPI returns a server that does not require authentication.
func newTestAPI(pool *pgxpool.Pool) http.Handler {
	return New(Options{
		Pool:           pool,
		Log:            slog.New(slog.NewTextHandler(io.Discard, nil)),
		AnonymousActor: "tester",
		Version:        "test",
	})
}

// doRequest sends a request to a handler in this process. The body is JSON unless a header says otherwise. Header lines
// have the form "Name: value".
func doRequest(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Content-Type" {
			r.Header.Del(name)
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A syncBuffer is a bytes.Buffer for concurrent use.
type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// waitFor polls a condition for 30 seconds.
func waitFor(t *testing.T, name string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("timed out waiting until", name)
		}
	}
}

// count returns the integer result of a query.
var count = pgtest.QueryValue[int]
