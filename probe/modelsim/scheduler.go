package modelsim

import (
	"math/rand/v2"
	"slices"
	"time"
)

// scheduler decides what each step of the batch does. It knows time only from its arguments and has
// no goroutine. It is not safe for concurrent use.
type scheduler struct {
	cfg     Config
	vocab   *vocabulary
	cache   *prefixCache
	jitter  *rand.Rand
	waiting []*sequence // by readyAt, then by arrival
	running []*sequence // in order of admission
	step    []*sequence // those that take part in the current step
	scratch []token
	steps   uint64
}

func newScheduler(cfg Config, v *vocabulary) *scheduler {
	return &scheduler{
		cfg: cfg, vocab: v, cache: newPrefixCache(cfg.CacheBlocks),
		jitter: rand.New(rand.NewPCG(cfg.Seed, saltJitter)),
	}
}

// enqueue lets sequences wait for a slot from readyAt on.
func (s *scheduler) enqueue(seqs []*sequence, readyAt time.Time) {
	at := len(s.waiting)
	for at > 0 && s.waiting[at-1].readyAt.After(readyAt) {
		at--
	}
	for _, seq := range seqs {
		seq.readyAt = readyAt
	}
	s.waiting = slices.Insert(s.waiting, at, seqs...)
}

// nextStart is when the next step can begin, which is not before clock, the end of the last one. It
// returns false when there is nothing to do.
func (s *scheduler) nextStart(clock time.Time) (time.Time, bool) {
	var start time.Time
	found := false
	consider := func(t time.Time) {
		if t.Before(clock) {
			t = clock
		}
		if !found || t.Before(start) {
			start, found = t, true
		}
	}
	for _, seq := range s.running {
		if consider(seq.stalledUntil); start.Equal(clock) {
			return start, true
		}
	}
	if len(s.waiting) > 0 && len(s.running) < s.cfg.MaxRunning {
		consider(s.waiting[0].readyAt)
	}
	return start, found
}

// begin plans the step that starts now and returns its duration, zero when no sequence can take
// part.
func (s *scheduler) begin(now time.Time) time.Duration {
	s.step = s.step[:0]
	budget, decoding, prefilling := s.cfg.TokenBudget, 0, 0
	// Decodes go before prefills, whichever came first: a long prompt must not keep answers from
	// their next token.
	for _, seq := range s.running {
		if seq.computed == seq.promptTokens && !seq.stalledUntil.After(now) {
			seq.prefill = 0
			budget -= 1 + s.cfg.DraftTokens
			decoding++
			s.step = append(s.step, seq)
		}
	}
	prefill := func(seq *sequence) {
		seq.prefill = min(seq.promptTokens-seq.computed, budget)
		budget -= seq.prefill
		prefilling += seq.prefill
		s.step = append(s.step, seq)
		s.cacheComputed(seq, seq.computed+seq.prefill)
	}
	for _, seq := range s.running {
		if seq.computed < seq.promptTokens && budget > 0 {
			prefill(seq)
		}
	}
	for budget > 0 && len(s.waiting) > 0 && len(s.running) < s.cfg.MaxRunning {
		seq := s.waiting[0]
		if seq.readyAt.After(now) {
			break
		}
		s.waiting = slices.Delete(s.waiting, 0, 1)
		s.running = append(s.running, seq)
		seq.scheduledAt = now
		s.matchPrefix(seq)
		prefill(seq)
	}
	if len(s.step) == 0 {
		return 0
	}
	s.steps++
	d := s.cfg.StepBase + time.Duration(decoding)*s.cfg.StepPerSequence + time.Duration(prefilling)*s.cfg.PrefillPerToken
	return time.Duration(float64(d) * s.slowest() * (1 + s.cfg.Jitter*(2*s.jitter.Float64()-1)))
}

// slowest is the factor of the slowest sequence of the step, for which all others wait.
func (s *scheduler) slowest() float64 {
	slow := 0.
	for _, seq := range s.step {
		slow = max(slow, seq.slow)
	}
	return slow
}

// matchPrefix skips the prefill of the cached prefix.
func (s *scheduler) matchPrefix(seq *sequence) {
	seq.cached, seq.written = s.look(seq)
	seq.computed = seq.cached
}

// look says how many tokens of the prompt the cache holds, and how many more the request marks for
// it. At least one token is always computed, for the answer is drawn from its result.
func (s *scheduler) look(seq *sequence) (cached, written int) {
	if !seq.caching {
		return 0, 0
	}
	full := seq.chain.blocks[:min(len(seq.chain.blocks), (seq.promptTokens-1)/s.cfg.BlockSize)]
	if !seq.uncached {
		cached = s.cache.match(full) * s.cfg.BlockSize
	}
	marked := seq.marked / s.cfg.BlockSize * s.cfg.BlockSize
	return cached, max(0, marked-cached)
}

// cacheComputed publishes blocks when their computation is scheduled, as vLLM does, so that the
// choices of one prompt share them within that step.
func (s *scheduler) cacheComputed(seq *sequence, computed int) {
	if seq.caching {
		s.cache.use(seq.chain.blocks[:min(len(seq.chain.blocks), computed/s.cfg.BlockSize)])
	}
}

// finish ends the step at now. Its sequences get their tokens, except those that were dropped.
func (s *scheduler) finish(now time.Time) {
	ended := false
	for _, seq := range s.step {
		if seq.done {
			continue
		}
		s.advance(seq, now)
		ended = ended || seq.done
	}
	if ended {
		s.running = slices.DeleteFunc(s.running, func(seq *sequence) bool { return seq.done })
	}
}

func (s *scheduler) advance(seq *sequence, now time.Time) {
	n := min(1, seq.target) // prefill's end gives the first token
	if seq.prefill == 0 {
		n = seq.decode(&s.cfg)
	} else if seq.computed += seq.prefill; seq.computed < seq.promptTokens {
		return
	}
	before := seq.shown()
	if n > 0 {
		seq.lastAt = now
		if seq.firstAt.IsZero() {
			seq.firstAt = now
		}
	}
	s.emit(seq, n)
	if seq.stopAfter > 0 && seq.shown() >= seq.stopAfter {
		seq.done = true
	}
	if f := seq.stall; f.Kind == FaultStall && before < f.After && f.After <= seq.shown() {
		seq.stalledUntil = now.Add(f.For)
	}
}

// emit gives a sequence n more tokens, and the client those that are shown.
func (s *scheduler) emit(seq *sequence, n int) {
	for {
		e := emission{choice: seq.choice, section: seq.section(seq.produced + 1)}
		var made int
		made, s.scratch = seq.generate(s.scratch[:0], n, s.vocab)
		e.produced, e.thought = seq.produced, min(seq.thinking, seq.produced)
		if seq.produced == seq.target {
			seq.done = true
			e.ended, e.reason = true, seq.finish
			if seq.caching {
				s.cache.use(seq.chain.blocks)
			}
		}
		if len(s.scratch) > 0 || e.ended {
			seq.job.out.push(e, s.scratch)
		}
		if n -= made; n == 0 {
			return
		}
	}
}

// drop removes a job's sequences at once. A step under way keeps its duration.
func (s *scheduler) drop(gone *job) {
	pending := false
	for _, seq := range gone.seqs {
		pending = pending || !seq.done
		seq.done = true
	}
	if !pending {
		return
	}
	unwanted := func(seq *sequence) bool { return seq.job == gone }
	s.running = slices.DeleteFunc(s.running, unwanted)
	s.waiting = slices.DeleteFunc(s.waiting, unwanted)
}
