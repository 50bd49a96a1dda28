package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/loadtest"
)

const sloImportUsage = `usage: headway slo import [flags] vllm PAIR…
       headway slo import [flags] mlperf BENCHMARK

Prints an SLO file with the limits of a load test. PAIR is one of the option --goodput
of vllm bench serve, in milliseconds: ttft:500 tpot:50. BENCHMARK is one of MLPerf
Inference: llama3.1-8b/interactive; headway slo import mlperf lists them.
headway slo -h describes the others: headway slo convert and headway slo suggest.`

// sloSources are the words behind headway slo import.
func sloSources() []string { return []string{"vllm", "mlperf"} }

// runSLOImport is `headway slo import`.
func runSLOImport(args []string, out io.Writer) error {
	var s slo.SLO
	f := newFlags("slo import")
	f.StringVar(&s.Name, "name", "", "`name` of the SLO; without it, one from the source")
	f.StringVar(&s.Match.Model, "model", "", "`pattern` of the requested model that the SLO is about; without it, every model")
	f.Float64Var(&s.Objective, "objective", loadtest.MLPerfObjective, "`percent` of calls that the SLO asks to be good")
	window := f.String("window", "30d", "`time` over which the objective has to hold: 30d, 4w, 720h")
	words, err := parseArguments(f, args, sloImportUsage, out)
	if err != nil {
		return err
	}
	comments, err := limitsOf(words, &s)
	wrong := []error{err}
	if s.Window, err = slo.ParseWindow(*window); err != nil {
		wrong = append(wrong, fmt.Errorf("--window: %w", err))
	}
	if err := errors.Join(wrong...); err != nil {
		return usageError{err}
	}
	set := slo.Set{SLOs: []slo.SLO{s}}
	set.SLOs[0].Place("", "-", map[string]int{"": 1})
	for _, p := range slo.Check(set) {
		wrong = append(wrong, fmt.Errorf("%s: %s; %s", strings.TrimPrefix(p.Key, "-."), p.Wrong, p.Right))
	}
	if err := errors.Join(wrong...); err != nil {
		return usageError{err}
	}
	return writeImported(out, set, comments)
}

// limitsOf reads the source and its words into s. It returns what the reader of the file
// should know.
func limitsOf(words []string, s *slo.SLO) (comments []string, err error) {
	source := ""
	if len(words) > 0 {
		source, words = words[0], strings.Fields(strings.Join(words[1:], " "))
	}
	s.Match.Stream = new(true)
	switch {
	case source == "":
		return nil, errors.New("which limits? vllm or mlperf: headway slo import vllm ttft:500 tpot:50")
	case !slices.Contains(sloSources(), source):
		return nil, fmt.Errorf("no limits of %q: want vllm or mlperf%s", source, meant(source, sloSources()))
	case source == "vllm":
		s.Good, err = loadtest.VLLM(words)
		s.Name = cmp.Or(s.Name, "vllm-goodput")
		return []string{
			"From the option --goodput of vllm bench serve: " + strings.Join(words, " ") + ".",
			"vLLM asks for no share of good requests, so the objective is not from there. It leaves",
			"failed requests out of its count; here they are bad.",
		}, err
	case len(words) != 1:
		return nil, fmt.Errorf("which benchmark of MLPerf? want one of %s", strings.Join(mlperfNames(), ", "))
	}
	b, err := loadtest.FindMLPerf(words[0])
	s.Good = b.Objectives()
	s.Name = cmp.Or(s.Name, "mlperf-"+strings.ReplaceAll(words[0], "/", "-"))
	return []string{
		"From MLPerf Inference, " + words[0] + ": the 99th percentile of each limit by itself.",
		"Here one request has to keep all limits, which is harder.",
	}, err
}

// mlperfNames lists the benchmarks.
func mlperfNames() []string {
	var names []string
	for _, b := range loadtest.MLPerf() {
		names = append(names, b.Name)
	}
	return names
}

// writeImported writes the file with its comments.
func writeImported(out io.Writer, set slo.Set, comments []string) error {
	var text bytes.Buffer
	for _, line := range comments {
		fmt.Fprintf(&text, "# %s\n", line)
	}
	if err := slo.Write(&text, set); err != nil {
		return err
	}
	_, err := out.Write(text.Bytes())
	return err
}
