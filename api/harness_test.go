package api

import (
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

// This file is a server that asks everybody to sign in, and people for it. They are made by SQL, since registering is limited and hashing is slow.

// A testServer is such a server on a database of its own. Clients of httptest come from 192.0.2.1 and those of TCP from loopback; both are
// believed when they say for whom they ask, so that tests can come from anywhere.
type testServer struct {
	*testing.T
	http.Handler
	pool, serverPool *pgxpool.Pool // the owner's, the server's
	secret           string        // that the keys are made of
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
		Pool: serverPool, Media: newMediaStore(t), App: testApp(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), AnonymousActor: "anonymous", Version: "test",
		Access: Access{Keys: keys, AuthRequired: true, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("127.0.0.1/32")}},
	}}
	for _, f := range adjust {
		f(&ts.options)
	}
	ts.Handler = New(ts.options)
	return ts
}

// newMediaStore is a folder for files that goes with the test.
func newMediaStore(t *testing.T) *media.Store {
	t.Helper()
	return media.NewStore(t.TempDir())
}

// testApp is the web app as it is built.
var testApp = sync.OnceValue(func() App {
	a, err := web.New()
	if err != nil {
		panic(err)
	}
	return App{Page: a.ServePage, Static: a.ServeFile}
})

// staticDigest is what the page says of where its files are.
func staticDigest() string {
	w := httptest.NewRecorder()
	testApp().Page(w, nil)
	return regexp.MustCompile(web.Prefix + `([0-9a-f]+)/`).FindStringSubmatch(w.Body.String())[1]
}

// newInstance is another instance on the same database with the same keys.
func (ts *testServer) newInstance() *testServer {
	other := *ts
	other.Handler = New(ts.options)
	return &other
}

// listen makes the lab reachable by TCP.
func (ts *testServer) listen() (base string) {
	server := httptest.NewServer(ts.Handler)
	ts.Cleanup(func() {
		server.CloseClientConnections() // streams have no other end
		server.Close()
	})
	return server.URL
}

func (ts *testServer) exec(sql string, args ...any) {
	ts.Helper()
	if _, err := ts.pool.Exec(context.Background(), sql, args...); err != nil {
		ts.Fatal(err)
	}
}

func scan[T any](ts *testServer, sql string, args ...any) (value T) {
	ts.Helper()
	if err := ts.pool.QueryRow(context.Background(), sql, args...).Scan(&value); err != nil {
		ts.Fatal(err)
	}
	return value
}

const testPassword = "incorrect horse battery staple"

// cachedHash hashes each password once.
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

// createAccount adds somebody whose password is testPassword.
func (ts *testServer) createAccount(username string, r role) (id int64) {
	ts.Helper()
	id = scan[int64](ts, "INSERT INTO account (username, role) VALUES ($1, $2) RETURNING id", username, r.String())
	ts.exec("INSERT INTO credential (account_id, password_hash) VALUES ($1, $2)", id, cachedHash(testPassword))
	return id
}

// A testSession is signed in.
type testSession struct {
	id              uuid.UUID
	accountID       int64
	access, refresh string
}

func (ts *testServer) createSession(account int64) testSession {
	ts.Helper()
	id := scan[uuid.UUID](ts, "INSERT INTO session (account_id, expires_at) VALUES ($1, now() + interval '1 day') RETURNING id", account)
	keys := ts.options.Access.Keys
	return testSession{id, account, keys.SignAccessToken(account, id, time.Now()), keys.SignRefreshToken(auth.RefreshClaims{Session: id, Generation: 1})}
}

// createAPIToken adds an API token that may do so much.
func (ts *testServer) createAPIToken(account int64, r role) string {
	ts.Helper()
	token, prefix, hash := auth.NewAPIToken()
	ts.exec("INSERT INTO api_token (account_id, name, prefix, hash, role, expires_at) VALUES ($1, 'script', $2, $3, $4, now() + interval '1 day')", account, prefix, hash, r.String())
	return token
}

// send sends a request with a token, or none.
func (ts *testServer) send(token, method, target, body string, header ...string) *httptest.ResponseRecorder {
	if token != "" {
		header = append(header, "Authorization: Bearer "+token)
	}
	return doRequest(ts.Handler, method, target, body, header...)
}

// mustSend is ask, for what must go well. It returns the answer.
func (ts *testServer) mustSend(token, method, target, body string, header ...string) (answer object) {
	ts.Helper()
	w := ts.send(token, method, target, body, header...)
	if w.Code/100 != 2 {
		ts.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil && !strings.HasPrefix(w.Body.String(), "[") {
		ts.Fatalf("%s %s: %v\n%s", method, target, err, w.Body)
	}
	return answer
}

// login signs in over HTTP. from is an address, "" for the one of httptest.
func (ts *testServer) login(username, password, from string) *httptest.ResponseRecorder {
	var header []string
	if from != "" {
		header = []string{"X-Forwarded-For: " + from}
	}
	return ts.send("", "POST", "/auth/login", fmt.Sprintf(`{"username": %q, "password": %q}`, username, password), header...)
}

// accepts tells whether a token is good.
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

// tableDigest is a hash of all tables but for some.
func (ts *testServer) tableDigest(but ...string) string {
	ts.Helper()
	tables := scan[[]string](ts, `SELECT array_agg(tablename::text ORDER BY tablename) FROM pg_tables
		WHERE schemaname = 'public' AND tablename <> ALL ($1) AND tablename <> 'schema_migrations'`, append(but, "login_attempt"))
	if len(tables) < 15 {
		ts.Fatalf("only these tables: %v", tables)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(dumpRows(ts.T, ts.pool, tables...))))
}

// withoutRequestFields is the body of a problem without what differs from request to request.
func withoutRequestFields(body string) string {
	var p map[string]any
	if json.Unmarshal([]byte(body), &p) != nil {
		return body
	}
	delete(p, "instance")
	delete(p, "request_id")
	text, _ := json.Marshal(p) // it was decoded a moment ago
	return string(text)
}
