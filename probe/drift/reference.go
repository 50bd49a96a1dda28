package drift

import (
	"errors"
	"fmt"
	"math"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// Reference is the distribution of an indicator in a cell of the load test. Only the shares
// of its bins enter the promise; the shape between the percentiles decides how soon a
// Detector notices.
type Reference struct {
	points []point // the usable percentiles, each higher than the one before
	shares []float64
	// failures is the share of requests that failed in the load test, at least three of its
	// requests. It is 0 if the file does not say.
	failures float64
}

// point is a percentile.
type point struct {
	p float64
	z float64 // the normal score of p
	y float64 // ln of the value
}

// ErrTooFew says that the load test had too few requests for any percentile.
var ErrTooFew = errors.New("too few requests for a percentile that can be relied on")

// NewReference reads the percentiles of an indicator and the requests of its cell. It
// leaves out percentiles that so few requests cannot give: p99 of fewer than 300 requests,
// p95 of fewer than 100, and any beyond which fewer than 3 requests lie. It refuses an
// indicator whose values are not one for each request.
func NewReference(of baseline.Indicator, requests baseline.Requests) (*Reference, error) {
	if of.Definition.Over != baseline.Request {
		return nil, fmt.Errorf("the load test has one value a %s; want one a %s", of.Definition.Over, baseline.Request)
	}
	values := requests.OK
	if of.Count != nil {
		values = *of.Count
	}
	r := &Reference{}
	for _, q := range of.Quantiles {
		if !(q.Value > 0) || math.IsInf(q.Value, 1) {
			return nil, fmt.Errorf("percentile %s is %v s; want a time above 0", baseline.Share(q.P), q.Value)
		}
		if !usable(q.P, values) {
			continue
		}
		if err := r.add(q); err != nil {
			return nil, err
		}
	}
	if len(r.points) == 0 {
		return nil, fmt.Errorf("%d requests: %w", values, ErrTooFew)
	}
	if requests.Failed != nil {
		all := float64(requests.OK + *requests.Failed)
		r.failures = math.Min(math.Max(float64(*requests.Failed), 3)/all, 0.5)
	}
	r.share()
	return r, nil
}

// usable says whether so many values give the percentile. The true share above the p99 of
// 100 values lies anywhere between 0.2 and 5.5 %.
func usable(p float64, values int) bool {
	if p >= 0.95 && values < 100 {
		return false
	}
	const beyond = 3
	return float64(values)*math.Min(p, 1-p) >= beyond-1e-9
}

// add appends a percentile. Of two with one value it keeps the higher: at least so many
// requests took no longer.
func (r *Reference) add(q baseline.Quantile) error {
	p := point{q.P, normalScore(q.P), math.Log(q.Value)}
	if last := len(r.points) - 1; last >= 0 {
		if p.y < r.points[last].y {
			return fmt.Errorf("percentile %s is lower than percentile %s", baseline.Share(q.P), baseline.Share(r.points[last].p))
		}
		const same = 1e-9
		if p.y-r.points[last].y < same {
			r.points[last] = p
			return nil
		}
	}
	r.points = append(r.points, p)
	return nil
}

// share computes the share of each bin. A failure lies in the last one.
func (r *Reference) share() {
	before := 0.0
	for _, p := range r.points {
		r.shares = append(r.shares, (p.p-before)*(1-r.failures))
		before = p.p
	}
	r.shares = append(r.shares, (1-before)*(1-r.failures)+r.failures)
}

// bin returns the bin of a value whose logarithm is y. A value on an edge belongs below it.
func (r *Reference) bin(y float64) int {
	for i := range r.points {
		if y <= r.points[i].y {
			return i
		}
	}
	return len(r.points)
}

// middle is the percentile next to the median. Ratios compare it.
func (r *Reference) middle() point {
	nearest := r.points[0]
	for _, p := range r.points[1:] {
		if math.Abs(p.p-0.5) < math.Abs(nearest.p-0.5) {
			nearest = p
		}
	}
	return nearest
}

// assumedSpread is the standard deviation of ln latency that a single percentile gets. A
// wrong guess makes a Detector slower to notice, and its promise no weaker.
const assumedSpread = 0.3

// slopes returns ln seconds per unit of normal score below the first percentile and above
// the last.
func (r *Reference) slopes() (below, above float64) {
	last := len(r.points) - 1
	if last == 0 {
		return assumedSpread, assumedSpread
	}
	slope := func(a, b point) float64 { return (b.y - a.y) / (b.z - a.z) }
	return slope(r.points[0], r.points[last]), slope(r.points[last-1], r.points[last])
}

// score returns the normal score of ln value y: linear between percentiles, and beyond them
// with their slopes.
func (r *Reference) score(y float64) float64 {
	below, above := r.slopes()
	switch i := r.bin(y); i {
	case 0:
		return r.points[0].z + (y-r.points[0].y)/below
	case len(r.points):
		last := r.points[i-1]
		return last.z + (y-last.y)/above
	default:
		a, b := r.points[i-1], r.points[i]
		return a.z + (y-a.y)*(b.z-a.z)/(b.y-a.y)
	}
}

// at returns ln of the value with normal score z. It is the inverse of score.
func (r *Reference) at(z float64) float64 {
	below, above := r.slopes()
	for i, p := range r.points {
		if z > p.z {
			continue
		}
		if i == 0 {
			return p.y + (z-p.z)*below
		}
		a := r.points[i-1]
		return a.y + (z-a.z)*(p.y-a.y)/(p.z-a.z)
	}
	last := r.points[len(r.points)-1]
	return last.y + (z-last.z)*above
}

// normalScore is the quantile function of the standard normal distribution.
func normalScore(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// normalShare is the distribution function of the standard normal distribution.
func normalShare(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
