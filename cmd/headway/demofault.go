package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/slo/spelling"
)

const demoFaultUsage = `usage: headway demo fault [flags] [FAULT…]

Breaks the model server of the demo that runs. Without FAULT it lists the faults with
their present values. A FAULT is NAME[=VALUE][@TOKENS][:PROBABILITY], as in
http=503:0.5, which answers half of the requests with 503. Without a probability it
strikes every request. It replaces the faults of that name and leaves the others;
:0 ends it. The FAULT none ends all, also the rare ones that a demo begins with, and
default restores those and ends all others.`

// faultTimeout is how long a demo on this machine may take to answer.
const faultTimeout = 5 * time.Second

// noFault is the FAULT that ends all faults, defaultFaults the one that restores those of a
// demo that just began.
const (
	noFault       = "none"
	defaultFaults = "default"
)

// runDemoFault is `headway demo fault`.
func runDemoFault(ctx context.Context, args []string, out io.Writer) error {
	f := newFlags("demo fault")
	address := f.String("addr", demoModelAddress, "`address` of the demo's model server, as the demo prints it")
	args, err := parseArguments(f, args, demoFaultUsage, out)
	if err != nil {
		return err
	}
	if err := config.CheckAddress(*address); err != nil {
		return usageError{fmt.Errorf("--addr: %w", err)}
	}
	change, err := parseFaults(args)
	if err != nil {
		return usageError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, faultTimeout)
	defer cancel()
	model := faultedModel("http://" + *address + "/sim/faults")
	now, err := model.faults(ctx, http.MethodGet, nil)
	if err == nil && len(args) > 0 {
		now, err = model.faults(ctx, http.MethodPut, change(now))
	}
	if err != nil {
		return fmt.Errorf("no demo answers at %s: is headway demo running, and does it print another --addr? (%w)", *address, err)
	}
	fmt.Fprintf(out, "Faults of the model server at %s:\n\n", *address)
	listFaults(out, now)
	return nil
}

// parseFaults reads the arguments. It returns the change that they ask for, of the list of
// faults in force. The error has every problem.
func parseFaults(args []string) (func(now []modelsim.FaultRule) []modelsim.FaultRule, error) {
	var asked []modelsim.FaultRule
	var wrong []error
	var whole []string // FAULTs that stand for a whole list
	all := ""          // that list
	for item := range strings.SplitSeq(strings.Join(args, ","), ",") {
		item = strings.TrimSpace(item)
		switch item {
		case "":
		case noFault:
			whole, all = append(whole, item), ""
		case defaultFaults:
			whole, all = append(whole, item), demoFaults
		default:
			rule, err := parseFaultRule(item)
			asked, wrong = append(asked, rule), append(wrong, err)
		}
	}
	if len(whole) > 0 && len(asked)+len(whole) > 1 {
		wrong = append(wrong, fmt.Errorf("%s replaces all faults, so no other can stand beside it", whole[0]))
	}
	restored, err := modelsim.ParseFaultRules(all)
	wrong = append(wrong, err)
	return func(now []modelsim.FaultRule) []modelsim.FaultRule {
		if len(whole) > 0 {
			return restored
		}
		replaced := func(r modelsim.FaultRule) bool {
			return slices.ContainsFunc(asked, func(a modelsim.FaultRule) bool { return a.Kind == r.Kind })
		}
		now = append(slices.DeleteFunc(slices.Clone(now), replaced), asked...)
		return slices.DeleteFunc(now, func(r modelsim.FaultRule) bool { return r.Probability == 0 })
	}, errors.Join(wrong...)
}

// parseFaultRule reads one FAULT.
func parseFaultRule(item string) (modelsim.FaultRule, error) {
	name := item[:strings.IndexAny(item+"=", "=@:")]
	if names := faultNames(); !slices.Contains(names, name) {
		return modelsim.FaultRule{}, fmt.Errorf("%q: there is no fault %q; %s", item, name, faultHint(name, names))
	}
	if !strings.Contains(item, ":") {
		faults, err := modelsim.ParseFaults(item)
		if err != nil {
			return modelsim.FaultRule{}, fmt.Errorf("fault %q: %w", item, err)
		}
		return modelsim.FaultRule{Fault: faults[0], Probability: 1}, nil
	}
	rules, err := modelsim.ParseFaultRules(item)
	if err != nil {
		return modelsim.FaultRule{}, err
	}
	return rules[0], nil
}

// faultHint names the FAULT that somebody likely meant who wrote name, or else all.
func faultHint(name string, names []string) string {
	if len(spelling.Nearest(name, names)) > 0 {
		return spelling.Hint(name, names)
	}
	return fmt.Sprintf("the faults are %s; %s ends them, and %s restores those of a new demo",
		strings.Join(names[2:], ", "), noFault, defaultFaults)
}

// faultNames lists the words that a FAULT may begin with: first those for a whole list.
func faultNames() []string {
	names := []string{noFault, defaultFaults}
	for _, form := range modelsim.FaultForms() {
		names = append(names, string(form.Kind))
	}
	return names
}

// faultedModel is the URL of the faults of a simulated model server.
type faultedModel string

// faults asks for the faults in force, or with PUT replaces them.
func (m faultedModel) faults(ctx context.Context, method string, rules []modelsim.FaultRule) ([]modelsim.FaultRule, error) {
	lines := make([]string, len(rules))
	for i, r := range rules {
		lines[i] = r.String()
	}
	request, err := http.NewRequestWithContext(ctx, method, string(m), strings.NewReader(strings.Join(lines, ",")))
	if err != nil {
		return nil, err
	}
	direct := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // with no proxy of the environment
	response, err := direct.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, config.MaxFile))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(text)))
	}
	return modelsim.ParseFaultRules(strings.ReplaceAll(string(text), "\n", ","))
}

// listFaults prints every kind of fault with its present values and an example.
func listFaults(out io.Writer, now []modelsim.FaultRule) {
	fmt.Fprintf(out, "%-10s %-22s %-20s %s\n", "fault", "now", "example", "does")
	for _, form := range modelsim.FaultForms() {
		present := []string{}
		for _, rule := range now {
			if rule.Kind == form.Kind {
				present = append(present, rule.String())
			}
		}
		if len(present) == 0 {
			present = []string{"off"}
		}
		fmt.Fprintf(out, "%-10s %-22s %-20s %s\n", form.Kind, strings.Join(present, ","), form.Example, form.Does)
	}
	fmt.Fprintf(out, "%-10s %-22s %-20s %s\n", noFault, "", noFault, "ends all faults")
	fmt.Fprintf(out, "%-10s %-22s %-20s %s\n", defaultFaults, "", defaultFaults, "restores those of a new demo")
}
