//go:build compose

package deploy_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// newCertificate returns a self-signed certificate for localhost, its key, and a pool that trusts it.
func newCertificate(t *testing.T) (certificate, key string, trusted *x509.CertPool) {
	t.Helper()
	privateKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &privateKey.PublicKey, privateKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(privateKey)
	if err != nil {
		t.Fatal(err)
	}
	var certPEM, keyPEM bytes.Buffer
	_ = pem.Encode(&certPEM, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // writing to a buffer never fails
	_ = pem.Encode(&keyPEM, &pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	trusted = x509.NewCertPool()
	trusted.AppendCertsFromPEM(certPEM.Bytes())
	return certPEM.String(), keyPEM.String(), trusted
}

func (p *prodStack) testTLS(t *testing.T) {
	certificate, key, trusted := newCertificate(t)
	p.writeFile(t, "certs/tls.crt", certificate, 0o644)
	p.writeFile(t, "certs/tls.key", key, 0o644)
	file := p.upload(t, "photo.png", samplePNG)
	tlsStack := p.withFile("deploy/tls.yml")
	tlsStack.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
	defer p.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
	p.inspect(t, "proxy").assertOnLoopback(t)

	get := func(version uint16, path string) (response, error) {
		transport := &http.Transport{
			DisableKeepAlives: true,
			ForceAttemptHTTP2: version == tls.VersionTLS13,
			TLSClientConfig:   &tls.Config{RootCAs: trusted, MinVersion: version, MaxVersion: version},
		}
		client := &http.Client{Timeout: 20 * time.Second, Transport: transport}
		request, err := http.NewRequest("GET", "https://127.0.0.1:"+p.tlsPort+path, nil)
		if err != nil {
			return response{}, err
		}
		request.Header.Set("Authorization", "Bearer "+p.token)
		return roundTrip(client, request)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for path, status := range map[string]int{
			"/site/1": 200, "/sites": 200, "/nothing": 404, "/media/x": 404, file: 200,
		} {
			resp, err := get(version, path)
			if err != nil || resp.status != status {
				t.Errorf("%s %s: %v; status %d: %.200s", tls.VersionName(version), path, err, resp.status, resp.body)
				continue
			}
			hsts := resp.header.Values("Strict-Transport-Security")
			if len(hsts) != 1 || hsts[0] != "max-age=31536000" {
				t.Errorf("%s %s: HSTS %q", tls.VersionName(version), path, hsts)
			}
		}
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if resp, err := get(version, "/site/1"); err == nil {
			t.Errorf("%s is accepted: status %d", tls.VersionName(version), resp.status)
		}
	}

	resp := p.expect(t, 308, "POST", "/api/v1/sites?dry_run=true&a=%20b", `{}`)
	if location := resp.header.Get("Location"); location != "https://127.0.0.1/api/v1/sites?dry_run=true&a=%20b" {
		t.Errorf("plain HTTP is redirected to %s", location)
	}
	assertSecurityHeaders(t, "redirect to HTTPS", resp.header)
	plain, err := sendRaw("127.0.0.1:"+p.tlsPort, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if plain.assertProblem(t, 400); !strings.Contains(string(plain.body), "speaks HTTPS") {
		t.Errorf("plain HTTP on the HTTPS port: %s", plain.body)
	}
}
