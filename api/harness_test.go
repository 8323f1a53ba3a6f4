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

// A lab is such a server on a database of its own. Clients of httptest come from 192.0.2.1 and those of TCP from loopback; both are
// believed when they say for whom they ask, so that tests can come from anywhere.
type lab struct {
	*testing.T
	http.Handler
	pool, work *pgxpool.Pool // the owner's, the server's
	secret     string        // that the keys are made of
	options    Options
}

func newLab(t *testing.T, adjust ...func(*Options)) *lab {
	t.Helper()
	pool, work := pgtest.Pools(t)
	secret := auth.NewSecret()
	keys, err := auth.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{T: t, pool: pool, work: work, secret: secret, options: Options{
		Pool: work, Media: mediaIn(t), App: theApp(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), AnonymousActor: "anonymous", Version: "test",
		Access: Access{Keys: keys, AuthRequired: true, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("127.0.0.1/32")}},
	}}
	for _, f := range adjust {
		f(&l.options)
	}
	l.Handler = New(l.options)
	return l
}

// mediaIn is a folder for files that goes with the test.
func mediaIn(t *testing.T) *media.Store {
	t.Helper()
	return media.NewStore(t.TempDir())
}

// theApp is the web app as it is built.
var theApp = sync.OnceValue(func() App {
	a, err := web.New()
	if err != nil {
		panic(err)
	}
	return App{Page: a.ServePage, Static: a.ServeFile}
})

// staticDigest is what the page says of where its files are.
func staticDigest() string {
	w := httptest.NewRecorder()
	theApp().Page(w, nil)
	return regexp.MustCompile(web.Prefix + `([0-9a-f]+)/`).FindStringSubmatch(w.Body.String())[1]
}

// twin is another instance on the same database with the same keys.
func (l *lab) twin() *lab {
	other := *l
	other.Handler = New(l.options)
	return &other
}

// serve makes the lab reachable by TCP.
func (l *lab) serve() (base string) {
	server := httptest.NewServer(l.Handler)
	l.Cleanup(func() {
		server.CloseClientConnections() // streams have no other end
		server.Close()
	})
	return server.URL
}

func (l *lab) exec(sql string, args ...any) {
	l.Helper()
	if _, err := l.pool.Exec(context.Background(), sql, args...); err != nil {
		l.Fatal(err)
	}
}

func scan[T any](l *lab, sql string, args ...any) (value T) {
	l.Helper()
	if err := l.pool.QueryRow(context.Background(), sql, args...).Scan(&value); err != nil {
		l.Fatal(err)
	}
	return value
}

const labPassword = "incorrect horse battery staple"

// hashOf hashes each password once.
func hashOf(password string) string {
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

// account adds somebody whose password is labPassword.
func (l *lab) account(username string, r role) (id int64) {
	l.Helper()
	id = scan[int64](l, "INSERT INTO account (username, role) VALUES ($1, $2) RETURNING id", username, r.String())
	l.exec("INSERT INTO credential (account_id, password_hash) VALUES ($1, $2)", id, hashOf(labPassword))
	return id
}

// A labSession is signed in.
type labSession struct {
	id              uuid.UUID
	account         int64
	access, refresh string
}

func (l *lab) session(account int64) labSession {
	l.Helper()
	id := scan[uuid.UUID](l, "INSERT INTO session (account_id, expires_at) VALUES ($1, now() + interval '1 day') RETURNING id", account)
	keys := l.options.Access.Keys
	return labSession{id, account, keys.SignAccessToken(account, id, time.Now()), keys.SignRefreshToken(auth.RefreshClaims{Session: id, Generation: 1})}
}

// apiToken adds an API token that may do so much.
func (l *lab) apiToken(account int64, r role) string {
	l.Helper()
	token, prefix, hash := auth.NewAPIToken()
	l.exec("INSERT INTO api_token (account_id, name, prefix, hash, role, expires_at) VALUES ($1, 'script', $2, $3, $4, now() + interval '1 day')", account, prefix, hash, r.String())
	return token
}

// ask sends a request with a token, or none.
func (l *lab) ask(token, method, target, body string, header ...string) *httptest.ResponseRecorder {
	if token != "" {
		header = append(header, "Authorization: Bearer "+token)
	}
	return call(l.Handler, method, target, body, header...)
}

// good is ask, for what must go well. It returns the answer.
func (l *lab) good(token, method, target, body string, header ...string) (answer object) {
	l.Helper()
	w := l.ask(token, method, target, body, header...)
	if w.Code/100 != 2 {
		l.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil && !strings.HasPrefix(w.Body.String(), "[") {
		l.Fatalf("%s %s: %v\n%s", method, target, err, w.Body)
	}
	return answer
}

// login signs in over HTTP. from is an address, "" for the one of httptest.
func (l *lab) login(username, password, from string) *httptest.ResponseRecorder {
	var header []string
	if from != "" {
		header = []string{"X-Forwarded-For: " + from}
	}
	return l.ask("", "POST", "/auth/login", fmt.Sprintf(`{"username": %q, "password": %q}`, username, password), header...)
}

// lives tells whether a token is good.
func (l *lab) lives(token string) bool {
	l.Helper()
	switch w := l.ask(token, "GET", "/sites", ""); w.Code {
	case http.StatusOK:
		return true
	case http.StatusUnauthorized:
		return false
	default:
		l.Fatalf("%d %s", w.Code, w.Body)
		return false
	}
}

// digest is a hash of all tables but for some.
func (l *lab) digest(but ...string) string {
	l.Helper()
	tables := scan[[]string](l, `SELECT array_agg(tablename::text ORDER BY tablename) FROM pg_tables
		WHERE schemaname = 'public' AND tablename <> ALL ($1) AND tablename <> 'schema_migrations'`, append(but, "login_attempt"))
	if len(tables) < 15 {
		l.Fatalf("only these tables: %v", tables)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(rowsOf(l.T, l.pool, tables...))))
}

// without is the body of a problem without what differs from request to request.
func without(body string) string {
	var p map[string]any
	if json.Unmarshal([]byte(body), &p) != nil {
		return body
	}
	delete(p, "instance")
	delete(p, "request_id")
	text, _ := json.Marshal(p) // it was decoded a moment ago
	return string(text)
}
