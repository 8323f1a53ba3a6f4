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

// A front stands before a Postgres and takes connections by TLS alone, as Heroku's databases do, with a certificate that nobody vouches for.
type front struct {
	address string
	plain   atomic.Int64 // connections that were refused, since they spoke without TLS
	tls     *tls.Config
	network string
	behind  string
}

// newFront is a front of the Postgres at url, until the test ends.
func newFront(t *testing.T, url string) *front {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
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
	f := &front{address: listener.Addr().String(), tls: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}}
	f.network, f.behind = pgconn.NetworkAddress(config.Host, config.Port)
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close() // nobody waits for another connection
		open.Wait()          // clients have ended, so their connections have
	})
	return f
}

func (f *front) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	first := make([]byte, 8)
	if _, err := io.ReadFull(conn, first); err != nil {
		return
	}
	const askTLS = 80877103
	if binary.BigEndian.Uint32(first[4:]) != askTLS {
		f.plain.Add(1)
		no := pgproto3.ErrorResponse{Severity: "FATAL", Code: "28000", Message: "no pg_hba.conf entry for this host, no encryption"}
		if message, err := no.Encode(nil); err == nil {
			_, _ = conn.Write(message) // who is gone need not hear it
		}
		return
	}
	if _, err := conn.Write([]byte("S")); err != nil {
		return
	}
	outside := tls.Server(conn, f.tls)
	inside, err := net.Dial(f.network, f.behind)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(inside, outside) // an end, either way
		_ = inside.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(outside, inside)
		_ = conn.Close()
	})
	both.Wait()
}
