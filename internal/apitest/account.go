package apitest

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/google/uuid"

	"labledger/api/rest"
	"labledger/internal/auth"
)

// Accounts, sessions and tokens are created in SQL, because registration is rate-limited and password hashing is slow.

// Password is the password of the accounts that CreateAccount creates.
const Password = "incorrect horse battery staple"

var hashPassword = sync.OnceValues(func() (string, error) {
	return auth.NewPasswords().Hash(context.Background(), Password)
})

// CreateAccount creates an account with the password Password.
func (ts *Server) CreateAccount(username string, role rest.Role) (id int64) {
	ts.Helper()
	hash, err := hashPassword()
	if err != nil {
		ts.Fatal(err)
	}
	id = Value[int64](ts, "INSERT INTO account (username, role) VALUES ($1, $2) RETURNING id", username, role.String())
	ts.Exec("INSERT INTO credential (account_id, password_hash) VALUES ($1, $2)", id, hash)
	return id
}

// A Session is a session with its tokens.
type Session struct {
	ID              uuid.UUID
	AccountID       int64
	Access, Refresh string
}

// CreateSession creates a session of an account.
func (ts *Server) CreateSession(account int64) Session {
	ts.Helper()
	id := Value[uuid.UUID](ts, `INSERT INTO session (account_id, expires_at) VALUES ($1, now() + interval '1 day')
		RETURNING id`, account)
	keys := ts.Options.Access.Keys
	return Session{
		ID:        id,
		AccountID: account,
		Access:    keys.SignAccessToken(account, id, time.Now()),
		Refresh:   keys.SignRefreshToken(auth.RefreshClaims{Session: id, Generation: 1}),
	}
}

// SignIn creates an account with a session and returns the session's access token.
func (ts *Server) SignIn(username string, role rest.Role) (token string) {
	ts.Helper()
	return ts.CreateSession(ts.CreateAccount(username, role)).Access
}

// CreateAPIToken creates an API token with a role.
func (ts *Server) CreateAPIToken(account int64, role rest.Role) string {
	ts.Helper()
	token, prefix, hash := auth.NewAPIToken()
	ts.Exec(`INSERT INTO api_token (account_id, name, prefix, hash, role, expires_at)
		VALUES ($1, 'script', $2, $3, $4, now() + interval '1 day')`, account, prefix, hash, role.String())
	return token
}

// Login signs in over HTTP. ip is the address of the client; "" means that of requests without a network.
func (ts *Server) Login(username, password, ip string) *httptest.ResponseRecorder {
	var header []string
	if ip != "" {
		header = []string{"X-Forwarded-For: " + ip}
	}
	body := fmt.Sprintf(`{"username": %q, "password": %q}`, username, password)
	return ts.Send("", "POST", "/auth/login", body, header...)
}
