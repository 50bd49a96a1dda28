package capture

import "bytes"

// part reads a field that is an object.
func (q *quick) part(l *Line, p *parts, key []byte) int {
	ok, field := false, unread
	switch string(key) {
	case "model":
		ok, field = q.model(&l.Model), 40
	case "itl_s":
		l.ITL = &p.itl
		ok, field = q.itl(l.ITL), 41
	case "idle_s":
		l.Idle = &p.idle
		ok, field = q.idle(l.Idle), 42
	case "tokens":
		ok, field = q.tokens(&l.Tokens, p), 43
	case "wait_s":
		l.Wait = &p.wait
		ok, field = q.wait(l.Wait), 44
	case "engine_s":
		ok, field = q.engine(&l.Engine, p), 45
	case "bytes":
		ok, field = q.bytes(&l.Bytes), 46
	case "chain":
		l.Chain = &p.chain
		ok, field = q.attempt(l.Chain), 47
	case "slo":
		l.SLO, ok = q.judged()
		field = 48
	case "ratelimit":
		l.RateLimits = map[string]Limit{}
		ok, field = q.limits(l.RateLimits), 49
	}
	if !ok {
		return unread
	}
	return field
}

func (q *quick) model(m *Model) bool {
	return q.members(func(key []byte) int {
		switch string(key) {
		case "request":
			return q.name(&m.Request, 0)
		case "response":
			return q.name(&m.Response, 1)
		}
		return unread
	})
}

func (q *quick) itl(i *ITL) bool {
	return q.members(func(key []byte) int {
		switch string(key) {
		case "p50":
			return q.float(&i.P50, 0)
		case "p90":
			return q.float(&i.P90, 1)
		case "p99":
			return q.float(&i.P99, 2)
		case "max":
			return q.float(&i.Max, 3)
		}
		return unread
	})
}

func (q *quick) idle(i *Idle) bool {
	return q.members(func(key []byte) int {
		switch string(key) {
		case "head":
			return q.float(&i.Head, 0)
		case "body":
			return q.float(&i.Body, 1)
		case "end":
			return q.float(&i.End, 2)
		}
		return unread
	})
}

func (q *quick) tokens(t *Tokens, p *parts) bool {
	known := func(to **int64, field int) int {
		*to = &p.tokens[field]
		return q.count(*to, field)
	}
	return q.members(func(key []byte) int {
		switch string(key) {
		case "input":
			return known(&t.Input, 0)
		case "output":
			return known(&t.Output, 1)
		case "cache_read":
			return known(&t.CacheRead, 2)
		case "cache_write":
			return known(&t.CacheWrite, 3)
		case "reasoning":
			return known(&t.Reasoning, 4)
		case "delivered":
			return known(&t.Delivered, 5)
		case "source":
			return q.name(&t.Source, 6)
		case "input_source":
			return q.name(&t.InputSource, 7)
		case "input_margin":
			return q.count(&t.InputMargin, 8)
		case "output_margin":
			return q.count(&t.OutputMargin, 9)
		}
		return unread
	})
}

func (q *quick) wait(w *Wait) bool {
	return q.members(func(key []byte) int {
		switch string(key) {
		case "upstream":
			return q.float(&w.Upstream, 0)
		case "proxy":
			return q.float(&w.Proxy, 1)
		case "client":
			return q.float(&w.Client, 2)
		}
		return unread
	})
}

func (q *quick) engine(e *Engine, p *parts) bool {
	told := func(to **float64, field int) int {
		*to = &p.engine[field]
		return q.float(*to, field)
	}
	return q.members(func(key []byte) int {
		switch string(key) {
		case "queue":
			return told(&e.Queue, 0)
		case "prefill":
			return told(&e.Prefill, 1)
		case "decode":
			return told(&e.Decode, 2)
		}
		return unread
	})
}

func (q *quick) bytes(b *Bytes) bool {
	return q.members(func(key []byte) int {
		switch string(key) {
		case "in":
			return q.count(&b.In, 0)
		case "out":
			return q.count(&b.Out, 1)
		}
		return unread
	})
}

func (q *quick) attempt(a *Attempt) bool {
	return q.members(func(key []byte) int {
		switch string(key) {
		case "id":
			return q.id(&a.ID, 0)
		case "attempt":
			return q.whole(&a.Attempt, 1)
		case "joined_by":
			return q.name(&a.JoinedBy, 2)
		case "fallback":
			return q.truth(&a.Fallback, 3)
		case "ambiguous":
			return q.truth(&a.Ambiguous, 4)
		case "elapsed_s":
			return q.float(&a.Elapsed, 5)
		case "outcome":
			return q.name(&a.Outcome, 6)
		}
		return unread
	})
}

// place is the number of a new entry of a map with so many.
func place(entries int) int {
	if entries > 63 {
		return unread
	}
	return entries
}

// judged reads verdicts. It returns the map of the line before if that had the same.
func (q *quick) judged() (map[string]Verdict, bool) {
	if rest := q.text[q.at:]; q.verdicts != nil && bytes.HasPrefix(rest, q.slo) {
		q.at += len(q.slo)
		return q.verdicts, true
	}
	from, all := q.at, map[string]Verdict{}
	if !q.readVerdicts(all) {
		return nil, false
	}
	q.slo, q.verdicts = append(q.slo[:0], q.text[from:q.at]...), all
	return all, true
}

func (q *quick) readVerdicts(all map[string]Verdict) bool {
	return q.members(func(key []byte) int {
		var v Verdict
		name, field := q.known(key), place(len(all))
		ok := q.members(func(key []byte) int {
			switch string(key) {
			case "verdict":
				return q.name(&v.Verdict, 0)
			case "missed":
				if q.peek() == '[' {
					return q.list(&v.Missed, nil, 1)
				}
			}
			return unread
		})
		if _, twice := all[name]; twice || !ok {
			return unread
		}
		all[name] = v
		return field
	})
}

func (q *quick) limits(all map[string]Limit) bool {
	return q.members(func(key []byte) int {
		var l Limit
		room := new([2]int64)
		name, field := q.known(key), place(len(all))
		ok := q.members(func(key []byte) int {
			switch string(key) {
			case "limit":
				l.Limit = &room[0]
				return q.count(l.Limit, 0)
			case "remaining":
				l.Remaining = &room[1]
				return q.count(l.Remaining, 1)
			case "reset_s":
				return q.float(&l.Reset, 2)
			}
			return unread
		})
		if _, twice := all[name]; twice || !ok {
			return unread
		}
		all[name] = l
		return field
	})
}
