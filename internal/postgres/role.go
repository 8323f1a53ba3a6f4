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

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ServerRole is the database role of the server, unless DATABASE_URL names another one. The migrations grant its
// privileges.
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

// ErrSharedRole is wrapped by the error of SetUpServerRole when the server of another database uses the role.
var ErrSharedRole = errors.New("the server role is shared")

// A ServerRoleChange is what SetUpServerRole changed.
type ServerRoleChange struct {
	Role        string // the role of the server's URL
	Created     bool
	PasswordSet bool
}

// SetUpServerRole gives the role of serverURL the privileges of the server in the database of ownerURL, and sets the
// password in serverURL. ownerURL connects as a role that may do so.
//
// Roles belong to the whole PostgreSQL server. For two databases on it, the servers must use separate roles: a role
// other than ServerRole is created if it is missing, and takes over the privileges that the migrations grant to
// ServerRole. A role that has them anyway, such as the owner, stays as it is. A password that works is not changed.
//
// Errors: ErrSharedRole if the role has privileges in another database, or an error of Postgres.
func SetUpServerRole(ctx context.Context, ownerURL, serverURL string) (change ServerRoleChange, err error) {
	server, err := ParseConfig(serverURL)
	if err != nil {
		return change, err
	}
	conn, err := connect(ctx, ownerURL)
	if err != nil {
		return change, err
	}
	defer closeConn(conn)
	change.Role = server.User
	if server.User != ServerRole {
		if change.Created, err = createRole(ctx, conn, server.User); err != nil {
			return change, fmt.Errorf("create the server role: %w; a superuser can: CREATE ROLE %s LOGIN",
				err, quoteIdentifier(server.User))
		}
		var hasRights bool
		err = conn.QueryRow(ctx, `
			SELECT $1::name = current_user
				OR pg_has_role($1::name, datdba, 'MEMBER')
				OR pg_has_role($1::name, (SELECT oid FROM pg_roles WHERE rolname = $2), 'MEMBER') IS NOT FALSE
			FROM pg_database
			WHERE datname = current_database()`, server.User, ServerRole).Scan(&hasRights)
		if err != nil || hasRights {
			return change, err
		}
		if err := moveServerPrivileges(ctx, conn, server.User); err != nil {
			return change, err
		}
	}
	change.PasswordSet, err = setPassword(ctx, conn, server)
	return change, err
}

// createRole creates a role that can log in, and reports whether it was missing.
func createRole(ctx context.Context, conn *pgx.Conn, role string) (created bool, err error) {
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role).Scan(&exists)
	if err != nil || exists {
		return false, err
	}
	_, err = conn.Exec(ctx, "CREATE ROLE "+quoteIdentifier(role)+" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && (pgErr.Code == pgerrcode.DuplicateObject || pgErr.Code == pgerrcode.UniqueViolation) {
		return false, nil // created at the same time
	}
	return err == nil, err
}

// moveServerPrivileges grants the privileges of ServerRole in the connection's database to another role, and revokes
// them from ServerRole.
func moveServerPrivileges(ctx context.Context, conn *pgx.Conn, role string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT format('%s%s ON %s %s', privilege_type, '(' || column_name || ')', kind, object)
			FROM (
				SELECT 'DATABASE' AS kind, quote_ident(datname) AS object, NULL AS column_name, datacl AS acl
				FROM pg_database
				WHERE datname = current_database()
				UNION ALL
				SELECT 'SCHEMA', oid::regnamespace::text, NULL, nspacl FROM pg_namespace
				UNION ALL
				SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, oid::regclass::text, NULL, relacl
				FROM pg_class
				UNION ALL
				SELECT 'TABLE', attrelid::regclass::text, quote_ident(attname), attacl FROM pg_attribute
				UNION ALL
				SELECT 'FUNCTION', oid::regprocedure::text, NULL, proacl FROM pg_proc
			) AS granted
			CROSS JOIN LATERAL aclexplode(acl) AS privilege
			WHERE grantee = (SELECT oid FROM pg_roles WHERE rolname = $1)`, ServerRole)
		if err != nil {
			return err
		}
		privileges, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, privilege := range privileges {
			for _, sql := range []string{
				"GRANT " + privilege + " TO " + quoteIdentifier(role),
				"REVOKE " + privilege + " FROM " + ServerRole,
			} {
				if _, err := tx.Exec(ctx, sql); err != nil {
					return fmt.Errorf("%s: %w", sql, err)
				}
			}
		}
		return nil
	})
}

// setPassword sets the password of the role of server unless it works already or is empty, and reports whether it did.
func setPassword(ctx context.Context, conn *pgx.Conn, server *pgx.ConnConfig) (changed bool, err error) {
	if server.Password == "" {
		return false, nil
	}
	if err := canConnect(ctx, server); err == nil || !isAuthError(err) {
		return false, err
	}
	databases, err := otherDatabases(ctx, conn, server.User)
	if err != nil {
		return false, err
	}
	if len(databases) > 0 {
		return false, fmt.Errorf("%w: %s also has privileges in %s, where a new password would lock its server out: "+
			"write the right password in DATABASE_URL, or another role, such as %s_%s, which is then created",
			ErrSharedRole, server.User, strings.Join(databases, ", "), ServerRole, server.Database)
	}
	verifier, err := scramVerifier(server.Password)
	if err != nil {
		return false, err
	}
	// Postgres may log statements, so this one contains a verifier, not the password. A verifier contains no quotes.
	_, err = conn.Exec(ctx, "ALTER ROLE "+quoteIdentifier(server.User)+" LOGIN PASSWORD '"+verifier+"'")
	return err == nil, err
}

// otherDatabases returns the names of the other databases of the server in which a role has a privilege or owns an
// object, without the scratch databases of backups.
func otherDatabases(ctx context.Context, conn *pgx.Conn, role string) ([]string, error) {
	rows, err := conn.Query(ctx, `
		SELECT DISTINCT datname
		FROM pg_shdepend
		JOIN pg_database ON pg_database.oid = CASE classid WHEN 'pg_database'::regclass THEN objid ELSE dbid END
		WHERE refclassid = 'pg_authid'::regclass
			AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
			AND datname <> current_database()
			AND NOT starts_with(datname, $2)
		ORDER BY datname`, role, scratchPrefix)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func quoteIdentifier(name string) string { return pgx.Identifier{name}.Sanitize() }

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
