package modelsim

import (
	"math"
	"math/rand/v2"
	"time"
)

// Salts keep the random streams that derive from one seed apart.
const (
	saltText = iota + 1
	saltDraft
	saltLength
	saltJitter
	saltFault
	saltID
	saltEmbedding
)

// prompt is a tokenized prompt.
type prompt struct {
	tokens int
	sum    uint64 // hash of all its tokens
	chain  blockChain
}

func newPrompt(model string, blockSize int) *prompt {
	// A prefix is cached per model, so its name starts the chain.
	sum := hashString(model)
	return &prompt{sum: sum, chain: blockChain{size: blockSize, sum: sum}}
}

func (p *prompt) add(tokenSum uint64) {
	p.tokens++
	p.sum = mix(p.sum, tokenSum)
	p.chain.add(tokenSum)
}

func (p *prompt) addText(text string) {
	for piece := range pieces(text) {
		p.add(hashString(piece))
	}
}

// addOpaque stands for a part that is not text.
func (p *prompt) addOpaque(raw string) {
	sum := hashString(raw)
	for i := range uint64(opaquePartTokens) {
		p.add(mix(sum, i))
	}
}

// sampling is what a request asks of its answers.
type sampling struct {
	choices   int
	maxTokens int // 0: not given
	minTokens int
	ignoreEOS bool
	seed      uint64 // the server's and the request's, mixed
}

// sequence is one answer being generated. The engine owns it.
type sequence struct {
	job    *job
	choice int

	promptTokens int
	chain        blockChain
	caching      bool
	cached       int // prompt tokens taken from the prefix cache
	computed     int // prompt tokens done, cached ones included

	target   int // tokens to generate; 0 for an embedding
	hidden   int // how many of them are reasoning; they come first
	produced int
	finish   string
	prev     token
	text     *rand.Rand
	draft    *rand.Rand

	readyAt      time.Time // when the front end is through with it
	scheduledAt  time.Time
	firstAt      time.Time // its first token, hidden or not
	lastAt       time.Time
	stall        Fault
	stalledUntil time.Time
	// stopAfter is the number of shown tokens after which the exchange breaks off, 0 for
	// never. The engine stops there by itself: were it left to the handler, the
	// next step could begin with or without the sequence.
	stopAfter int

	prefill int // prompt tokens in the current step; 0 while it decodes
	done    bool
}

// newSequence prepares the answer to p as the given choice of j.
func (c *Config) newSequence(j *job, choice int, p *prompt, s sampling) *sequence {
	content := mix(mix(s.seed, p.sum), uint64(choice))
	seq := &sequence{
		job: j, choice: choice,
		promptTokens: p.tokens, chain: p.chain, caching: c.CacheBlocks > 0,
		text:  rand.New(rand.NewPCG(content, saltText)),
		draft: rand.New(rand.NewPCG(content, saltDraft)),
	}
	// Choices share the prompt's blocks; each appends its own.
	seq.chain.blocks = seq.chain.blocks[:len(seq.chain.blocks):len(seq.chain.blocks)]
	seq.target, seq.finish = c.answerLength(content, p.tokens, s)
	seq.hidden = min(int(c.ReasoningShare*float64(seq.target)), seq.target-1) // something is always shown
	return seq
}

// answerLength draws how long the answer would be and applies the limits.
func (c *Config) answerLength(content uint64, promptTokens int, s sampling) (int, string) {
	room := c.MaxModelLen - promptTokens
	if s.maxTokens > 0 {
		room = min(room, s.maxTokens)
		if s.ignoreEOS {
			return room, "length"
		}
	}
	r := rand.New(rand.NewPCG(content, saltLength))
	drawn := int(math.Round(float64(c.OutputMedian) * math.Exp(c.OutputSpread*r.NormFloat64())))
	drawn = max(drawn, 1, s.minTokens)
	if drawn < room {
		return drawn, "stop"
	}
	return room, "length"
}

// decode says how many tokens a step yields: one, and the accepted part of the draft.
func (s *sequence) decode(c *Config) int {
	n := 1
	for i := 0; i < c.DraftTokens && s.draft.Float64() < c.DraftAcceptance; i++ {
		n++
	}
	return min(n, s.target-s.produced)
}

// generate appends what is shown of n more tokens to dst.
func (s *sequence) generate(dst []token, n int, v *vocabulary) []token {
	for range n {
		s.produced++
		if s.produced <= s.hidden {
			continue
		}
		s.prev = v.next(s.text, s.prev, s.produced == s.hidden+1)
		dst = append(dst, s.prev)
		// Hidden tokens never stand in a later prompt, so what follows them is no prefix.
		if s.caching && s.hidden == 0 {
			s.chain.add(v.sum[s.prev])
		}
	}
	return dst
}

// shown is how many tokens the client may see by now.
func (s *sequence) shown() int { return max(0, s.produced-s.hidden) }
