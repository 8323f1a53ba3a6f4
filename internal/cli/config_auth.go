package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"labledger/api/authn"
	"labledger/internal/auth"
	"labledger/internal/durable"
)

// apiAccess builds the access settings of the API. It rejects an open server on an address that other machines reach.
func (c *config) apiAccess() (access authn.Options, err error) {
	if c.Auth == "open" && !c.isLoopback() {
		return access, fmt.Errorf("AUTH=open would make every client that reaches %s an admin; "+
			"require users to sign in (AUTH=required), listen on loopback (HOST=127.0.0.1), "+
			"or allow it explicitly (AUTH=insecure-open)", net.JoinHostPort(c.Host, c.Port))
	}
	access.AnonymousActor = anonymousActor
	access.AuthRequired, access.RegistrationClosed = c.authRequired(), c.Registration == "closed"
	access.LoopbackOnly = !access.AuthRequired && c.Auth != "insecure-open"
	for _, text := range c.TrustedProxies {
		prefix, err := parsePrefix(strings.TrimSpace(text))
		if err != nil {
			return access, fmt.Errorf("TRUSTED_PROXIES: %q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		access.TrustedProxies = append(access.TrustedProxies, prefix)
	}
	access.Keys, err = c.signingKeys(access.AuthRequired)
	return access, err
}

func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	address = address.Unmap()
	return address.Prefix(address.BitLen())
}

// signingKeys derives keys from JWT_SECRET. It returns nil if no secret is set: the embedded Postgres then comes with a
// stored key, and an open server uses a key that lives as long as the process.
func (c *config) signingKeys(required bool) (*auth.Keys, error) {
	secret, source, err := c.jwtSecret()
	switch {
	case err != nil:
		return nil, err
	case secret != "":
		keys, err := auth.NewKeys(secret)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		return keys, nil
	case required && c.DatabaseURL != "":
		return nil, errors.New("AUTH=required needs a signing key, the same for all instances: " +
			"set JWT_SECRET, or JWT_SECRET_FILE to a file that contains it; generate one: openssl rand -base64 32")
	}
	return nil, nil
}

// jwtSecret returns the configured secret and the name of its setting, or "" if none is set.
func (c *config) jwtSecret() (secret, source string, err error) {
	switch {
	case c.JWTSecret != "" && c.JWTSecretFile != "":
		return "", "", errors.New("JWT_SECRET and JWT_SECRET_FILE are both set; set only one of them")
	case c.JWTSecretFile == "":
		return c.JWTSecret, "JWT_SECRET", nil
	}
	text, err := os.ReadFile(c.JWTSecretFile)
	if err != nil {
		return "", "", fmt.Errorf("JWT_SECRET_FILE: %w", err)
	}
	if secret = strings.TrimSpace(string(text)); secret == "" {
		return "", "", fmt.Errorf("JWT_SECRET_FILE: %s is empty", c.JWTSecretFile)
	}
	return secret, "JWT_SECRET_FILE", nil
}

// loadOrCreateSigningKeys derives keys from the secret in the state directory and creates that secret on the first
// start. The embedded Postgres must be running: it holds the lock on the directory.
func (c *config) loadOrCreateSigningKeys() (*auth.Keys, error) {
	path := filepath.Join(c.StateDir, "jwt_secret")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createExclusive(path, []byte(auth.NewSecret()+"\n")); err != nil {
			return nil, err
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	keys, err := auth.NewKeys(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; delete the file to generate a new key, which ends all sessions", path, err)
	}
	return keys, nil
}

// createExclusive writes a file of mode 0600, completely or not at all. It keeps a file that already exists.
func createExclusive(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err := tmp.Write(text); err != nil {
		_ = tmp.Close()
		return err
	}
	if err := durable.Link(tmp, path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
