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

	"labledger/api"
	"labledger/internal/auth"
)

// This file reads who may call: open or not, the signing key, trusted proxies.

// apiAccess is who may call. It refuses a configuration that would let in more people than it says.
func (c *config) apiAccess() (a api.Access, err error) {
	if c.Auth == "open" && !c.isLoopback() {
		return a, fmt.Errorf("with AUTH=open everyone who reaches %s would be admin. "+
			"Let people sign in (AUTH=required), listen on loopback (HOST=127.0.0.1), or say that you want it so: AUTH=insecure-open", net.JoinHostPort(c.Host, c.Port))
	}
	a.AuthRequired, a.RegistrationClosed = c.authRequired(), c.Registration == "closed"
	a.LoopbackOnly = !a.AuthRequired && c.Auth != "insecure-open"
	for _, text := range c.TrustedProxies {
		p, err := parsePrefix(strings.TrimSpace(text))
		if err != nil {
			return a, fmt.Errorf("TRUSTED_PROXIES: %q is neither an address nor a network like 10.0.0.0/8", text)
		}
		a.TrustedProxies = append(a.TrustedProxies, p)
	}
	a.Keys, err = c.signingKeys(a.AuthRequired)
	return a, err
}

func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.Unmap().Prefix(a.Unmap().BitLen())
}

// signingKeys are made of the secret that was given; nil without one. Beside a private cluster it is loadOrCreateSigningKeys' turn then, and where nobody needs to sign
// in, keys may end with the process.
func (c *config) signingKeys(needed bool) (*auth.Keys, error) {
	secret, from, err := c.jwtSecret()
	switch {
	case err != nil:
		return nil, err
	case secret != "":
		keys, err := auth.NewKeys(secret)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		return keys, nil
	case needed && c.DatabaseURL != "":
		return nil, errors.New("AUTH=required needs a signing key, the same for all instances: JWT_SECRET, or a file that holds it: JWT_SECRET_FILE. " +
			"One can be made so: openssl rand -base64 32")
	}
	return nil, nil
}

// jwtSecret is the one that was given, and the setting that it is from; "" when there is none.
func (c *config) jwtSecret() (secret, from string, err error) {
	switch {
	case c.JWTSecret != "" && c.JWTSecretFile != "":
		return "", "", errors.New("JWT_SECRET and JWT_SECRET_FILE are both given; give one of them")
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

// loadOrCreateSigningKeys are made of a secret in the state folder, which the first start makes. The private cluster is open, so the folder is ours.
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
		return nil, fmt.Errorf("%s: %w; without the file a new one is made, and everybody signs in again", path, err)
	}
	return keys, nil
}

// createExclusive writes a file that only we may read, whole or not at all. One that somebody else wrote meanwhile stays.
func createExclusive(path string, text []byte) error {
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(part.Name()) }() // it has another name by then
	_, err = part.Write(text)
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	if err := os.Link(part.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
