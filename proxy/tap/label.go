package tap

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// Label is a label of exchanges, which a field of their request's head gives.
type Label struct {
	Name  string
	Field string // in lower case
	// Hash says that the label is a keyed hash of the field's value, because the value is a secret.
	Hash bool
}

const (
	// hashBytes is how much of a hash a label has. 48 bits: among 10,000 secrets, two have the
	// same label with a probability below one in five million.
	hashBytes = 6
	// maxKnown bounds the combinations of values that the tap holds once for many exchanges.
	maxKnown = 1024
)

// labels reads the labels of requests. It is safe for concurrent use. A nil labels reads none.
type labels struct {
	all      []Label
	none     []string  // the values of a request without any of the fields
	readings sync.Pool // of *reading

	mu    sync.RWMutex
	known map[string][]string // by the values, joined with zero bytes
}

// newLabels returns nil without labels.
func newLabels(all []Label, key []byte) *labels {
	if len(all) == 0 {
		return nil
	}
	l := &labels{all: all[:min(len(all), exchange.MaxLabels)], known: map[string][]string{}}
	l.none = make([]string, len(l.all))
	l.readings.New = func() any { return &reading{labels: l, mac: hmac.New(sha256.New, key)} }
	return l
}

// reading holds the values of the labels of one head while the tap reads it. A nil reading
// reads nothing.
type reading struct {
	*labels
	seen   [exchange.MaxLabels]bool
	values [exchange.MaxLabels][exchange.MaxLabelBytes]byte
	ends   [exchange.MaxLabels]int
	key    []byte // the values as the key of known
	mac    hash.Hash
	sum    [sha256.Size]byte
}

func (l *labels) borrow() *reading {
	if l == nil {
		return nil
	}
	return l.readings.Get().(*reading)
}

// field reads one field of the head. The first one of several with a name counts.
func (r *reading) field(name, value []byte) {
	if r == nil {
		return
	}
	for i := range r.all {
		if r.seen[i] || !exchange.EqualFold(name, r.all[i].Field) {
			continue
		}
		r.seen[i] = true
		trimmed := bytes.TrimSpace(value)
		if r.all[i].Hash {
			r.ends[i] = r.hash(r.values[i][:], trimmed)
		} else {
			r.ends[i] = tidy(r.values[i][:], trimmed)
		}
	}
}

// hash writes the keyed hash of value to dst and returns its length. An empty value has none.
func (r *reading) hash(dst, value []byte) int {
	if len(value) == 0 {
		return 0
	}
	r.mac.Reset()
	_, _ = r.mac.Write(owner(value))
	return hex.Encode(dst, r.mac.Sum(r.sum[:0])[:hashBytes])
}

// Secret says whether the values of a field, whose name is in lower case, are secrets.
func Secret(field string) bool {
	switch field {
	case "cookie", "proxy-authorization", "x-amz-security-token":
		return true
	}
	return sdk.Named([]byte(field)).Says == sdk.Credential
}

// owner returns the part of a secret that stays the same as long as its owner has the same key:
// the token of a Bearer scheme (RFC 6750), or the access key of an AWS signature, whose rest
// differs from day to day and from request to request. Of any other value it is all.
func owner(secret []byte) []byte {
	if bytes.HasPrefix(secret, []byte("AWS4-")) {
		_, of, _ := bytes.Cut(credential(secret), []byte("Credential="))
		if access, _, scoped := bytes.Cut(of, []byte("/")); scoped {
			return access
		}
		return secret
	}
	if scheme, token, ok := bytes.Cut(secret, []byte(" ")); ok && exchange.EqualFold(scheme, "bearer") {
		return bytes.TrimSpace(token)
	}
	return secret
}

// tidy writes value to dst as far as it has room, without cutting a rune, and returns the length.
// U+FFFD stands for control characters, and for bytes that are no UTF-8.
func tidy(dst, value []byte) (n int) {
	for len(value) > 0 {
		r, size := utf8.DecodeRune(value)
		if unicode.IsControl(r) {
			r = utf8.RuneError
		}
		if n+utf8.RuneLen(r) > len(dst) {
			return n
		}
		n += utf8.EncodeRune(dst[n:], r)
		value = value[size:]
	}
	return n
}

// of returns the values that r has read, and takes r back. Exchanges with the same values share
// them.
func (l *labels) of(r *reading) []string {
	if l == nil {
		return nil
	}
	r.key = r.key[:0]
	empty := true
	for i := range l.all {
		r.key = append(append(r.key, r.values[i][:r.ends[i]]...), 0)
		empty = empty && r.ends[i] == 0
	}
	values := l.none
	if !empty {
		values = l.share(r)
	}
	clear(r.seen[:])
	clear(r.ends[:])
	l.readings.Put(r)
	return values
}

// share returns the values of r, the same slice as for the exchanges before if it still has that.
func (l *labels) share(r *reading) []string {
	l.mu.RLock()
	values := l.known[string(r.key)]
	l.mu.RUnlock()
	if values != nil {
		return values
	}
	text := string(r.key)
	values = make([]string, len(l.all))
	from := 0
	for i := range values {
		values[i] = text[from : from+r.ends[i]]
		from += r.ends[i] + 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.known) >= maxKnown {
		clear(l.known)
	}
	l.known[text] = values
	return values
}
