package canary

import (
	"math"
	"math/rand/v2"
	"strings"

	"github.com/headway-sidecar/headway/probe"
)

// LeastInput is the fewest tokens of a prompt: the request for a story, and random words
// enough to defeat a cache.
const LeastInput = 64

const (
	// coldWords are the random words at the start of a cold prompt: 2 to the 96th beginnings.
	coldWords = 16
	// requestTokens are those of the request behind the words, roughly.
	requestTokens = 22
)

// prompts makes prompts of one length. Its words are one token each to most tokenizers, so
// that a prompt that has its length keeps it, whatever its words.
type prompts struct {
	target     int // tokens
	words      int // of the next prompt, without the request for a story
	cold       bool
	seed       uint64
	word       string // with which the answer has to begin
	calibrated bool

	lastWords, lastTokens int // of the prompt that was counted before; 0: none was
}

func (p *prompts) begin(of *probe.Probe, template int) {
	p.target, p.cold, p.seed = of.Shape.Input, of.Cache == probe.Cold, uint64(of.Seed)
	p.words = max(coldWords, p.target-requestTokens-template)
	opening := openings()
	p.word = opening[p.seed%uint64(len(opening))]
}

// text returns the prompt that follows from the seed, with the request for a story. Of a
// cold prompt opening stands in the place of the first words, which differ each time.
func (p *prompts) text(opening string) string {
	fixed := rand.New(rand.NewPCG(p.seed, 0))
	var b strings.Builder
	b.Grow(8 * (p.words + requestTokens))
	for i := range p.words {
		word := vocabulary[fixed.IntN(len(vocabulary))] // drawn for cold words too: the others stay where they are
		if p.cold && i < coldWords {
			if word = ""; i == 0 {
				word = opening
			}
		}
		if i > 0 && word != "" {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	b.WriteString("\nWrite a long story about some of these words. The first word of the story is ")
	b.WriteString(p.word)
	b.WriteByte('.')
	return b.String()
}

// appendCold appends random words, as many as a cold prompt begins with.
func appendCold(to []byte) []byte {
	for i := range coldWords {
		if i > 0 {
			to = append(to, ' ')
		}
		to = append(to, vocabulary[rand.IntN(len(vocabulary))]...)
	}
	return to
}

// counted corrects the number of words by the tokens of the last prompt. It returns
// whether that had its length.
func (p *prompts) counted(tokens int) bool {
	wrong := p.target - tokens
	if abs(wrong) <= max(1, p.target/100) {
		p.calibrated = true
		return true
	}
	perWord := 1.0
	if words := p.words - p.lastWords; p.lastTokens > 0 && words != 0 {
		if slope := float64(tokens-p.lastTokens) / float64(words); slope >= 0.5 && slope <= 8 {
			perWord = slope
		}
	} else if slope := float64(tokens-requestTokens) / float64(p.words); slope > 1.2 && slope <= 8 {
		perWord = slope // a tokenizer that cuts these words
	}
	p.lastWords, p.lastTokens = p.words, tokens
	p.words = max(coldWords, p.words+int(math.Round(float64(wrong)/perWord)))
	p.calibrated = false
	return false
}

func abs(n int) int { return max(n, -n) }

// openings are words with which a story may begin, and with which hardly any begins.
func openings() []string {
	return []string{"River", "Bridge", "Harbor", "Signal", "Garden", "Winter", "Paper", "Copper", "Silver"}
}

// vocabulary are frequent English words: behind a space each is one token to the tokenizers
// of the GPT, Llama, Qwen, Mistral and Gemma families. None needs an escape in JSON.
var vocabulary = strings.Fields(frequent)

const frequent = `
time year people way day man thing woman life child world school state family student group
country problem hand part place case week company system program question work number night
point home water room mother area money story fact month lot right study book eye job word
business issue side kind head house service friend father power hour game line end member law
car city name team minute idea kid body back parent face others level office door health person
art war history party result change morning reason research girl guy moment air teacher force
education foot boy age policy music light love color road paper form ground table record plan
river bridge stone tree bird fish horse dog cat sun moon star rain snow wind fire field
market price bank board court film news press letter page sound voice image model design
product board range total mark test list rule step stage scene sport ship train plane
green blue red white black brown small large young early late short long high low deep
north south east west left open close near far fast slow hard soft warm cold new old
`
