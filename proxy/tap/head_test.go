package tap_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// versioned is a dialect that reads a field of the request's head and keeps the
// head, as a decoder may.
type versioned struct {
	script
	matched, begun string // the version that each of the calls has read
	upstream       exchange.Upstream
	kept           *dialect.Head
}

func (v *versioned) Match(h *dialect.Head) bool {
	v.matched, v.upstream = string(h.Header.Get("anthropic-version")), h.Upstream
	return v.matched != ""
}

func (v *versioned) NewDecoder(h *dialect.Head) dialect.Decoder {
	v.begun, v.kept = string(h.Header.Get("anthropic-version")), h
	return &v.script
}

func TestDialectSeesTheRequestsFieldsAndItsUpstream(t *testing.T) {
	d := new(versioned)
	of, told := newTap(d)
	end(of.Begin(chat("Content-Type", "application/json", "Anthropic-Version", "2023-06-01")))
	if d.matched != "2023-06-01" || d.begun != "2023-06-01" || d.upstream != model {
		t.Errorf("matched version %q at %v, began to read version %q", d.matched, d.upstream, d.begun)
	}
	if d.kept.Header != nil {
		t.Error("a decoder can still read the head, whose bytes the relay uses again")
	}
	if r := told.only(t); r.Dialect != "script" {
		t.Errorf("recorded %+v", r)
	}
}

func TestDialectMayRefuseARequestByItsFields(t *testing.T) {
	d := new(versioned)
	of, told := newTap(d)
	end(of.Begin(chat("Content-Type", "application/json")))
	if r := told.only(t); r.Dialect != "" || d.kept != nil {
		t.Errorf("a request without the field is in dialect %q", r.Dialect)
	}
}
