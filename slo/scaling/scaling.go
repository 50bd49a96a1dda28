// Package scaling finds how much of what one replica of a model server can carry the
// replica carries now: 1 is all of it. The numbers of all replicas add up to the number of
// replicas that the traffic needs.
package scaling

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Window is the time that a number looks back. Over less, the number of requests in flight
// varies by more than the 10 % that an autoscaler overlooks; over more, a queue grows.
const Window = 2 * time.Minute

const (
	// most bounds a number. How many requests an overloaded replica has in flight says how
	// long its queue is, and that depends on how long the overload lasts already.
	most = 2
	// doubt is how many good requests are added to those of the window: one slow request
	// among five is no shortage.
	doubt = 20
	// idle is how long a model counts after its last request.
	idle = time.Hour
	// maxTallies and maxName bound the memory, whatever models clients ask for.
	maxTallies, maxName = 1024, 128
)

// Promise is the share of good requests that an SLO promises, between 0 and 1.
type Promise struct {
	SLO   string
	Share float64
}

// Load is the mean number of requests of a model in flight over Window, divided by the
// highest one that kept an SLO in the load test.
type Load struct {
	Model string
	Ratio float64
}

// Ratio is how much of what a replica can carry it carries of one model.
type Ratio struct {
	Model string
	Ratio float64
}

// Signal counts how the requests of one replica kept their SLOs. It is an
// exchange.ChainObserver behind the judge, and safe for concurrent use.
type Signal struct {
	mu      sync.Mutex // guards tallies
	tallies map[key]*tally
}

type key struct{ model, slo string }

// New returns a Signal that has counted nothing.
func New() *Signal { return &Signal{tallies: map[key]*tally{}} }

// Observe counts the Verdicts on r. Of the attempts of one call it counts the first: a
// client that tries again does not need another replica for each try.
func (s *Signal) Observe(r exchange.Record) {
	s.count(&r, r.Verdicts, r.Attempt.Number > 1)
}

// ObserveChain counts the Verdicts on a chain that was closed late. Observe counted those on
// any other chain.
func (s *Signal) ObserveChain(c exchange.Chain) {
	if c.Late {
		s.count(&c.Last, c.Verdicts, false)
	}
}

func (s *Signal) count(r *exchange.Record, verdicts []exchange.Verdict, again bool) {
	if len(verdicts) == 0 || !tells(r) {
		return
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range verdicts {
		v := &verdicts[i]
		if again && !v.Chain {
			continue
		}
		if t := s.tally(r, v.SLO, now); t != nil {
			t.add(now, v.Good)
		}
	}
}

// tells says whether the end of r tells anything about the load of the server. A request
// that was wrong, a crash and a broken connection do not: more replicas end none of them.
func tells(r *exchange.Record) bool {
	switch r.Outcome {
	case exchange.OK, exchange.ClientGone, exchange.Timeout:
		return true
	case exchange.Refused:
		return r.ErrorType != exchange.ErrDraining
	case exchange.HTTPError:
		return r.ErrorType == "504"
	}
	return false
}

// tally returns the tally of r's model and an SLO, or nil if there is none and r makes none:
// a model counts from its first answer on, as far as there is room.
func (s *Signal) tally(r *exchange.Record, slo string, now time.Time) *tally {
	of := key{r.Model.Request[:min(maxName, len(r.Model.Request))], slo}
	t := s.tallies[of]
	if t != nil || r.Outcome != exchange.OK {
		return t
	}
	if len(s.tallies) >= maxTallies {
		maps.DeleteFunc(s.tallies, func(_ key, t *tally) bool { return t.idle(now) })
	}
	if len(s.tallies) >= maxTallies {
		return nil
	}
	of.model = strings.Clone(of.model) // a name may be a piece of a request's body
	t = &tally{}
	s.tallies[of] = t
	return t
}

// Ratios returns the number of every model that has a Load, or has had a request in the last
// hour that an SLO judged. It is the highest of these:
//
//   - the Loads of the model; or 1 if it has none, because then nobody knows that fewer
//     replicas carry the traffic;
//   - for each SLO, the share of its error budget that the requests of Window used; or, if
//     they used more than all of it, the promised share ÷ the share that was good.
//
// It is 2 at most.
func (s *Signal) Ratios(now time.Time, promises []Promise, loads []Load) []Ratio {
	found := map[string]float64{}
	for _, l := range loads {
		found[l.Model] = max(found[l.Model], l.Ratio)
	}
	promised := make(map[string]float64, len(promises))
	for _, p := range promises {
		promised[p.SLO] = p.Share
	}
	s.mu.Lock()
	for of, t := range s.tallies {
		share, inForce := promised[of.slo]
		if !inForce || t.idle(now) {
			continue
		}
		known, has := found[of.model]
		if !has {
			known = 1
		}
		found[of.model] = max(known, t.need(now, share))
	}
	s.mu.Unlock()
	out := make([]Ratio, 0, len(found))
	for model, ratio := range found {
		out = append(out, Ratio{model, min(most, ratio)})
	}
	slices.SortFunc(out, func(a, b Ratio) int { return cmp.Compare(a.Model, b.Model) })
	return out
}
