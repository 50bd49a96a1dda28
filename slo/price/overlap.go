package price

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo/strict"
)

// compare notes prices that never count, because an earlier one fits all their requests at
// all their times.
func (r *reader) compare() {
	for i := range r.list.Prices {
		p := &r.list.Prices[i]
		for j := range i {
			if q := &r.list.Prices[j]; p.Model != "" && q.covers(p) {
				r.Wrong(p.line, "prices["+strconv.Itoa(i)+"].model",
					fmt.Sprintf("%q never counts, because %q in line %d fits first", p.Model, q.Model, q.line), "move the narrower pattern above the wider one, or end the older price with until")
				break
			}
		}
	}
}

// covers tells whether every request that q prices is one that p prices. A pattern covers
// another if it fits its text: its own * then took every * of the other.
func (p *Price) covers(q *Price) bool {
	begins := p.From.IsZero() || !q.From.IsZero() && !q.From.Before(p.From)
	ends := p.Until.IsZero() || !q.Until.IsZero() && !q.Until.After(p.Until)
	return begins && ends && p.where(q) && exchange.Match(p.Model, q.Model)
}

// shared warns of requests, from the moment now on, that two prices fit where nobody can see
// at a glance which of the two counts.
func (r *reader) shared(now time.Time) []strict.Problem {
	var warnings []strict.Problem
	for i := range r.list.Prices {
		for j := range i {
			if w, ok := r.list.conflict(j, i, now); ok {
				w.File, w.Line = r.File, r.list.Prices[i].line
				w.Key = "prices[" + strconv.Itoa(i) + "]." + w.Key
				warnings = append(warnings, w)
				break
			}
		}
	}
	return warnings
}

// conflict compares the price number i with an earlier one.
func (l *List) conflict(earlier, i int, now time.Time) (w strict.Problem, ok bool) {
	q, p := &l.Prices[earlier], &l.Prices[i]
	from, until := p.From, q.Until
	if from.Before(now) {
		from = now
	}
	both := p.in(from) && q.in(from)
	switch {
	case !both:
		return w, false
	case q.where(p) && exchange.Match(q.Model, p.Model): // or the earlier one began later, to replace this one
		if until.IsZero() || p.From.IsZero() || q.From.After(p.From) {
			return w, false
		}
		w.Key = "from"
		w.Wrong = fmt.Sprintf("%q counts only from %s on, because %q in line %d fits until then", p.Model, until.Format(time.DateOnly), q.Model, q.line)
		w.Right = "end the price in line " + strconv.Itoa(q.line) + " with until: " + p.From.Format(time.DateOnly)
		return w, true
	case p.Upstream != q.Upstream, exchange.Match(p.Model, q.Model): // a narrower price stands above a wider one
		return w, false
	}
	model, ok := common(p.Model, q.Model)
	if !ok || slices.ContainsFunc(l.Prices[:earlier], func(o Price) bool { return o.where(p) && o.in(from) && exchange.Match(o.Model, model) }) {
		return w, false
	}
	w.Key = "model"
	w.Wrong = fmt.Sprintf("%q and %q in line %d both fit %q, and the price in line %d counts", p.Model, q.Model, q.line, model, q.line)
	w.Right = "write the price of such models above both"
	return w, true
}

// where tells whether p prices requests to all upstreams to which q does.
func (p *Price) where(q *Price) bool {
	return p.Upstream == "" || q.Upstream != "" && exchange.Match(p.Upstream, q.Upstream)
}

// common is a text that fits two patterns. Patterns without a * have none here: where such a
// text fits a pattern, that pattern covers it.
func common(a, b string) (text string, ok bool) {
	headA, restA, wildA := strings.Cut(a, "*")
	headB, restB, wildB := strings.Cut(b, "*")
	if !wildA || !wildB {
		return "", false
	}
	tailA, tailB := restA[strings.LastIndex(restA, "*")+1:], restB[strings.LastIndex(restB, "*")+1:]
	head, tail := headA, tailA
	if len(headB) > len(headA) {
		head = headB
	}
	if len(tailB) > len(tailA) {
		tail = tailB
	}
	between := strings.TrimSuffix(restA, tailA) + strings.TrimSuffix(restB, tailB)
	ok = strings.HasPrefix(head, headA) && strings.HasPrefix(head, headB) && strings.HasSuffix(tail, tailA) && strings.HasSuffix(tail, tailB)
	return head + strings.ReplaceAll(between, "*", "") + tail, ok
}
