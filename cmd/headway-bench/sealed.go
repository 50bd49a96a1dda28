package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// handshakePatience bounds the wait for the other side in a handshake.
const handshakePatience = 5 * time.Second

// socket makes a conn a net.Conn for crypto/tls. When there is nothing to read, Read fails with
// os.ErrDeadlineExceeded; crypto/tls treats that as temporary and returns it to its caller.
type socket struct {
	net.Conn // nil, because nobody calls the other methods
	conn     *conn
}

func (s socket) Read(p []byte) (int, error) {
	n, err := unix.Read(s.conn.fd, p)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (s socket) Write(p []byte) (int, error) {
	s.conn.send(p)
	return len(p), nil
}

// seal makes the TLS handshake. It stops the loop meanwhile, which disturbs no figure: the streams open
// before the measured window.
func (c *conn) seal(session *tls.Conn) error {
	patience := unix.NsecToTimeval(int64(handshakePatience))
	if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return fmt.Errorf("bounding the handshake: %w", err)
	}
	if err := unix.SetNonblock(c.fd, false); err != nil {
		return fmt.Errorf("making a socket blocking: %w", err)
	}
	if err := session.Handshake(); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	if err := unix.SetNonblock(c.fd, true); err != nil {
		return fmt.Errorf("making a socket non-blocking: %w", err)
	}
	c.sealed = session
	return nil
}

// dialSealed is dial with TLS. It does not verify the certificate, because the upstream is this program
// too, with a key that it made for this run.
func (p *poller) dialSealed(port int) (*conn, error) {
	c, err := p.dial(port)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{InsecureSkipVerify: true, ServerName: upstreamName, MinVersion: tls.VersionTLS13}
	if err := c.seal(tls.Client(socket{conn: c}, config)); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// upstreamName is the name in the upstream's certificate, beside the address of loopback.
const upstreamName = "model.test"

// serverTLS returns the configuration of the upstream's TLS, with a new key. The certificate is its own
// authority.
func serverTLS() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{upstreamName}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	chain := tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{chain}, MinVersion: tls.VersionTLS13}, nil
}

// authorityOf returns the certificate of serverTLS as PEM.
func authorityOf(config *tls.Config) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: config.Certificates[0].Certificate[0]})
}
