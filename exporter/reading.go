package exporter

import (
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Other is the label value for an unknown operation, and for every name beyond a bound.
const Other = "_other"

// Identity holds the values of the labels that instruments share, bounded and valid. It
// is comparable: one Identity is one set of series.
type Identity struct {
	Operation exchange.Operation // Other for an exchange of no known dialect
	Provider  string
	Request   string // model
	Response  string // model
	Upstream  exchange.Upstream
	Tenant    Tenant
}

// Values lists the values of the labels of in that are not its own, in order.
func (i Identity) Values(in *Instrument) []string {
	var values []string
	switch in.Family {
	case GenAIClient, GenAIServer:
		values = []string{string(i.Operation), i.Provider, i.Request, i.Response, i.Upstream.Host, i.port()}
	case Process:
	default:
		values = []string{string(i.Operation), i.Request, address(i.Upstream)}
	}
	return i.Tenant.append(values, len(in.tenant))
}

func (i Identity) port() string {
	if i.Upstream.Port == 0 {
		return ""
	}
	return strconv.Itoa(i.Upstream.Port)
}

// Reading is a Record as instruments draw from it. A backend uses one again and again:
// nothing may keep it beyond the exchange that it was filled for.
type Reading struct {
	exchange.Record
	Identity Identity
	Gaps     []exchange.Gap // the waits between content chunks of a stream
}

// Fill makes r the reading of record. Names bound its labels.
func (r *Reading) Fill(record exchange.Record, names *Names) {
	r.Record = record
	r.Identity = identify(&record, names)
	r.Gaps = r.Gaps[:0]
	if !record.Stream {
		return
	}
	for gap := range r.Chunks.Gaps(record.Usage.Streamed) {
		r.Gaps = append(r.Gaps, gap)
	}
}

// ChainReading is a Chain as instruments draw from it. A backend uses one again and
// again: nothing may keep it beyond the chain that it was filled for.
type ChainReading struct {
	exchange.Chain
	Identity Identity // of the last attempt
}

// Fill makes r the reading of c. Names bound its labels.
func (r *ChainReading) Fill(c exchange.Chain, names *Names) {
	r.Chain, r.Identity = c, identify(&c.Last, names)
}

// TurnReading is a WholeTurn as instruments draw from it. A backend uses one again and
// again: nothing may keep it beyond the turn that it was filled for.
type TurnReading struct {
	exchange.WholeTurn
	Identity Identity // of the last exchange
}

// Fill makes r the reading of t. Names bound its labels.
func (r *TurnReading) Fill(t exchange.WholeTurn, names *Names) {
	r.WholeTurn, r.Identity = t, identify(&t.Last, names)
}

// InterimReading is an Interim as instruments draw from it. A backend uses one again and
// again: nothing may keep it beyond the Interim that it was filled for.
type InterimReading struct {
	exchange.Interim
	Identity Identity
}

// Fill makes r the reading of i. Names bound its labels.
func (r *InterimReading) Fill(i exchange.Interim, names *Names) {
	r.Interim, r.Identity = i, identify(&i.Of, names)
}

func identify(record *exchange.Record, names *Names) Identity {
	now, by := time.Now(), claim(answered(record))
	id := Identity{
		Operation: record.Operation,
		Provider:  record.Provider,
		Request:   names.model(record.Model.Request, by, now),
		Response:  names.model(record.Model.Response, by, now),
		Upstream:  names.upstream(record.Upstream, by, now),
		Tenant:    names.tenant(record.Labels, by, now),
	}
	if record.Operation == "" {
		id.Operation = Other
	}
	return id
}

// answered says whether an upstream has done what the exchange asked for, in part at
// least: only then its names are those of something that is there. An error in a stream
// that began as 200 is no answer. The status inside TLS is not known.
func answered(r *exchange.Record) bool {
	if r.Mode == exchange.Sealed {
		return r.Outcome == exchange.OK || r.Chunks.Count > 0
	}
	return r.Status/100 == 2 && (r.Outcome == exchange.OK || r.Chunks.Count > 0)
}

// Clear lets go of the record and keeps the room for gaps.
func (r *Reading) Clear() { *r = Reading{Gaps: r.Gaps[:0]} }

// Extra holds the values of an instrument's own labels, in order.
type Extra [3]string

// Sample is what one exchange adds to one series: Count equal observations.
type Sample struct {
	Value float64 // finite, not negative
	Count uint64
	Extra Extra
}

// Samples collects what an instrument draws. The zero value is ready for use.
type Samples []Sample

// Add appends one observation of v, with the values of the instrument's labels.
func (s *Samples) Add(v float64, labels ...string) {
	sample := Sample{Value: v, Count: 1}
	copy(sample.Extra[:], labels)
	*s = append(*s, sample)
}

// AddN appends n equal observations of v, of an instrument without own labels.
func (s *Samples) AddN(v float64, n int) {
	if last := len(*s) - 1; last >= 0 && (*s)[last].Value == v {
		(*s)[last].Count += uint64(n)
		return
	}
	*s = append(*s, Sample{Value: v, Count: uint64(n)})
}

// EachSeries calls add with the samples of one series after the other: neighbours whose
// own labels are equal.
func (s Samples) EachSeries(add func(labels Extra, of Samples)) {
	for len(s) > 0 {
		n := 1
		for n < len(s) && s[n].Extra == s[0].Extra {
			n++
		}
		add(s[0].Extra, s[:n])
		s = s[n:]
	}
}

// seconds appends d unless it is zero, which stands for a time that was not measured.
func (s *Samples) seconds(d time.Duration, labels ...string) {
	if d > 0 {
		s.Add(seconds(d), labels...)
	}
}

// seconds is the float nearest to d. Values and bounds must come from one function:
// time.Duration's own rounds twice, so that 20.48 s would be above the bound 20.48.
func seconds(d time.Duration) float64 { return float64(d) / float64(time.Second) }

// count appends c if it is known.
func (s *Samples) count(c exchange.Count, labels ...string) {
	if c.Known {
		s.Add(float64(c.N), labels...)
	}
}
