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

// ServerRole is the database role of the server. The migrations grant its privileges.
const ServerRole = "labledger_server"

// HasOwnerRights reports whether the pool's role could modify the history, which ServerRole cannot: it owns the table,
// is a superuser, or was granted too many privileges. Without a history table it returns an error.
func HasOwnerRights(ctx context.Context, pool *pgxpool.Pool) (has bool, err error) {
	err = pool.QueryRow(ctx, `
		SELECT pg_has_role(relowner, 'MEMBER') OR has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
		FROM pg_class
		WHERE oid = to_regclass('change')`).Scan(&has)
	return has, err
}

// SetServerPassword sets the password of ServerRole to the one in serverURL, and reports whether it changed the
// password. ownerURL connects as a role that may alter ServerRole. SetServerPassword does nothing when serverURL names
// another role or has no password.
func SetServerPassword(ctx context.Context, ownerURL, serverURL string) (changed bool, err error) {
	cfg, err := ParseConfig(serverURL)
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
	ownerConfig, err := ParseConfig(ownerURL)
	if err != nil {
		return false, err
	}
	conn, err := pgx.ConnectConfig(ctx, ownerConfig)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(ctx) }()
	// Postgres may log statements, so this one contains a verifier, not the password. A verifier contains no quotes.
	_, err = conn.Exec(ctx, "ALTER ROLE "+ServerRole+" LOGIN PASSWORD '"+verifier+"'")
	return err == nil, err
}

// canConnect returns why a connection with cfg fails, or nil.
func canConnect(ctx context.Context, cfg *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// isAuthError reports whether Postgres rejected the credentials: 28P01, or 28000 for a role without LOGIN.
func isAuthError(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && strings.HasPrefix(pgErr.Code, "28")
}

// scramVerifier returns the form in which Postgres stores a password (RFC 5803), with which it can be set.
func scramVerifier(password string) (string, error) {
	const iterations = 4096 // Postgres's own default
	for _, r := range password {
		if r < ' ' || r > '~' {
			return "", errors.New("the password in DATABASE_URL must contain only printable ASCII characters")
		}
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	sign := func(label string) []byte {
		mac := hmac.New(sha256.New, salted)
		mac.Write([]byte(label))
		return mac.Sum(nil)
	}
	storedKey := sha256.Sum256(sign("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s",
		iterations, encode(salt), encode(storedKey[:]), encode(sign("Server Key"))), nil
}
