package modelsim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultKind names a way to fail.
type FaultKind string

// The kinds of fault. A fault that names a number of tokens strikes after the event with which the
// client has seen so many, and spares answers that end before. Without a number it strikes before
// the first token.
const (
	// FaultStall suspends each choice for a time after its n-th token, stall=2s@10, or
	// before the first, stall=2s. The slot stays taken in the former case.
	FaultStall FaultKind = "stall"
	// FaultSlowHead waits before the server looks at the request: slow-head=3s.
	FaultSlowHead FaultKind = "slow-head"
	// FaultSlow makes the front end and every step of its batch last so many times as long:
	// slow=1.25. Below 1 it makes them quicker.
	FaultSlow FaultKind = "slow"
	// FaultUncached reads the whole prompt anew, whatever the prefix cache has of it, as a server does
	// to which the router sends a conversation of another one: uncached.
	FaultUncached FaultKind = "uncached"
	// FaultCut closes the connection after n tokens, cut@10, without the end of the body. cut@0
	// closes it after the head, and cut before it. A whole answer breaks off in the middle of its
	// body for any n.
	FaultCut FaultKind = "cut"
	// FaultReset is FaultCut with a TCP reset.
	FaultReset FaultKind = "reset"
	// FaultError sends an error event after n tokens and ends the stream: error@10. The error is the
	// one of status 500, or of the status that the fault names, error=529@10. In place of a whole
	// answer comes an error of that status.
	FaultError FaultKind = "error"
	// FaultGarbage sends an event that is not JSON after n tokens and goes on, garbage@10. A whole
	// answer has a body that is not JSON. garbage=http answers with bytes that are not HTTP.
	FaultGarbage FaultKind = "garbage"
	// FaultHTTP answers with an error status: http=503.
	FaultHTTP FaultKind = "http"
)

// beforeHead is the After of a fault that names no number of tokens.
const beforeHead = -1

// Fault is one failure to stage.
type Fault struct {
	Kind FaultKind
	// For is how long to stall or to hold the head back.
	For time.Duration
	// Factor is that of FaultSlow.
	Factor float64
	// After is the number of tokens before it strikes, -1 when it names none.
	After int
	// Status is the status of FaultHTTP and FaultError.
	Status int
	// Raw makes FaultGarbage strike below HTTP.
	Raw bool
}

// FaultRule is a fault and the probability that it strikes a request.
type FaultRule struct {
	Fault
	Probability float64
}

// FaultForm says how a kind of fault is written, and what it does.
type FaultForm struct {
	Kind    FaultKind
	Does    string
	Example string // a rule, as ParseFaultRules reads it
}

// FaultForms lists every kind of fault.
func FaultForms() []FaultForm {
	return []FaultForm{
		{FaultHTTP, "answers with an error status", "http=503:0.5"},
		{FaultSlowHead, "waits before the head of the response", "slow-head=3s:0.2"},
		{FaultSlow, "makes every step last so many times as long", "slow=1.25:1"},
		{FaultUncached, "reads the whole prompt anew, though the prefix cache has it", "uncached:0.2"},
		{FaultStall, "pauses before the first token, or after that many tokens", "stall=1s@12:0.1"},
		{FaultCut, "ends the connection after that many tokens", "cut@20:0.1"},
		{FaultReset, "resets the connection after that many tokens", "reset@20:0.1"},
		{FaultError, "sends an error inside the stream after that many tokens", "error=529@15:0.1"},
		{FaultGarbage, "sends an event that is no JSON after that many tokens", "garbage@10:0.1"},
	}
}

// example is a rule of that kind, to show how one is written.
func (k FaultKind) example() string {
	for _, form := range FaultForms() {
		if form.Kind == k {
			return form.Example
		}
	}
	return ""
}

// String is the rule as ParseFaultRules reads it.
func (r FaultRule) String() string { return fmt.Sprintf("%v:%v", r.Fault, r.Probability) }

// String is the fault as ParseFaults reads it.
func (f Fault) String() string {
	s := string(f.Kind)
	switch {
	case f.Kind == FaultStall, f.Kind == FaultSlowHead:
		s += "=" + f.For.String()
	case f.Kind == FaultSlow:
		s += "=" + strconv.FormatFloat(f.Factor, 'g', -1, 64)
	case f.Kind == FaultHTTP, f.Kind == FaultError && f.Status != 0:
		s += "=" + strconv.Itoa(f.Status)
	case f.Raw:
		s += "=http"
	}
	if f.After != beforeHead {
		s += "@" + strconv.Itoa(f.After)
	}
	return s
}

// ParseFaults reads a comma-separated list such as "slow-head=1s,stall=2s@10",
// the value of the X-Sim-Fault header.
func ParseFaults(list string) ([]Fault, error) {
	var faults []Fault
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		f, err := parseFault(item)
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", item, err)
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// ParseFaultRules reads a comma-separated list of faults, each with its
// probability: "http=503:0.02,stall=2s@10:0.01".
func ParseFaultRules(list string) ([]FaultRule, error) {
	var rules []FaultRule
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		text, share, _ := strings.Cut(item, ":")
		p, err := strconv.ParseFloat(share, 64)
		if err != nil || !(p >= 0 && p <= 1) {
			return nil, fmt.Errorf("fault rule %q: want fault:probability with a probability from 0 to 1, as in http=503:0.5", item)
		}
		f, err := parseFault(text)
		if err != nil {
			return nil, fmt.Errorf("fault rule %q: %w", item, err)
		}
		rules = append(rules, FaultRule{Fault: f, Probability: p})
	}
	return rules, nil
}

func parseFault(item string) (Fault, error) {
	rest, after, counted := strings.Cut(item, "@")
	kind, arg, hasArg := strings.Cut(rest, "=")
	f := Fault{Kind: FaultKind(kind), After: beforeHead}
	err := f.parseArgument(arg, hasArg)
	if err == nil && counted {
		err = f.parseAfter(after)
	}
	if example := f.Kind.example(); err != nil && example != "" {
		example, _, _ = strings.Cut(example, ":")
		if f.Kind == FaultGarbage && hasArg {
			example = "garbage=http"
		}
		err = fmt.Errorf("%w, as in %s", err, example)
	}
	return f, err
}

// parseArgument reads the value behind the equals sign.
func (f *Fault) parseArgument(arg string, has bool) (err error) {
	switch f.Kind {
	case FaultStall, FaultSlowHead:
		if f.For, err = time.ParseDuration(arg); err != nil || f.For < 0 {
			return fmt.Errorf("%q is not a duration", arg)
		}
	case FaultSlow:
		if f.Factor, err = strconv.ParseFloat(arg, 64); err != nil || !(f.Factor >= 0.01 && f.Factor <= 100) {
			return fmt.Errorf("%q is not a factor from 0.01 to 100", arg)
		}
	case FaultHTTP, FaultError:
		if f.Kind == FaultError && !has {
			break
		}
		if f.Status, err = strconv.Atoi(arg); err != nil || f.Status < 400 || f.Status > 599 {
			return fmt.Errorf("%q is not an error status", arg)
		}
	case FaultGarbage:
		if f.Raw = arg == "http"; has && !f.Raw {
			return fmt.Errorf("%q is not a kind of garbage, only http is", arg)
		}
	case FaultCut, FaultReset, FaultUncached:
		if has {
			return fmt.Errorf("%s takes no value", f.Kind)
		}
	default:
		return fmt.Errorf("%q is not a kind of fault", f.Kind)
	}
	return nil
}

// parseAfter reads the number of tokens behind the at sign.
func (f *Fault) parseAfter(after string) (err error) {
	if f.Kind == FaultSlowHead || f.Kind == FaultSlow || f.Kind == FaultUncached || f.Kind == FaultHTTP || f.Raw {
		return fmt.Errorf("%s strikes before the first token", f)
	}
	if f.After, err = strconv.Atoi(after); err != nil || f.After < 0 {
		return fmt.Errorf("%q is not a number of tokens", after)
	}
	return nil
}

// faultSet has the faults of one request, in the order given.
type faultSet []Fault

// drawFaults adds those faults to the asked ones whose rules strike the request with this ordinal.
func drawFaults(asked []Fault, rules []FaultRule, seed, ordinal uint64) faultSet {
	set := faultSet(asked)
	if len(rules) == 0 {
		return set
	}
	r := rand.New(rand.NewPCG(mix(seed, saltFault), ordinal))
	for _, rule := range rules {
		if r.Float64() < rule.Probability {
			set = append(slices.Clip(set), rule.Fault)
		}
	}
	return set
}

// error is the error that FaultError brings.
func (f Fault) error() *apiError {
	return serverError(cmp.Or(f.Status, http.StatusInternalServerError))
}

// find returns the first of a kind, or a Fault of no kind.
func (s faultSet) find(kind FaultKind) Fault {
	for _, f := range s {
		if f.Kind == kind {
			return f
		}
	}
	return Fault{}
}

// slow is how many times as long a step lasts.
func (s faultSet) slow() float64 {
	if f := s.find(FaultSlow); f.Kind == FaultSlow {
		return f.Factor
	}
	return 1
}

// breakOff is the number of shown tokens with which a stream ends early, 0 for never. A break before
// the first token strikes when that token is ready.
func (s faultSet) breakOff() int {
	least := 0
	for _, f := range s {
		switch f.Kind {
		case FaultCut, FaultReset, FaultError:
			if after := max(f.After, 1); least == 0 || after < least {
				least = after
			}
		}
	}
	return least
}

// due returns the faults that strike a stream as the count of shown tokens goes from before to now.
// With 0 and 0 they are those that strike between the head and the first token, among them the
// faults that name no number.
func (s faultSet) due(before, now int) []Fault {
	var due []Fault
	for _, f := range s {
		switch f.Kind {
		case FaultCut, FaultReset, FaultError, FaultGarbage:
			if after := max(f.After, 0); after <= now && (before < after || before == now) {
				due = append(due, f)
			}
		}
	}
	return due
}

// String lists the faults as ParseFaults reads them.
func (s faultSet) String() string {
	items := make([]string, len(s))
	for i, f := range s {
		items[i] = f.String()
	}
	return strings.Join(items, ",")
}
