package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ServerRole is the role that the server works as. What it may do, the schema's migrations say.
const ServerRole = "labledger_server"

// HasOwnerRights reports whether the role of the pool could do to the history what ServerRole cannot: it owns the tables, directly or as a
// superuser, or was given too much.
func HasOwnerRights(ctx context.Context, pool *pgxpool.Pool) (may bool, err error) {
	err = pool.QueryRow(ctx, `
		SELECT pg_has_role(relowner, 'MEMBER') OR has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
		FROM pg_class
		WHERE oid = to_regclass('change')`).Scan(&may)
	return may, err
}

// SetServerPassword lets ServerRole sign in with the password of server, a URL that names that role; with any other it does nothing. owner is the
// URL of a role that may do so. It reports whether the password had to be changed: the same one is left as it is.
func SetServerPassword(ctx context.Context, owner, server string) (changed bool, err error) {
	cfg, err := ParseConfig(server)
	if err != nil {
		return false, err
	}
	if cfg.User != ServerRole || cfg.Password == "" {
		return false, nil
	}
	if err := canConnect(ctx, cfg); err == nil || !isAuthError(err) {
		return false, err
	}
	verifier, err := scramVerifier(cfg.Password)
	if err != nil {
		return false, err
	}
	as, err := ParseConfig(owner)
	if err != nil {
		return false, err
	}
	conn, err := pgx.ConnectConfig(ctx, as)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(ctx) }() // everything is committed, or failed, by then
	// The password itself is not sent: statements stand in logs. A verifier holds no quotes.
	_, err = conn.Exec(ctx, "ALTER ROLE "+ServerRole+" LOGIN PASSWORD '"+verifier+"'")
	return err == nil, err
}

// canConnect tries a connection.
func canConnect(ctx context.Context, cfg *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// isAuthError tells whether PostgreSQL said no to who wanted to sign in: 28P01, and 28000 for roles without LOGIN.
func isAuthError(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "28")
}

// scramVerifier is what PostgreSQL keeps of a password (RFC 5803), so that it need not be told the password.
func scramVerifier(password string) (string, error) {
	const rounds = 4096 // PostgreSQL's own number
	for _, r := range password {
		if r < ' ' || r > '~' {
			return "", errors.New("the server's password in DATABASE_URL may have printable ASCII characters only")
		}
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	salted, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		return "", err
	}
	sign := func(label string) []byte {
		mac := hmac.New(sha256.New, salted)
		mac.Write([]byte(label))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(sign("Client Key"))
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", rounds, text(salt), text(stored[:]), text(sign("Server Key"))), nil
}
