package injector

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// The lives of certificates. A new one takes over after two thirds.
const (
	authorityLife = 365 * 24 * time.Hour
	leafLife      = 90 * 24 * time.Hour
)

// skew is how far the clock of an API server may be behind.
const skew = time.Hour

// Identity is what the replicas share: the certificate of the webhook and its authority.
// All of it is PEM, as the Secret has it.
type Identity struct {
	Authorities  []byte // ca.crt: the newest authority, and older ones that have not expired
	AuthorityKey []byte // ca.key, of the newest
	Certificate  []byte // tls.crt
	Key          []byte // tls.key
}

// Renew returns the identity for the names, of which the first is the certificate's common
// name: old as it is, or with whatever is missing, unreadable, for other names, or past two
// thirds of its life made anew. changed says whether it differs from old.
func Renew(old Identity, names []string, now time.Time) (id Identity, changed bool, err error) {
	id = old
	authorities := certificates(old.Authorities)
	authority, key := authorityOf(authorities, old.AuthorityKey, now)
	if authority == nil {
		if authority, key, err = newAuthority(now); err != nil {
			return id, false, fmt.Errorf("making an authority: %w", err)
		}
		changed = true
		authorities = append([]*x509.Certificate{authority}, unexpired(authorities, now)...)
		if id.AuthorityKey, err = pemKey(key); err != nil {
			return id, false, fmt.Errorf("making an authority: %w", err)
		}
		id.Authorities = pemCertificates(authorities)
	}
	if !changed && fresh(old, authority, names, now) {
		return id, false, nil
	}
	id.Certificate, id.Key, err = newLeaf(authority, key, names, now)
	if err != nil {
		return id, false, fmt.Errorf("making a certificate: %w", err)
	}
	return id, true, nil
}

// authorityOf returns the newest authority with its key, nil if it cannot sign any more.
func authorityOf(all []*x509.Certificate, text []byte, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
	block, _ := pem.Decode(text)
	if len(all) == 0 || block == nil || !all[0].IsCA || old(all[0], now) {
		return nil, nil
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil || !key.PublicKey.Equal(all[0].PublicKey) {
		return nil, nil
	}
	return all[0], key
}

// fresh says whether the certificate of id is the authority's, for the names, and in the
// first two thirds of its life.
func fresh(id Identity, authority *x509.Certificate, names []string, now time.Time) bool {
	pair, err := tls.X509KeyPair(id.Certificate, id.Key)
	if err != nil {
		return false
	}
	leaf := pair.Leaf
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			return false
		}
	}
	return leaf.CheckSignatureFrom(authority) == nil && !old(leaf, now)
}

// old says whether c is past two thirds of its life, or not in it yet.
func old(c *x509.Certificate, now time.Time) bool {
	return now.Before(c.NotBefore) || now.After(c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore)*2/3))
}

func unexpired(all []*x509.Certificate, now time.Time) []*x509.Certificate {
	var left []*x509.Certificate
	for _, c := range all {
		if now.Before(c.NotAfter) {
			left = append(left, c)
		}
	}
	return left
}

func newAuthority(now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	about := &x509.Certificate{
		Subject: pkix.Name{CommonName: "headway-injector"}, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	return sign(about, nil, nil, authorityLife, now)
}

func newLeaf(authority *x509.Certificate, key *ecdsa.PrivateKey, names []string, now time.Time) (certificate, private []byte, err error) {
	about := &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leaf, own, err := sign(about, authority, key, leafLife, now)
	if err != nil {
		return nil, nil, err
	}
	private, err = pemKey(own)
	return pemCertificates([]*x509.Certificate{leaf}), private, err
}

// sign makes a key and a certificate for it, which the authority signs, or the key itself
// if there is none.
func sign(about, authority *x509.Certificate, by *ecdsa.PrivateKey, life time.Duration, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if about.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, nil, err
	}
	if authority == nil {
		authority, by = about, key
	}
	about.NotBefore, about.NotAfter = now.Add(-skew), now.Add(life)
	signed, err := x509.CreateCertificate(rand.Reader, about, authority, &key.PublicKey, by)
	if err != nil {
		return nil, nil, err
	}
	c, err := x509.ParseCertificate(signed)
	return c, key, err
}

// certificates returns the certificates in text. It passes over what it cannot read.
func certificates(text []byte) []*x509.Certificate {
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			all = append(all, c)
		}
	}
	return all
}

func pemCertificates(all []*x509.Certificate) []byte {
	var text []byte
	for _, c := range all {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

func pemKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), err
}
