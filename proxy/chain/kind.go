package chain

import (
	"strings"
	"unsafe"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxName cuts the names that are kept: they are the client's to choose.
const maxName = 128

// kind is what exchanges of one sort have in common.
type kind struct {
	origin    exchange.Origin
	role      exchange.Role
	mode      exchange.Mode
	dialect   string
	operation exchange.Operation
	provider  string
	model     exchange.Model
	upstream  exchange.Upstream
}

// kindUse is a kind and how many open chains have it.
type kindUse struct {
	kind
	uses int
}

// kinds holds each kind once.
type kinds struct {
	known map[kind]*kindUse
	size  int // bytes
}

// use returns the kind of r, which drop gives back.
func (k *kinds) use(r *exchange.Record) *kindUse {
	key := kind{
		r.Origin, r.Role, r.Mode, r.Dialect, r.Operation, r.Provider,
		exchange.Model{Request: cut(r.Model.Request), Response: cut(r.Model.Response)}, r.Upstream,
	}
	u := k.known[key]
	if u == nil { // names may be pieces of larger strings
		key.model.Request, key.model.Response = strings.Clone(key.model.Request), strings.Clone(key.model.Response)
		u = &kindUse{kind: key}
		k.known[key] = u
		k.size += u.size()
	}
	u.uses++
	return u
}

func (k *kinds) drop(u *kindUse) {
	if u == nil {
		return
	}
	if u.uses--; u.uses == 0 {
		delete(k.known, u.kind)
		k.size -= u.size()
	}
}

// size is what a kind takes: twice in the map, once as key, and its names.
func (u *kindUse) size() int {
	return 3*int(unsafe.Sizeof(*u)) + len(u.model.Request) + len(u.model.Response) + len(u.upstream.Host)
}

func cut(name string) string { return name[:min(len(name), maxName)] }

// record is a Record of that kind with nothing else in it.
func (u *kindUse) record() exchange.Record {
	return exchange.Record{
		Origin: u.origin, Role: u.role, Mode: u.mode, Dialect: u.dialect, Operation: u.operation, Provider: u.provider,
		Model: u.model, Upstream: u.upstream,
	}
}
