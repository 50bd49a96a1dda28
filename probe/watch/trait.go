package watch

import "fmt"

// trait is a number that says something about the model behind an answer. It needs no load
// test: what it is compared with is its own first day.
type trait struct {
	name  string
	words string                  // in a sentence
	read  func(*event) float64    // 0 and below is unknown
	shown func(x float64) float64 // from the value that detectors see to that in a sentence
	form  func(was, is, low, high float64) string
}

// traits lists all of them. The share of reasoning may be 0, which has no ratio, so its
// detectors see 1 + the share.
var traits = [...]trait{
	{"characters_per_token", "characters per token", func(e *event) float64 { return per(e.prose.characters, e.prose.streamed) }, same, plainly},
	{"tokens_per_chunk", "tokens per chunk", func(e *event) float64 { return per(e.prose.streamed, e.prose.chunks) }, same, plainly},
	{"time_per_token", "ms per token", func(e *event) float64 { return float64(e.times.TPOT) }, same, relatively},
	{"reasoning_share", "share of reasoning", func(e *event) float64 { return 1 + e.prose.reasoning }, func(x float64) float64 { return 100 * (x - 1) }, percents},
}

func same(x float64) float64 { return x }

// per is a ÷ b, and 0 if either is unknown.
func per(a, b int) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// plainly writes 1.0 → 3.4 (3.1–3.6).
func plainly(was, is, low, high float64) string {
	return fmt.Sprintf("%.1f → %.1f (%s)", was, is, between("%.1f", low, high))
}

// relatively writes −40 % (−45 to −33).
func relatively(was, is, low, high float64) string {
	change := func(x float64) float64 { return 100 * (x/was - 1) }
	if high > was*unbounded {
		return signed(change(is)) + " % (at least " + signed(change(low)) + ")"
	}
	return signed(change(is)) + " % (" + signed(change(low)) + " to " + signed(change(high)) + ")"
}

// percents writes 0 % → 35 % (30–41).
func percents(was, is, low, high float64) string {
	return fmt.Sprintf("%.0f %% → %.0f %% (%s)", was, is, between("%.0f", max(0, low), min(100, high)))
}

// unbounded is the ratio from which a bound is none.
const unbounded = 1e6

func between(form string, low, high float64) string {
	if high > unbounded {
		return fmt.Sprintf("at least "+form, low)
	}
	return fmt.Sprintf(form+"–"+form, low, high)
}

// signed writes a number with its sign, as typographers do.
func signed(x float64) string {
	if x < 0 {
		return fmt.Sprintf("−%.0f", -x)
	}
	return fmt.Sprintf("+%.0f", x)
}
