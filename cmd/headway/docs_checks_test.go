package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// continued are the signs that a name is only the beginning of several.
const continued = "…*"

// each calls visit with every distinct match of pattern in text, and with the sign that
// follows it if that makes it a beginning.
func each(pattern *regexp.Regexp, text string, visit func(name, beginning string)) {
	seen := map[string]bool{}
	for _, at := range pattern.FindAllStringIndex(text, -1) {
		name, sign := text[at[0]:at[1]], ""
		for _, r := range text[at[1]:] {
			if strings.ContainsRune(continued, r) {
				sign = string(r)
			}
			break
		}
		if !seen[name+sign] {
			seen[name+sign] = true
			visit(name, sign)
		}
	}
}

// begins reports whether a key of all begins with prefix.
func begins[V any](all map[string]V, prefix string) bool {
	for name := range all {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// has is a lookup of a name, or of the beginning of one.
func has[V any](all map[string]V, name, beginning string) bool {
	if beginning != "" {
		return begins(all, name)
	}
	_, ok := all[name]
	return ok
}

var headwayVariable = regexp.MustCompile(`\bHEADWAY_[A-Z0-9_]*`)

// serviceLink matches the variables that Kubernetes sets for a Service called headway.
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
var serviceLink = regexp.MustCompile(`^HEADWAY_(SERVICE_(HOST|PORT)|PORT(_\d+_TCP(_ADDR|_PORT|_PROTO)?)?)$`)

func (k *known) variables(d document) (problems []string) {
	each(headwayVariable, d.text, func(name, beginning string) {
		if !has(k.environment, name, beginning) && !k.chain[name] && name != "HEADWAY_" && !serviceLink.MatchString(name) {
			problems = append(problems, "no variable "+name+beginning)
		}
	})
	return problems
}

var otelVariable = regexp.MustCompile(`\bOTEL_[A-Z0-9_]+`)

func (k *known) openTelemetry(d document) (problems []string) {
	each(otelVariable, d.text, func(name, beginning string) {
		if beginning == "" && !k.otel[name] {
			problems = append(problems, "headway reads no "+name)
		}
	})
	return problems
}

// defaults checks the rows of tables whose second column has defaults. A row may have
// several settings, and then as many defaults.
func (k *known) defaults(d document) (problems []string) {
	in := false
	for line := range strings.SplitSeq(d.text, "\n") {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) < 2 {
			in = false
			continue
		}
		values := strings.TrimSuffix(cells[1], " |")
		if in = in || values == "default"; !in {
			continue
		}
		names, values2 := betweenQuotes(cells[0]), strings.Split(values, ", ")
		if len(values2) != len(names) {
			values2 = []string{values}
		}
		for i, name := range names {
			if want, ok := k.defaultOf(name); ok && i < len(values2) && strings.Trim(values2[i], "`") != want {
				problems = append(problems, fmt.Sprintf("%s is %s by default, not %s", name, want, strings.Trim(values2[i], "`")))
			}
		}
	}
	return problems
}

// defaultOf finds the default of a variable, or of a flag with its command before it.
func (k *known) defaultOf(name string) (string, bool) {
	value, ok := k.environment[name]
	if command, flag, isFlag := strings.Cut(strings.TrimPrefix(name, "headway "), " --"); isFlag {
		value, ok = k.command[command][flag]
	}
	if ok && value == "" {
		value = "—"
	}
	return value, ok
}

var metricName = regexp.MustCompile(`\b(headway|gen_ai_client|gen_ai_server)_[a-z0-9_]+(:[a-z0-9_:]+)?`)

// generated is the page that the table of instruments writes itself. Its help texts use
// the names without their endings.
const generated = "docs/metrics.md"

func (k *known) metrics(d document) (problems []string) {
	each(metricName, d.text, func(name, beginning string) {
		own := d.path == generated && begins(k.metric, name+"_")
		if !strings.Contains(name, ":") && !has(k.metric, name, beginning) && !own {
			problems = append(problems, "no metric "+name+beginning)
		}
	})
	return problems
}

var (
	selector = regexp.MustCompile(`\b([a-z_]+)\{([^}\n]*)\}`)
	matcher  = regexp.MustCompile(`([a-z_]+)(?:\s*(?:=~|!~|!=|=)\s*"([^"]*)")?(?:,|$)`)
	grouping = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right) ?\(([a-z_, ]+)\)`)
)

// labels checks the labels of selectors and groupings, and the values of labels that
// have few.
func (k *known) labels(d document) (problems []string) {
	for _, m := range selector.FindAllStringSubmatch(d.text, -1) {
		labels, ok := k.metric[m[1]]
		if !ok {
			continue // it is no metric: k.metrics says so
		}
		for _, l := range matcher.FindAllStringSubmatch(unescaped(m[2]), -1) {
			name, value := l[1], l[2]
			if !slices.Contains(labels, name) && !targetLabel(name) {
				problems = append(problems, m[1]+" has no label "+name)
			}
			if few := k.value[name]; few != nil && value != "" {
				for one := range strings.SplitSeq(value, "|") {
					if !slices.Contains(few, one) {
						problems = append(problems, fmt.Sprintf("no %s is %q", name, one))
					}
				}
			}
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(d.text, -1) {
		for name := range strings.SplitSeq(m[1], ",") {
			if name = strings.TrimSpace(name); !k.label[name] {
				problems = append(problems, "no metric has a label "+name)
			}
		}
	}
	return problems
}

// unescaped is a selector without the backslashes of YAML before quotes, and of tables
// before bars.
func unescaped(selector string) string {
	return strings.NewReplacer(`\"`, `"`, `\|`, "|").Replace(selector)
}

// targetLabel reports whether Prometheus adds the label to whatever it scrapes.
func targetLabel(name string) bool {
	return slices.Contains([]string{"job", "instance", "namespace", "pod", "cluster"}, name)
}

var recordName = regexp.MustCompile(`\bheadway(_[a-z]+)?:[a-z0-9_]+:[a-z0-9_]+`)

func (k *known) records(d document) (problems []string) {
	each(recordName, d.text, func(name, beginning string) {
		if !has(k.record, name, beginning) {
			problems = append(problems, "no rule records "+name)
		}
	})
	return problems
}

var alertName = regexp.MustCompile(`\bHeadway[A-Z][A-Za-z]+`)

func (k *known) alerts(d document) (problems []string) {
	each(alertName, d.text, func(name, _ string) {
		// In Alertmanager's matchers a pattern follows: HeadwaySLOBurn.*
		pattern := begins(k.alert, name) && strings.Contains(d.text, name+".*")
		if !k.alert[name] && !pattern {
			problems = append(problems, "no alert "+name)
		}
	})
	return problems
}

var attributeName = regexp.MustCompile(`^headway(\.[a-z_]+)+$`)

func (k *known) attributes(d document) (problems []string) {
	spans, _ := d.code()
	for _, span := range spans {
		if attributeName.MatchString(span) && !k.attribute[span] && !isFile(span) {
			problems = append(problems, "no attribute "+span)
		}
	}
	return problems
}

func isFile(name string) bool {
	return slices.Contains([]string{".yaml", ".md", ".json"}, path.Ext(name))
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// links checks that links within the tree lead to a file, and anchors to a heading.
func (k *known) links(d document) (problems []string) {
	if filepath.Ext(d.path) != ".md" {
		return nil
	}
	for _, m := range link.FindAllStringSubmatch(d.text, -1) {
		u, err := url.Parse(m[1])
		switch {
		case err != nil:
			problems = append(problems, err.Error())
			continue
		case u.Scheme != "":
			continue
		}
		at, heads := d.path, anchors(d.text)
		if u.Path != "" {
			if at = path.Join(path.Dir(d.path), u.Path); !exists(at) {
				problems = append(problems, at+" is not there")
				continue
			}
			heads = nil
		}
		if u.Fragment == "" {
			continue
		}
		if heads == nil {
			heads = k.heading(at)
		}
		if !heads[u.Fragment] {
			problems = append(problems, at+" has no heading #"+u.Fragment)
		}
	}
	return problems
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, name))
	return err == nil
}

var pathName = regexp.MustCompile("(?m)(?:^|[\\s(`\"'=])(?:\\./)?((?:docs|deploy|cmd|proxy|exporter|slo|probe|bin|\\.ci)/[A-Za-z0-9_./-]+)")

// paths checks names of files, and of what the Makefile puts into bin.
func (k *known) paths(d document) (problems []string) {
	for _, m := range pathName.FindAllStringSubmatch(d.text, -1) {
		name := strings.TrimRight(strings.TrimSuffix(m[1], "/..."), "./-")
		source := name
		if program, ok := strings.CutPrefix(name, "bin/"); ok {
			source = "cmd/" + program
		}
		if !exists(source) && !k.made[name] {
			problems = append(problems, name+" is not there")
		}
	}
	return problems
}

var (
	// A command stands at the beginning of a line or after a sign of the shell. A prompt
	// and variables may precede it.
	commandLine = regexp.MustCompile(`(?:^|[|;&] |-- |\$\()(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\./)?(?:bin/)?(headway|headway-bench) ([^|;&#>)]*)`)
	lowerWord   = regexp.MustCompile(`^[a-z]+$`)
	flagWord    = regexp.MustCompile(`^--?([a-z][a-z-]*)`)
)

// commands checks the commands and flags in code.
func (k *known) commands(d document) (problems []string) {
	spans, lines := d.code()
	for _, text := range slices.Concat(spans, lines) {
		for _, m := range commandLine.FindAllStringSubmatch(text, -1) {
			if problem := k.commandProblem(m[1], strings.Fields(m[2])); problem != "" {
				problems = append(problems, problem)
			}
		}
	}
	return problems
}

// commandProblem checks the words after the name of a program.
func (k *known) commandProblem(program string, words []string) string {
	name, dash := program, "-"
	if program == "headway" {
		if len(words) == 0 || !lowerWord.MatchString(words[0]) || words[0] == "help" {
			return ""
		}
		var known bool
		if name, words, known = k.commandOf(words); !known {
			return "no command headway " + name
		}
		program, dash = program+" "+name, "--"
	}
	for _, word := range words {
		if word == "--" {
			break // the rest is another program's
		}
		if m := flagWord.FindStringSubmatch(word); m != nil && !has(k.command[name], m[1], "") {
			return program + " has no " + dash + m[1]
		}
	}
	return argumentsProblem(name, words)
}

// commandOf splits words into a command, with its action if it has several, and the rest.
func (k *known) commandOf(words []string) (name string, rest []string, ok bool) {
	name, rest = words[0], words[1:]
	if len(rest) > 0 && begins(k.command, name+" ") && lowerWord.MatchString(rest[0]) {
		name, rest = name+" "+rest[0], rest[1:]
	}
	_, ok = k.command[name]
	return name, rest, ok
}

// foreign are flags of other programs that the docs name by themselves.
var foreign = []string{
	"enable-per-request-metrics", "storage.tsdb.retention.time", "noflush", "update",
	"enable-force-include-usage", "enable-feature", "web.enable-otlp-receiver", "set",
}

// flags checks flags that stand in code by themselves.
func (k *known) flags(d document) (problems []string) {
	spans, _ := d.code()
	for _, span := range spans {
		m := regexp.MustCompile(`^--?([a-z][a-z.-]+)`).FindStringSubmatch(span)
		if m == nil || slices.Contains(foreign, m[1]) {
			continue
		}
		found := false
		for _, flags := range k.command {
			_, ok := flags[m[1]]
			found = found || ok
		}
		if !found {
			problems = append(problems, "no command has "+m[0])
		}
	}
	return problems
}

var makeLine = regexp.MustCompile(`(?:^|[|;&] )make ([a-z]+)`)

func (k *known) targets(d document) (problems []string) {
	spans, lines := d.code()
	for _, text := range slices.Concat(spans, lines) {
		for _, m := range makeLine.FindAllStringSubmatch(text, -1) {
			if !k.target[m[1]] {
				problems = append(problems, "no target "+m[1])
			}
		}
	}
	return problems
}

var testName = regexp.MustCompile(`\b(Test|Benchmark|Fuzz)[A-Z]\w+`)

func (k *known) tests(d document) (problems []string) {
	each(testName, d.text, func(name, beginning string) {
		if !has(k.test, name, beginning) {
			problems = append(problems, "no test "+name)
		}
	})
	return problems
}

// Paths of the admin port stand by themselves, or after its address.
var endpointName = regexp.MustCompile(`(?:^(/(?:healthz|api|debug|stop|metrics)[a-z0-9/]*)|:8481(/[a-z0-9/_-]+))`)

func (k *known) endpoints(d document) (problems []string) {
	spans, lines := d.code()
	for _, text := range slices.Concat(spans, lines) {
		for _, m := range endpointName.FindAllStringSubmatch(text, -1) {
			if at := m[1] + m[2]; !k.endpoint[at] {
				problems = append(problems, "the admin port has no "+at)
			}
		}
	}
	return problems
}

var collector = regexp.MustCompile(`OTEL_EXPORTER_OTLP_ENDPOINT(?:=|, value: ")https?://([^\s"'}` + "`" + `]+)`)

// collectors checks that deploy has the Service to which an example sends, unless it is
// on this host.
func (k *known) collectors(d document) (problems []string) {
	for _, m := range collector.FindAllStringSubmatch(d.text, -1) {
		host, port, err := net.SplitHostPort(m[1])
		if err != nil || host == "localhost" || host == "127.0.0.1" {
			continue
		}
		name, _, _ := strings.Cut(host, ".") // the namespace may follow
		if !k.service[name+":"+port] {
			problems = append(problems, "deploy has no service "+name+":"+port)
		}
	}
	return problems
}

var imageName = regexp.MustCompile(`image: (headway\S*)`)

func (k *known) images(d document) (problems []string) {
	for _, m := range imageName.FindAllStringSubmatch(d.text, -1) {
		if m[1] != "headway:VERSION" && m[1] != "headway-injector:VERSION" {
			problems = append(problems, "the image is headway:VERSION, not "+m[1])
		}
	}
	return problems
}

var sloFile = regexp.MustCompile(`(?:HEADWAY_SLO_FILE=|--slo )([^\s` + "`" + `]+)`)

// files checks that the examples call the user's SLO file by one name.
func (k *known) files(d document) (problems []string) {
	for _, m := range sloFile.FindAllStringSubmatch(d.text, -1) {
		if isFile(m[1]) && path.Base(m[1]) != "slos.yaml" && !exists(m[1]) {
			problems = append(problems, "the SLO file of the examples is slos.yaml, not "+m[1])
		}
	}
	return problems
}

// tables checks that every row of a table belongs to one: blank lines end a table.
func tables(d document) (problems []string) {
	if filepath.Ext(d.path) != ".md" {
		return nil
	}
	lines := strings.Split(d.text, "\n")
	for i, line := range lines {
		starts := strings.HasPrefix(line, "|") && (i == 0 || !strings.HasPrefix(lines[i-1], "|"))
		if starts && (i+1 == len(lines) || !strings.HasPrefix(lines[i+1], "| ---")) {
			problems = append(problems, "a blank line breaks the table before "+line)
		}
	}
	return problems
}
