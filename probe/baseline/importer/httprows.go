package importer

import (
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// The files of hey and oha that have a row for each request.
var (
	heyRows = Importer{
		Tool: "hey", Form: "requests (-o csv)",
		match: func(h head) bool { return strings.HasPrefix(h.line(), "response-time,DNS+dialup,") },
		read: func(in *input) error {
			return in.httpRows(',', httpColumns{
				e2e: "response-time", ttfb: "Response-delay", status: "status-code", start: "offset", scale: 1,
				firstByte: http(baseline.Sent, baseline.FirstByte, baseline.ConnectOut, baseline.Linear),
				whole:     http(baseline.Sending, baseline.EndOfBody, baseline.ConnectSome, baseline.Linear),
			})
		},
	}
	ohaRows = Importer{
		Tool: "oha", Form: "requests (--output-format csv)",
		match: func(h head) bool { return strings.HasPrefix(h.line(), "request-start,DNS,") },
		read: func(in *input) error {
			return in.httpRows(',', httpColumns{
				e2e: "request-duration", ttfb: "Response-delay", status: "status", start: "request-start", scale: 1,
				firstByte: http(baseline.Sending, baseline.FirstByte, baseline.ConnectSome, baseline.FloorRank),
				whole:     http(baseline.Sending, baseline.EndOfBody, baseline.ConnectSome, baseline.FloorRank),
			})
		},
	}
)

// httpColumns says what the columns of a file hold. Without a status column every row
// counts as a success.
type httpColumns struct {
	e2e, ttfb, status, start string
	scale                    float64 // of the times, in seconds
	firstByte, whole         baseline.Definition
}

// httpRows reads a row for each request. These tools leave out what failed before a
// response, so failures may be missing.
func (in *input) httpRows(comma byte, c httpColumns) error {
	t, err := newTable(in.body, comma)
	if err != nil {
		return err
	}
	needed := []string{c.e2e, c.ttfb}
	if c.status != "" {
		needed = append(needed, c.status, c.start)
	}
	if err := t.has(needed...); err != nil {
		return err
	}
	e2eAt, ttfbAt, statusAt, startAt := t.find(c.e2e), t.find(c.ttfb), t.find(c.status), t.find(c.start)
	var run httpRun
	for {
		more, err := t.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		e2e, err := t.number(e2eAt, "a time, 0.98 for example")
		if err != nil {
			return err
		}
		ttfb, err := t.number(ttfbAt, "a time, 0.03 for example")
		if err != nil {
			return err
		}
		if c.start != "" {
			start, err := t.number(startAt, "a time, 0.03 for example")
			if err != nil {
				return err
			}
			run.span(scaled(start, c.scale), scaled(start+e2e, c.scale))
		}
		if c.status != "" && !success(string(t.bytes(statusAt))) {
			run.failed++
			continue
		}
		run.add(scaled(ttfb, c.scale), scaled(e2e, c.scale))
	}
	d, ok := run.draft(in, c.firstByte, c.whole)
	if ok {
		d.cell.Flag(baseline.NoErrors)
		if c.status == "" {
			d.cell.Requests.Failed = nil
		}
		in.drafts = append(in.drafts, d)
	}
	return nil
}
