package modelsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// errEnded says that a fault has ended the exchange and booked its outcome.
var errEnded = errors.New("ended by a fault")

// errGone says that the client has left.
var errGone = errors.New("the client has left")

// call is one request to an API, from its head to its end. It belongs to the
// goroutine that serves the request.
type call struct {
	s   *Server
	api endpoint
	// pathName is the name at the star of the endpoint's pattern, mostly that of the model.
	pathName string
	w        http.ResponseWriter
	r        *http.Request
	ordinal  uint64
	id       string // 16 hex digits from seed and ordinal
	start    time.Time
	rec      *record
	out      *sink
	faults   faultSet
	job      *job
	body     []byte
	slurped  bool
	aborted  bool // close the connection once the exchange is booked
}

func (s *Server) newCall(api endpoint, w http.ResponseWriter, r *http.Request) *call {
	c := &call{s: s, api: api, w: w, r: r, start: time.Now(), ordinal: s.ordinal.Add(1)}
	c.id = fmt.Sprintf("%016x", mix(mix(s.cfg.Seed, saltID), c.ordinal))
	c.rec = &record{ex: Exchange{
		ID: "req_" + c.id, Ordinal: c.ordinal, Dialect: api.dialect, Operation: api.operation,
		ReceivedAt: c.start.UnixNano(), Outcome: OutcomeRunning,
		RetryCount: r.Header.Get("X-Stainless-Retry-Count"), ClientRequestID: r.Header.Get("X-Request-Id"),
		Traceparent: r.Header.Get("Traceparent"), Chunks: []Chunk{},
	}}
	s.truth.add(c.rec)
	c.out = &sink{w: w, rc: http.NewResponseController(w), rec: c.rec, provider: api.provider, framing: api.framing, compress: s.compresses(r)}
	api.provider.setID(w.Header(), c.rec.ex.ID)
	return c
}

// run serves the request and books how it ended.
func (c *call) run(serve func(*call) error) {
	err := c.admit()
	if err == nil {
		err = serve(c)
	}
	var refused *apiError
	switch {
	case err == nil:
		c.book(OutcomeOK)
	case errors.Is(err, errEnded):
	case errors.Is(err, errClosed):
		c.book(OutcomeClosed)
		c.aborted = true
	case errors.As(err, &refused):
		if c.out.fail(refused) != nil {
			c.book(OutcomeClientGone)
			return
		}
		c.book(OutcomeRefused)
	default:
		c.book(OutcomeClientGone)
	}
}

// book sets the outcome unless one is set already.
func (c *call) book(o Outcome) {
	now := time.Now().UnixNano()
	c.rec.update(func(ex *Exchange) {
		if ex.Outcome != OutcomeRunning {
			return
		}
		ex.Outcome = o
		if o == OutcomeClientGone {
			ex.GoneAt = now
		}
	})
}

// gone tells whether the client left the call.
func (c *call) gone() (gone bool) {
	c.rec.update(func(ex *Exchange) { gone = ex.Outcome == OutcomeClientGone })
	return gone
}

// end releases the job and completes the record. It drops the connection if aborted is set.
func (c *call) end() {
	var t tally
	if c.job != nil {
		t = c.s.engine.release(c.job)
	}
	now := time.Now().UnixNano()
	c.rec.update(func(ex *Exchange) {
		ex.EndAt = now
		if c.job == nil {
			return
		}
		ex.CachedTokens, ex.CacheWriteTokens = t.cached, t.written
		ex.OutputTokens, ex.ReasoningTokens = t.output, t.reasoning
		t.spans.book(ex)
	})
	if c.aborted {
		// So net/http closes a connection without completing the response.
		panic(http.ErrAbortHandler)
	}
}

// admit checks the key and the faults in the request's head, and stages the faults that precede
// any answer.
func (c *call) admit() error {
	asked, err := ParseFaults(c.r.Header.Get("X-Sim-Fault"))
	if err != nil {
		return invalidRequest("X-Sim-Fault", "%v", err)
	}
	c.faults = drawFaults(asked, *c.s.faults.Load(), c.s.cfg.Seed, c.ordinal)
	if len(c.faults) > 0 {
		c.rec.update(func(ex *Exchange) { ex.Fault = c.faults.String() })
	}
	if key := c.s.cfg.APIKey; key != "" && !c.api.provider.accepts(c.r, key) {
		e := invalidRequest("", "Incorrect API key provided.")
		e.status, e.Code = http.StatusUnauthorized, "invalid_api_key"
		return e
	}
	return c.faultsBeforeAnswer()
}

func (c *call) faultsBeforeAnswer() error {
	for _, f := range c.faults {
		switch {
		case f.Kind == FaultSlowHead:
			// The body comes first: until it is read, net/http does not notice that a client leaves.
			if err := c.slurp(); err != nil {
				return err
			}
			if err := c.wait(f.For); err != nil {
				return err
			}
		case f.Kind == FaultHTTP:
			if err := c.slurp(); err != nil {
				return err
			}
			if f.Status == http.StatusServiceUnavailable || f.Status == http.StatusTooManyRequests {
				c.w.Header().Set("Retry-After", "1")
			}
			c.book(OutcomeFault)
			return serverError(f.Status)
		case f.Raw, f.After == beforeHead && (f.Kind == FaultCut || f.Kind == FaultReset):
			if err := c.slurp(); err != nil {
				return err
			}
			return c.breakOff(f)
		}
	}
	return nil
}

func (c *call) wait(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.r.Context().Done():
		return errGone
	case <-c.s.engine.closed:
		return errClosed
	}
}

// breakOff ends the exchange by closing its connection, as f says.
func (c *call) breakOff(f Fault) error {
	c.book(OutcomeFault)
	if f.Kind == FaultCut || !c.out.hijack(f) {
		c.aborted = true
	}
	return errEnded
}

// slurp reads the request's body once.
func (c *call) slurp() error {
	if c.slurped {
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		e := invalidRequest("", "The request body is larger than %d bytes.", maxBodyBytes)
		e.status = http.StatusRequestEntityTooLarge
		return e
	case err != nil:
		return errGone
	}
	c.body, c.slurped = body, true
	return nil
}

// decode reads the request's body as JSON into v.
func (c *call) decode(v any) error {
	if err := c.slurp(); err != nil {
		return err
	}
	err := json.Unmarshal(c.body, v)
	c.body = nil // a stream lives long
	if err == nil {
		return nil
	}
	var bad *apiError
	if errors.As(err, &bad) {
		return bad
	}
	return invalidRequest("", "The request body is not valid: %v.", err)
}

// order is a request as the engine and the limits see it.
type order struct {
	model, responseID string
	stream, embed     bool
	unnamed           bool // the request names no model; every server has one
	prompts           []*prompt
	sampling
}

// submit checks the order against model, length and rate limits and hands it to the engine.
func (c *call) submit(o order) error {
	tokens, longest := 0, 0
	for _, p := range o.prompts {
		tokens += p.tokens
		longest = max(longest, p.tokens)
	}
	c.rec.update(func(ex *Exchange) {
		ex.Model, ex.ResponseID, ex.Stream, ex.PromptTokens = o.model, o.responseID, o.stream, tokens
	})
	if e := c.s.checkModel(o.model); e != nil && !o.unnamed {
		return e
	}
	answer := 0
	if !o.embed {
		answer = max(o.maxTokens, 1)
	}
	if limit := c.s.cfg.MaxModelLen; answer > limit-longest {
		e := invalidRequest("", "This model's maximum context length is %d tokens. However, you requested %d tokens (%d in the prompt, %d in the completion).",
			limit, longest+answer, longest, answer)
		e.Code = "context_length_exceeded"
		return e
	}
	if !o.embed && o.maxTokens == 0 {
		answer = c.s.cfg.OutputMedian
	}
	now := time.Now()
	q := c.s.limits.admit(now, tokens+answer*o.choices*len(o.prompts))
	c.api.provider.setQuota(c.w.Header(), q, now)
	if q.refused != nil {
		return q.refused.apiError(o.model)
	}
	job, err := c.s.engine.submit(o, c.faults)
	if err != nil {
		return serverError(c.api.provider.overload())
	}
	c.job = job
	return nil
}

// next is engine.next, but when the client leaves it fails with errGone.
func (c *call) next(b *batch) error {
	err := c.s.engine.next(c.r.Context(), c.job, b)
	if errors.Is(err, context.Canceled) {
		return errGone
	}
	return err
}
