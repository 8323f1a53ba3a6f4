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

// A tlsProxy stands before a Postgres and takes connections by TLS alone, as Heroku's databases do, with a certificate that nobody vouches for.
type tlsProxy struct {
	address   string
	plaintext atomic.Int64 // connections that were refused, since they spoke without TLS
	tlsConfig *tls.Config
	network   string
	backend   string
}

// newTLSProxy is a front of the Postgres at url, until the test ends.
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
	proxy := &tlsProxy{address: listener.Addr().String(), tlsConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}}
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
		_ = listener.Close() // nobody waits for another connection
		connections.Wait()   // clients have ended, so their connections have
	})
	return proxy
}

func (f *tlsProxy) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	header := make([]byte, 8)
	if _, err := io.ReadFull(conn, header); err != nil {
		return
	}
	const sslRequestCode = 80877103
	if binary.BigEndian.Uint32(header[4:]) != sslRequestCode {
		f.plaintext.Add(1)
		rejection := pgproto3.ErrorResponse{Severity: "FATAL", Code: "28000", Message: "no pg_hba.conf entry for this host, no encryption"}
		if message, err := rejection.Encode(nil); err == nil {
			_, _ = conn.Write(message) // who is gone need not hear it
		}
		return
	}
	if _, err := conn.Write([]byte("S")); err != nil {
		return
	}
	client := tls.Server(conn, f.tlsConfig)
	inside, err := net.Dial(f.network, f.backend)
	if err != nil {
		return
	}
	var copies sync.WaitGroup
	copies.Go(func() {
		_, _ = io.Copy(inside, client) // an end, either way
		_ = inside.Close()
	})
	copies.Go(func() {
		_, _ = io.Copy(client, inside)
		_ = conn.Close()
	})
	copies.Wait()
}
