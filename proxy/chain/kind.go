package chain

import (
	"strings"
	"unsafe"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxName cuts the names of models, which the client chooses.
const maxName = 128

// kind holds the parts that the Records of many exchanges have in common.
type kind struct {
	origin    exchange.Origin
	role      exchange.Role
	mode      exchange.Mode
	dialect   string
	operation exchange.Operation
	provider  string
	model     exchange.Model
	upstream  exchange.Upstream
	labels    *string // the first one: exchanges with equal labels mostly share them
}

// kindUse is a kind and the number of open chains that have it.
type kindUse struct {
	kind
	values []string // of the labels
	uses   int
}

// kinds holds each kind once.
type kinds struct {
	known map[kind]*kindUse
	size  int // bytes
}

// acquire returns the kind of r. Each call needs one of release.
func (k *kinds) acquire(r *exchange.Record) *kindUse {
	key := kind{
		r.Origin, r.Role, r.Mode, r.Dialect, r.Operation, r.Provider,
		exchange.Model{Request: cut(r.Model.Request), Response: cut(r.Model.Response)}, r.Upstream, nil,
	}
	if len(r.Labels) > 0 {
		key.labels = &r.Labels[0]
	}
	u := k.known[key]
	if u == nil { // names may be pieces of larger strings
		key.model.Request, key.model.Response = strings.Clone(key.model.Request), strings.Clone(key.model.Response)
		u = &kindUse{kind: key, values: r.Labels}
		k.known[key] = u
		k.size += u.size()
	}
	u.uses++
	return u
}

// release forgets u when no chain has it any more. It may be nil.
func (k *kinds) release(u *kindUse) {
	if u == nil {
		return
	}
	if u.uses--; u.uses == 0 {
		delete(k.known, u.kind)
		k.size -= u.size()
	}
}

// size returns the memory of a kind in bytes: it is in the map twice, once in the key,
// and has names.
func (u *kindUse) size() int {
	n := 3*int(unsafe.Sizeof(*u)) + len(u.model.Request) + len(u.model.Response) + len(u.upstream.Host)
	for _, label := range u.values {
		n += int(unsafe.Sizeof(label)) + len(label)
	}
	return n
}

func cut(name string) string { return name[:min(len(name), maxName)] }

// record returns a Record of that kind, with nothing else in it.
func (u *kindUse) record() exchange.Record {
	return exchange.Record{
		Origin: u.origin, Role: u.role, Mode: u.mode, Dialect: u.dialect, Operation: u.operation, Provider: u.provider,
		Model: u.model, Upstream: u.upstream, Labels: u.values,
	}
}
