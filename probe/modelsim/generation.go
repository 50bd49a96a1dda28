package modelsim

import "encoding/json"

// encoder words an answer in one API. The data of the events that it returns is valid until its next
// call.
type encoder interface {
	// open begins a stream, before generation if Config.EarlyHead is set. The tally is what the
	// engine expects by then.
	open(t tally) []event
	// enter precedes the first token of a section.
	enter(s section) []event
	// delta carries the tokens of an emission. It is empty when the API holds them back for a later
	// event, as many do with the call of a tool until it is whole.
	delta(e emission, tokens []token) event
	// finish ends a choice.
	finish(choice int, reason string) []event
	// close ends a stream, and fail ends it with an error.
	close(t tally) []event
	fail(e *apiError) []event
	// whole is the body of an answer that is not streamed.
	whole(answers []answer, t tally) any
}

// answer is one choice of an answer that is not streamed.
type answer struct {
	said   [sections][]byte // text, by section
	tokens int
	reason string
}

// answer runs an order to its end, streamed or whole.
func (c *call) answer(o order, enc encoder) error {
	if err := c.submit(o); err != nil {
		return err
	}
	choices := o.choices * len(o.prompts)
	c.rec.update(func(ex *Exchange) { ex.FinishReasons = make([]string, choices) })
	if o.stream {
		st := &stream{call: c, enc: enc, open: choices}
		return st.run()
	}
	return c.whole(enc, choices)
}

func (c *call) finished(choice int, reason string) {
	c.rec.update(func(ex *Exchange) { ex.FinishReasons[choice] = reason })
}

// stream is an answer in events.
type stream struct {
	*call
	enc     encoder
	open    int // choices not ended yet
	shown   int // tokens that the encoder has
	held    int // of them, those that it holds back
	opened  bool
	started bool
	section section // of the last token, when started
}

func (st *stream) run() error {
	if st.s.cfg.EarlyHead {
		if err := st.sendHead(); err != nil {
			return err
		}
	}
	var b batch
	for st.open > 0 {
		if err := st.next(&b); err != nil {
			return err
		}
		tokens := b.tokens
		for _, e := range b.emissions {
			if err := st.emit(e, tokens[:e.tokens]); err != nil {
				return err
			}
			tokens = tokens[e.tokens:]
		}
	}
	if err := st.out.events(st.enc.close(st.s.engine.release(st.job))); err != nil {
		return err
	}
	return st.out.closeStream()
}

func (st *stream) sendHead() error {
	st.opened = true
	if err := st.out.openStream(); err != nil {
		return err
	}
	return st.out.events(st.enc.open(st.s.engine.foresee(st.job)))
}

func (st *stream) emit(e emission, tokens []token) error {
	if !st.opened {
		if err := st.sendHead(); err != nil {
			return err
		}
	}
	if err := st.enter(e.section); err != nil {
		return err
	}
	if e.tokens > 0 {
		if err := st.send(st.enc.delta(e, tokens), e); err != nil {
			return err
		}
		if err := st.strike(st.shown-e.tokens, st.shown); err != nil {
			return err
		}
	}
	if !e.ended {
		return nil
	}
	st.open--
	st.finished(e.choice, e.reason)
	return st.out.events(st.enc.finish(e.choice, e.reason))
}

// send sends the event with the tokens of an emission, and those held back before it.
func (st *stream) send(ev event, e emission) error {
	st.shown += e.tokens
	st.held += e.tokens
	if ev.data == nil {
		return nil
	}
	tokens := st.held
	st.held = 0
	return st.out.event(ev, e.choice, tokens)
}

// enter sends the events that precede a section, unless the stream is within it.
func (st *stream) enter(s section) error {
	if st.started && st.section == s {
		return nil
	}
	if !st.started {
		st.started = true
		if err := st.strike(0, 0); err != nil {
			return err
		}
	}
	st.section = s
	return st.out.events(st.enc.enter(s))
}

// strike stages the faults that are due as the count of shown tokens goes from before to now.
func (st *stream) strike(before, now int) error {
	for _, f := range st.faults.due(before, now) {
		switch f.Kind {
		case FaultGarbage:
			if err := st.out.event(st.api.provider.garbage(), 0, 0); err != nil {
				return err
			}
		case FaultError:
			st.book(OutcomeFault)
			if err := st.out.events(st.enc.fail(f.error())); err != nil {
				return err
			}
			if err := st.out.closeStream(); err != nil {
				return err
			}
			return errEnded
		default:
			return st.breakOff(f)
		}
	}
	return nil
}

// whole waits for all choices and sends them as one body.
func (c *call) whole(enc encoder, choices int) error {
	answers := make([]answer, choices)
	var b batch
	for open := choices; open > 0; {
		if err := c.next(&b); err != nil {
			return err
		}
		tokens := b.tokens
		for _, e := range b.emissions {
			a := &answers[e.choice]
			a.said[e.section] = c.s.vocab.appendText(a.said[e.section], tokens[:e.tokens])
			a.tokens += e.tokens
			tokens = tokens[e.tokens:]
			if e.ended {
				open--
				a.reason = e.reason
				c.finished(e.choice, e.reason)
			}
		}
	}
	shown := 0
	for _, a := range answers {
		shown += a.tokens
	}
	return c.send(enc.whole(answers, c.s.engine.release(c.job)), shown)
}

// sendCount answers a request that asks only for the length of its prompt.
func (c *call) sendCount(model string, p *prompt, answer any) error {
	c.rec.update(func(ex *Exchange) { ex.Model, ex.PromptTokens = model, p.tokens })
	if e := c.s.checkModel(model); e != nil {
		return e
	}
	return c.send(answer, 0)
}

// send writes a whole answer, unless a fault spoils it.
func (c *call) send(v any, tokens int) error {
	body, err := json.Marshal(v)
	if err != nil {
		return serverError(500)
	}
	for _, f := range c.faults {
		switch f.Kind {
		case FaultError:
			c.book(OutcomeFault)
			return f.error()
		case FaultGarbage:
			c.book(OutcomeFault)
			return c.out.whole(200, body[:len(body)/2], tokens, 1)
		case FaultCut, FaultReset:
			if err := c.out.whole(200, body, tokens, 0.5); err != nil {
				return err
			}
			return c.breakOff(f)
		}
	}
	return c.out.whole(200, body, tokens, 1)
}
