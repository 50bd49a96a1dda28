package slo

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo/spelling"
	"github.com/headway-sidecar/headway/slo/strict"
)

// Bounds on a Set. Every SLO is a label value and some 80 KiB of counters.
const (
	maxSLOs   = 100
	minWindow = time.Hour
	maxWindow = 92 * 24 * time.Hour // a quarter
	maxLimit  = time.Hour
)

var (
	names  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)
	labels = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)   // Prometheus data model
	fields = regexp.MustCompile("^[a-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110, section 5.1
)

// Check lists every mistake in the SLOs of a Set, from whatever source. slo/rules checks
// whether their alerts can fire.
func Check(set Set) Problems {
	var out Problems
	named := map[string]*SLO{}
	conditions := map[exchange.Condition]bool{}
	for i := range set.SLOs {
		s := &set.SLOs[i]
		out = append(out, s.checkName(named)...)
		out = append(out, s.checkPromise()...)
		out = append(out, s.checkGood()...)
		out = append(out, s.checkMatch()...)
		out = append(out, s.checkTurn()...)
		out = append(out, s.checkAlerting()...)
		for _, c := range s.conditions() {
			conditions[c] = true
		}
		if len(conditions) > exchange.MaxConditions {
			out = append(out, s.Problem("match.header", "it is the 65th different header condition", "keep to 64"))
			clear(conditions)
		}
	}
	if len(set.SLOs) > maxSLOs {
		s := &set.SLOs[maxSLOs]
		out = append(out, s.Problem("", fmt.Sprintf("it is one of %d SLOs", len(set.SLOs)), fmt.Sprintf("keep to %d", maxSLOs)))
	}
	return out
}

func (s *SLO) checkName(named map[string]*SLO) Problems {
	first := named[s.Name]
	switch {
	case s.Name == "":
		return Problems{s.Problem("name", "there is none", "name it by whom it serves: chat-interactive")}
	case !names.MatchString(s.Name):
		return Problems{s.Problem("name", strconv.Quote(s.Name)+" is no name", "use up to 63 letters, digits and - . _ between them: chat-interactive")}
	case first != nil:
		wrong := "another SLO is called " + s.Name
		if line := first.at.lines["name"]; line > 0 {
			wrong += fmt.Sprintf(", in line %d", line)
		}
		return Problems{s.Problem("name", wrong, "give each its own name: "+s.Name+"-2")}
	}
	named[s.Name] = s
	return nil
}

func (s *SLO) checkPromise() Problems {
	var out Problems
	add := func(key, wrong, right string) { out = append(out, s.Problem(key, wrong, right)) }
	switch o := s.Objective; {
	case o == 0 && s.at.lines["objective"] == 0:
		add("objective", "there is none", "write the percentage of good exchanges: 99.5")
	case o >= 100:
		add("objective", format(o)+" leaves no error budget", "write less than 100: 99.9")
	case o <= 0:
		add("objective", format(o)+" promises nothing", "write more than 0: 99.5")
	case o < 1:
		add("objective", "it is in percent: "+format(o)+" would allow "+format(math.Round(100-o))+" % of requests to be bad", "write "+format(math.Round(o*1e8)/1e6))
	}
	switch w := s.Window; {
	case w == 0 && s.at.lines["window"] == 0:
		add("window", "there is none", "write 30d")
	case w < minWindow || w > maxWindow:
		add("window", writeWindow(w)+" is out of bounds", "write something from 1h to 92d: 30d")
	case w%time.Hour != 0:
		add("window", writeWindow(w)+" is no whole number of hours", "write days, weeks or hours: 30d")
	}
	switch s.Judge {
	case "", Chain, Attempt, Turn:
	default:
		add("judge", strconv.Quote(string(s.Judge))+" cannot be judged",
			strict.OneOf(string(s.Judge), []string{string(Chain), string(Attempt), string(Turn)}, "write chain, the call that the user felt, attempt or turn"))
	}
	return out
}

func (s *SLO) checkGood() Problems {
	var out Problems
	seen := map[exchange.Indicator]bool{}
	for _, o := range s.Good {
		key := "good." + o.Indicator.String()
		switch {
		case seen[o.Indicator]:
			out = append(out, s.Problem(key, "it has two limits", "keep one"))
		case o.Indicator == exchange.Error:
			out = append(out, s.Problem(key, "it has no limit", "leave it out: what fails is never good"))
		case o.Limit <= 0:
			out = append(out, s.Problem(key, o.Limit.String()+" can never be kept", "write more than 0: 500ms"))
		case o.Limit > maxLimit:
			out = append(out, s.Problem(key, writeDuration(o.Limit)+" is out of bounds", "write an hour or less: 20s"))
		}
		seen[o.Indicator] = true
	}
	return out
}

func (s *SLO) checkMatch() Problems {
	var out Problems
	if o := s.Match.Operation; o != "" && !slices.Contains(exchange.Operations(), o) {
		right := spelling.Hint(string(o), operations(exchange.Operations()))
		if o == "*" {
			right = "leave it out: an SLO without it is for all operations"
		}
		out = append(out, s.Problem("match.operation", strconv.Quote(string(o))+" is no operation", right))
	}
	if r := s.Match.InputTokens; r.Min < 0 || r.Max < 0 || r.Max > 0 && r.Max < r.Min {
		out = append(out, s.Problem("match.input_tokens", fmt.Sprintf("nothing is from %d to %d", r.Min, r.Max), "put the smaller number first: 1001..8000"))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Match.Header)) {
		if !fields.MatchString(name) {
			out = append(out, s.Problem("match.header", strconv.Quote(name)+" is no name of a field", "write x-team, say"))
		}
	}
	return out
}

func (s *SLO) checkAlerting() Problems {
	var out Problems
	a := &s.Alerting
	for key, link := range map[string]string{"alerting.runbook": a.Runbook, "alerting.dashboard": a.Dashboard} {
		u, err := url.Parse(link)
		if link != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			out = append(out, s.Problem(key, strconv.Quote(link)+" is no link", "write https://wiki.example.com/slo, say"))
		}
	}
	for key, names := range map[string][]string{
		"alerting.by":          a.By,
		"alerting.labels":      slices.Sorted(maps.Keys(a.Labels)),
		"alerting.annotations": slices.Sorted(maps.Keys(a.Annotations)),
	} {
		for _, name := range names {
			if !labels.MatchString(name) {
				out = append(out, s.Problem(key, strconv.Quote(name)+" is no name of a label", "use letters, digits and _, no digit first: team_name"))
			}
		}
	}
	return out
}

// operations returns the names of all.
func operations(all []exchange.Operation) []string {
	out := make([]string, len(all))
	for i, o := range all {
		out[i] = string(o)
	}
	return out
}

// conditions lists the header conditions of s, by name.
func (s *SLO) conditions() []exchange.Condition {
	var out []exchange.Condition
	for _, name := range slices.Sorted(maps.Keys(s.Match.Header)) {
		out = append(out, exchange.Condition{Field: name, Pattern: s.Match.Header[name]})
	}
	return out
}

// warnings lists the parts of a Set that are allowed, but that rarely anybody means.
func warnings(set Set) []Warning {
	var out []Warning
	for i := range set.SLOs {
		s := &set.SLOs[i]
		out = append(out, s.checkNotation()...)
		streams := s.Match.Stream != nil && *s.Match.Stream
		if o := s.Match.Operation; o != "" && !o.Generates() && o != exchange.FetchResponse && streams {
			out = append(out, s.Problem("match.stream", "true matches nothing: answers to "+string(o)+" never stream", "leave stream out"))
		}
		for _, o := range s.Good {
			if operation := s.Match.Operation; perToken(o.Indicator) && operation != "" && !operation.Generates() && operation != exchange.FetchResponse {
				out = append(out, s.Problem("good."+o.Indicator.String(),
					"answers to "+string(operation)+" never stream, so they have none and pass", "limit e2e in its place"))
				break
			}
			if perToken(o.Indicator) && !streams {
				out = append(out, s.Problem("good."+o.Indicator.String(),
					"a response in one piece has none and passes", "add stream: true to match, or limit e2e for the others"))
				break
			}
		}
		for j := range set.SLOs[:i] {
			if earlier := &set.SLOs[j]; set.First && earlier.Match.covers(&s.Match) {
				out = append(out, s.Problem("match", "it never judges: "+earlier.Name+" comes first and matches all that it matches", "put it first, or narrow the other"))
				break
			}
		}
	}
	return out
}

// perToken says whether only streams have the indicator.
func perToken(i exchange.Indicator) bool {
	switch i {
	case exchange.Error, exchange.E2E, exchange.E2EPerOutputToken:
		return false
	}
	return true
}

func format(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
