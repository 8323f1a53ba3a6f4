package deploy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// A tlsProxy in front of Postgres accepts only TLS, with a self-signed certificate, as Heroku's databases do.
type tlsProxy struct {
	address   string
	plaintext atomic.Int64 // number of rejected connections without TLS
	tlsConfig *tls.Config
	network   string
	backend   string
}

// newTLSProxy starts a proxy for the Postgres at url and stops it when the test ends.
func newTLSProxy(t *testing.T, url string) *tlsProxy {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	keyPair := tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
	proxy := &tlsProxy{
		address:   listener.Addr().String(),
		tlsConfig: &tls.Config{Certificates: []tls.Certificate{keyPair}},
	}
	proxy.network, proxy.backend = pgconn.NetworkAddress(config.Host, config.Port)
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { proxy.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		connections.Wait() // the clients have exited, so every connection ends
	})
	return proxy
}

func (p *tlsProxy) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	header := make([]byte, 8)
	if _, err := io.ReadFull(conn, header); err != nil {
		return
	}
	const sslRequestCode = 80877103
	if binary.BigEndian.Uint32(header[4:]) != sslRequestCode {
		p.plaintext.Add(1)
		rejection := pgproto3.ErrorResponse{
			Severity: "FATAL", Code: "28000", Message: "no pg_hba.conf entry for this host, no encryption",
		}
		if message, err := rejection.Encode(nil); err == nil {
			_, _ = conn.Write(message)
		}
		return
	}
	if _, err := conn.Write([]byte("S")); err != nil {
		return
	}
	client := tls.Server(conn, p.tlsConfig)
	backend, err := net.Dial(p.network, p.backend)
	if err != nil {
		return
	}
	var copies sync.WaitGroup
	copies.Go(func() {
		_, _ = io.Copy(backend, client)
		_ = backend.Close()
	})
	copies.Go(func() {
		_, _ = io.Copy(client, backend)
		_ = conn.Close()
	})
	copies.Wait()
}
