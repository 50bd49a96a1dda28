package turn

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

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
}

const (
	// maxKinds is how many kinds the Joiner has one copy of. When there are more it begins
	// anew: the sessions keep the old ones.
	maxKinds = 1024
	// maxName cuts the names of models, which the client chooses.
	maxName = 128
)

// kindOf returns the kind of r.
func (j *Joiner) kindOf(r *exchange.Record) *kind {
	key := kind{
		r.Origin, r.Role, r.Mode, r.Dialect, r.Operation, r.Provider,
		exchange.Model{Request: cut(r.Model.Request), Response: cut(r.Model.Response)}, r.Upstream,
	}
	if k := j.kinds[key]; k != nil {
		return k
	}
	if len(j.kinds) >= maxKinds {
		clear(j.kinds)
	}
	k := new(kind) // so that a known kind costs no allocation
	*k = key
	k.model.Request, k.model.Response = strings.Clone(key.model.Request), strings.Clone(key.model.Response)
	j.kinds[*k] = k
	return k
}

func cut(name string) string { return name[:min(len(name), maxName)] }

// record returns a Record of that kind, with nothing else in it. It may be nil.
func (k *kind) record() exchange.Record {
	if k == nil {
		return exchange.Record{}
	}
	return exchange.Record{
		Origin: k.origin, Role: k.role, Mode: k.mode, Dialect: k.dialect, Operation: k.operation, Provider: k.provider,
		Model: k.model, Upstream: k.upstream,
	}
}
