package sampling_test

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/headway-sidecar/headway/exporter/sampling"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const ms = time.Millisecond

// ledger keeps the last record, and all chains.
type ledger struct {
	record exchange.Record
	chains []exchange.Chain
}

func (l *ledger) Observe(r exchange.Record)     { l.record = r }
func (l *ledger) ObserveChain(c exchange.Chain) { l.chains = append(l.chains, c) }

// sample is the Sampling that a new Sampler gives r.
func sample(ratio float64, r exchange.Record) exchange.Sampling {
	var l ledger
	sampling.New(sampling.Config{Ratio: ratio, Next: &l}).Observe(r)
	return l.record.Sampling
}

// named is a trace id whose randomness is r.
func named(r uint64) (id exchange.TraceID) {
	binary.BigEndian.PutUint64(id[:], 0x4bf92f3577b34da6)
	binary.BigEndian.PutUint64(id[8:], 0xa3<<56|r)
	return id
}

// chance is a random trace id.
func chance(r *rand.Rand) (id exchange.TraceID) {
	binary.BigEndian.PutUint64(id[:], r.Uint64())
	binary.BigEndian.PutUint64(id[8:], r.Uint64())
	return id
}

// bare is an ordinary stream without its chunks.
func bare() exchange.Record {
	return exchange.Record{
		Mode: exchange.Explicit, Operation: exchange.Chat, Model: exchange.Model{Request: "m"}, Stream: true, Status: 200,
		Outcome: exchange.OK,
		Timing:  exchange.Timing{FirstToken: 200 * ms, LastToken: 900 * ms, End: 910 * ms},
		Span:    exchange.Span{Trace: named(0x1000), ID: exchange.SpanID{1}},
		Attempt: exchange.Attempt{Chain: 1, Number: 1, Outcome: exchange.FirstTry},
	}
}

// plain is bare with its chunks.
func plain() exchange.Record {
	r := bare()
	for i := range 8 {
		r.Chunks.Add(exchange.Chunk{At: 200*ms + time.Duration(i)*100*ms, Tokens: 1, Bytes: 4})
	}
	return r
}

// with is a plain stream as change made it.
func with(change func(*exchange.Record)) exchange.Record {
	r := plain()
	change(&r)
	return r
}
