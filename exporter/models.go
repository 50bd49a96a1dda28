package exporter

import (
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// maxLabelBytes cuts a model's name: the longest in use are deployment paths of
// some 100 bytes.
const maxLabelBytes = 128

// Models bounds the model names that become labels: the first so many distinct
// ones in the life of the process, and Other for all that come later. Requested
// and answering models share the bound. It is safe for concurrent use, and looking
// a known name up takes no lock.
type Models struct {
	limit int
	known atomic.Pointer[map[string]string] // never changed, only replaced
	mu    sync.Mutex                        // held to replace it
}

// NewModels returns a limiter that lets limit names through.
func NewModels(limit int) *Models {
	m := &Models{limit: limit}
	m.known.Store(&map[string]string{})
	return m
}

// Label returns name as a label: valid UTF-8, not too long, or Other. No name
// stays no name.
func (m *Models) Label(name string) string {
	if name == "" {
		return ""
	}
	if label, ok := (*m.known.Load())[name]; ok {
		return label
	}
	return m.admit(clean(name))
}

func (m *Models) admit(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := *m.known.Load()
	if label, ok := known[name]; ok {
		return label
	}
	if len(known) >= m.limit {
		return Other
	}
	label := strings.Clone(name) // name may be a piece of a request's body
	next := make(map[string]string, len(known)+1)
	for k, v := range known {
		next[k] = v
	}
	next[label] = label
	m.known.Store(&next)
	return label
}

// clean cuts name at a rune and replaces what is no UTF-8.
func clean(name string) string {
	if len(name) > maxLabelBytes {
		cut := maxLabelBytes
		for cut > maxLabelBytes-utf8.UTFMax && !utf8.RuneStart(name[cut]) {
			cut--
		}
		name = name[:cut]
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}
