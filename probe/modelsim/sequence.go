package modelsim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"strings"
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
	marked int    // the tokens that the request wants to be cached
	sum    uint64 // hash of all its tokens
	chain  blockChain
	// opening is the token with which the prompt wants the answer to begin, if it asks so in
	// the words of a canary.
	opening *token
}

func newPrompt(model string, blockSize int) *prompt {
	// Models do not share prefixes, so the chain starts with the model's name.
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
	if _, asked, ok := strings.Cut(text, firstWordIs); ok {
		p.opening = wordToken(strings.TrimRight(asked, ". \n"))
	}
}

// firstWordIs stands before the word with which an answer is to begin.
const firstWordIs = "The first word of the story is "

// addOpaque stands for a part that is not text.
func (p *prompt) addOpaque(raw string) {
	sum := hashString(raw)
	for i := range uint64(opaquePartTokens) {
		p.add(mix(sum, i))
	}
}

// section is a stretch of an answer. Tokens of two sections never share an event.
type section uint8

// The sections, in the order in which an answer has them; only text is in every API.
const (
	thinkingSection section = iota
	textSection
	toolNameSection // a single token stands for the name
	toolInputSection
	sections
)

// sampling has the wishes of a request for its answers.
type sampling struct {
	choices   int
	maxTokens int // 0: not given
	minTokens int
	ignoreEOS bool
	seed      uint64 // the server's and the request's, mixed
	thinking  thinking
	tools     toolUse
}

// thinking has the wishes of a request for the tokens that precede the answer proper.
type thinking struct {
	share  float64 // of all tokens
	budget int     // the most of them; 0: no bound
	shown  bool
}

// defaultThinkingShare is how much of an answer is thinking if the request asks for it and
// Config.ReasoningShare does not say.
const defaultThinkingShare = 0.5

// thinking is what a request asks for. A budget of 0 asks for none, and no budget is no bound.
func (c *Config) thinking(budget *int, shown bool) thinking {
	if budget != nil && *budget == 0 {
		return thinking{}
	}
	t := thinking{share: cmp.Or(c.ReasoningShare, defaultThinkingShare), shown: shown}
	if budget != nil {
		t.budget = max(0, *budget)
	}
	return t
}

// toolUse says whether an answer calls a tool.
type toolUse uint8

const (
	noTool toolUse = iota
	textThenTool
	onlyTool
)

// sequence is one answer being generated. The engine owns it.
type sequence struct {
	job    *job
	choice int

	promptTokens int
	chain        blockChain
	caching      bool
	uncached     bool // the cache is of no use to its prompt
	marked       int  // prompt tokens that the request wants to be cached
	cached       int  // prompt tokens taken from the prefix cache
	written      int  // marked prompt tokens that were not
	computed     int  // prompt tokens done, cached ones included

	slow     float64 // how many times as long its steps last
	target   int     // tokens to generate; 0 for an embedding
	thinking int     // the first of them, and whether they are shown
	shows    bool
	tool     int // the last of them: the name and the input of a tool call
	produced int
	finish   string
	prev     token
	opening  *token // the first of the text, when the prompt asks for one
	text     *rand.Rand
	draft    *rand.Rand

	readyAt      time.Time // when the front end is through with it
	scheduledAt  time.Time
	firstAt      time.Time // its first token, hidden or not
	lastAt       time.Time
	stall        Fault
	stalledUntil time.Time
	// stopAfter is the number of shown tokens after which the exchange breaks off, 0 for never. The
	// engine stops there by itself: if the handler had to stop it, the next step could begin with or
	// without the sequence.
	stopAfter int

	prefill int // prompt tokens in the current step; 0 while it decodes
	done    bool
}

// newSequence prepares the answer to p, which is the given choice of j.
func (c *Config) newSequence(j *job, choice int, p *prompt, s sampling) *sequence {
	content := mix(mix(s.seed, p.sum), uint64(choice))
	seq := &sequence{
		job: j, choice: choice,
		promptTokens: p.tokens, marked: p.marked, chain: p.chain, caching: c.CacheBlocks > 0, opening: p.opening,
		text:  rand.New(rand.NewPCG(content, saltText)),
		draft: rand.New(rand.NewPCG(content, saltDraft)),
	}
	// Choices share the prompt's blocks; each appends its own.
	seq.chain.blocks = seq.chain.blocks[:len(seq.chain.blocks):len(seq.chain.blocks)]
	seq.target, seq.finish = c.answerLength(content, p.tokens, s)
	seq.divide(s)
	return seq
}

// divide cuts the answer into sections. At least one token is no thinking. An answer that calls a
// tool ends with the whole call, so that its input is valid.
func (s *sequence) divide(by sampling) {
	s.shows = by.thinking.shown
	s.thinking = min(int(by.thinking.share*float64(s.target)), s.target-1)
	if by.thinking.budget > 0 {
		s.thinking = min(s.thinking, by.thinking.budget)
	}
	switch rest := s.target - s.thinking; by.tools {
	case onlyTool:
		s.tool = rest
	case textThenTool:
		s.tool = rest / 2
	}
	if s.tool > 0 {
		s.finish = "tool_calls"
	}
}

// section is the section of the n-th token; the first is 1.
func (s *sequence) section(n int) section {
	switch name := s.target - s.tool + 1; {
	case n <= s.thinking:
		return thinkingSection
	case n < name:
		return textSection
	case n == name:
		return toolNameSection
	}
	return toolInputSection
}

// answerLength draws a length and applies the limits. It also returns why the answer ends there.
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

// generate generates up to n more tokens of one section, at least one if n is positive. It returns
// their number, and dst with those appended that are shown.
func (s *sequence) generate(dst []token, n int, v *vocabulary) (int, []token) {
	made, at := 0, s.section(s.produced+1)
	for made < n && s.section(s.produced+1) == at {
		first := s.produced == 0 || s.section(s.produced) != at
		made++
		s.produced++
		if at == thinkingSection && !s.shows {
			continue
		}
		s.prev = v.next(s.text, s.prev, first)
		if first && at == textSection && s.opening != nil {
			s.prev = *s.opening
		}
		dst = append(dst, s.prev)
		// A later prompt has neither thinking nor a tool call token by token: nothing from there on is a prefix.
		if s.caching && s.thinking == 0 && at == textSection {
			s.chain.add(v.sum[s.prev])
		}
	}
	return made, dst
}

// shown is how many tokens the client may see by now.
func (s *sequence) shown() int {
	if s.shows {
		return s.produced
	}
	return max(0, s.produced-s.thinking)
}
