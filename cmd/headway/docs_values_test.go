package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/slo/rules"
)

// allCode returns every piece of code in a page; an example is one piece.
func (d document) allCode() []string {
	if filepath.Ext(d.path) != ".md" {
		return strings.Split(d.text, "\n")
	}
	spans, lines := d.code()
	return slices.Concat(spans, lines)
}

var (
	assignment = regexp.MustCompile(`\b((?:HEADWAY|OTEL)_[A-Z0-9_]+)=("[^"]*"|'[^']*'|\S*)`)
	yamlValue  = regexp.MustCompile(`name: ((?:HEADWAY|OTEL)_[A-Z0-9_]+)(?:,|\n) *value: ("[^"\n]*"|[^\s,}]+)`)
)

// unread are the variables whose values the check leaves alone: files of the reader's own
// machine, and one that a page shows to say that headway refuses it.
var unread = []string{
	"HEADWAY_ADMIN_WEB_CONFIG", "HEADWAY_BASELINE_FILE", "HEADWAY_CAPTURE_FILE", "HEADWAY_LABEL_KEY_FILE", "HEADWAY_PRICE_FILE", "HEADWAY_PROBE_FILE", "HEADWAY_SLO_FILE",
	"HEADWAY_SPOOL_DIR", "HEADWAY_STATE_DIR",
	"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
}

// ofInjector begins the variables of headway-injector, which is another program.
const ofInjector = config.Prefix + "INJECTOR_"

// aloneOnly matches the warnings that hold only of a value by itself: a page has the protocol
// beside an endpoint, the key of hashes beside their labels, and placeholders for names that the reader has.
var aloneOnly = regexp.MustCompile(`looks like a placeholder|has the port of OTLP|hashes with a key of its own`)

// values lets the configuration itself read every value that a variable gets. Some have a
// meaning only where headway exports something.
func (k *known) values(d document) (problems []string) {
	found := yamlValue.FindAllStringSubmatch(d.text, -1)
	for _, text := range d.allCode() {
		found = append(found, assignment.FindAllStringSubmatch(text, -1)...)
	}
	for _, m := range found {
		name, value := m[1], strings.Trim(m[2], `"';,`)
		_, own := k.environment[name]
		if !own && !k.otel[name] || slices.Contains(unread, name) || strings.HasPrefix(name, ofInjector) || value == "" || strings.ContainsAny(value, "…$<") || strings.HasPrefix(value, "{{") {
			continue
		}
		set, err := config.Read([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector", name + "=" + value})
		for problem := range strings.SplitSeq(fmt.Sprint(errors.Join(append(set.Warnings, err)...)), "\n") {
			if strings.HasPrefix(problem, name+":") && !aloneOnly.MatchString(problem) {
				problems = append(problems, problem)
			}
		}
	}
	return problems
}

// placeholder matches the words that stand for others: FAULT, [FAULT…], $FILE.
var placeholder = regexp.MustCompile(`[…$]|^\[?[A-Z]+\]?$`)

// argumentsProblem reads the words after a command with the parser of that command. It
// adds the arguments without which the command says nothing but that they are missing.
func argumentsProblem(command string, words []string) string {
	if mention := len(words) == 1 && flagWord.MatchString(words[0]); mention || slices.ContainsFunc(words, placeholder.MatchString) {
		return ""
	}
	var err error
	switch command {
	case "report":
		_, err = parseReport(append(slices.Clone(words), "another.jsonl"), io.Discard)
	case "rules":
		_, err = parseRules(append(slices.Clone(words), "--slo", "slos.yaml"), io.Discard)
	case "sim":
		c, f := modelsim.DefaultConfig(), newFlags("sim")
		f.String("listen", "", "")
		simFlags(f, &c)
		err = parse(f, words, simUsage, io.Discard)
	case "demo fault":
		f := newFlags(command)
		f.String("addr", "", "")
		if words, err = parseArguments(f, words, demoFaultUsage, io.Discard); err == nil {
			_, err = parseFaults(words)
		}
	}
	if err == nil {
		return ""
	}
	return "headway " + command + ": " + strings.ReplaceAll(err.Error(), "\n", "; ")
}

var (
	faultRules = regexp.MustCompile(`(?:^--fault[ =]|/sim/faults <<< )(\S+)`)
	faultField = regexp.MustCompile(`X-Sim-Fault: ([^\s"']+)`)
	faultSpan  = regexp.MustCompile(`^([a-z-]+(?:=\w+)?@\d+)$`)
)

// faults checks the faults of the simulator outside of commands.
func faults(d document) (problems []string) {
	for _, text := range d.allCode() {
		for _, m := range faultRules.FindAllStringSubmatch(text, -1) {
			if _, err := modelsim.ParseFaultRules(m[1]); err != nil {
				problems = append(problems, err.Error())
			}
		}
		for _, m := range slices.Concat(faultField.FindAllStringSubmatch(text, -1), faultSpan.FindAllStringSubmatch(text, -1)) {
			if _, err := modelsim.ParseFaults(m[1]); err != nil {
				problems = append(problems, err.Error())
			}
		}
	}
	return problems
}

var localPort = regexp.MustCompile(`(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):(\d+)(/(?:metrics|healthz|stop|debug)\b)?`)

// servers are the ports that the examples use, and who listens there.
var servers = map[string]string{
	"8480": "headway", "8481": "headway's admin port", "8482": "the transparent listener", "8483": "the demo's model server",
	"8000": "the model server", "4317": "OTLP over gRPC", "4318": "OTLP over HTTP", "13133": "the collector's health",
	"9090": "Prometheus", "9093": "Alertmanager", "3000": "Grafana",
}

// ports checks the ports on the reader's machine, and that the paths of the admin port
// are asked for there.
func ports(d document) (problems []string) {
	for _, text := range d.allCode() {
		for _, m := range localPort.FindAllStringSubmatch(text, -1) {
			switch port, at := m[1], m[2]; {
			case servers[port] == "":
				problems = append(problems, "nothing listens on port "+port)
			case at != "" && (port == "8480" || port == "8482"):
				problems = append(problems, fmt.Sprintf("%s is on the admin port, not on %s", at, port))
			}
		}
	}
	return problems
}

var (
	ownPage    = regexp.MustCompile(`https://github\.com/headway-sidecar/headway/(?:blob|tree)/[a-z]+/([A-Za-z0-9_./-]*[A-Za-z0-9_-])(?:#([\w-]+))?`)
	pageAnchor = regexp.MustCompile(`([\w./-]+\.md)#([\w-]+)`)
)

// pages checks links to pages of the repository by their address in the web, and
// anchors that stand in code or by themselves.
func (k *known) pages(d document) (problems []string) {
	for _, m := range ownPage.FindAllStringSubmatch(d.text, -1) {
		switch at, anchor := m[1], m[2]; {
		case !exists(at):
			problems = append(problems, at+" is not there")
		case anchor != "" && !k.heading(at)[anchor]:
			problems = append(problems, at+" has no heading #"+anchor)
		}
	}
	own := ownPage.ReplaceAllString(d.text, "")
	for _, m := range pageAnchor.FindAllStringSubmatch(regexp.MustCompile(`https?://\S+`).ReplaceAllString(own, ""), -1) {
		at := path.Join(path.Dir(d.path), m[1])
		if !exists(at) {
			at = path.Clean(m[1]) // from the root
		}
		switch {
		case strings.HasPrefix(at, "..") || !exists(at):
			problems = append(problems, at+" is not there")
		case !k.heading(at)[m[2]]:
			problems = append(problems, at+" has no heading #"+m[2])
		}
	}
	return problems
}

var templateLabel = regexp.MustCompile(`\$labels\.([A-Za-z_]\w*)`)

// templates checks the labels in the annotations of alerts.
func (k *known) templates(d document) (problems []string) {
	for _, m := range templateLabel.FindAllStringSubmatch(d.text, -1) {
		if !k.label[m[1]] {
			problems = append(problems, "no metric has a label "+m[1])
		}
	}
	return problems
}

// objectives reads the SLO files that stand in a page, in a block of any kind, or in a
// ConfigMap.
func objectives(d document) (problems []string) {
	lines := strings.Split(d.text, "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) != "slos:" {
			continue
		}
		indent, _, _ := strings.Cut(line, "slos:")
		block := []string{"slos:"}
		for _, next := range lines[i+1:] {
			rest, ok := strings.CutPrefix(next, indent)
			if next != "" && (!ok || rest != "" && !strings.ContainsAny(rest[:1], " -#")) || strings.HasPrefix(rest, "---") {
				break
			}
			block = append(block, rest)
		}
		if _, _, err := config.ParseSLOs("slos.yaml", []byte(strings.Join(block, "\n")+"\n"), rules.Options{}); err != nil {
			problems = append(problems, strings.Split(err.Error(), "\n")...)
		}
	}
	return problems
}

// prices reads the price files that stand in a page, in a block of YAML.
func prices(d document) (problems []string) {
	for _, block := range strings.Split(d.text, "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		if !strings.HasPrefix(block, "currency:") {
			continue
		}
		if _, err := config.ParsePrices("prices.yaml", []byte(block)); err != nil {
			problems = append(problems, strings.Split(err.Error(), "\n")...)
		}
	}
	return problems
}

// cells counts the cells of a row of a table. A bar ends a cell in code, too, unless a
// backslash is before it.
func cells(row string) int {
	row = strings.TrimSuffix(strings.TrimSpace(strings.ReplaceAll(row, `\|`, "")), "|")
	return strings.Count(row, "|")
}

// rows checks that every row of a table has as many cells as its head.
func rows(d document) (problems []string) {
	if filepath.Ext(d.path) != ".md" {
		return nil
	}
	want := 0
	for line := range strings.SplitSeq(d.text, "\n") {
		switch n := cells(line); {
		case !strings.HasPrefix(line, "|"):
			want = 0
		case want == 0:
			want = n
		case n != want:
			problems = append(problems, fmt.Sprintf("%d cells, where the table has %d: %s", n, want, line))
		}
	}
	return problems
}
