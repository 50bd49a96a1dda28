package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
	"github.com/headway-sidecar/headway/slo/spelling"
)

const baselineUsage = `usage: headway baseline import [flags] [TOOL] FILE…
       headway baseline show [flags] BASELINE
       headway baseline compare [flags] BASELINE BASELINE
       headway baseline learn [flags] CAPTURE…

import reads results of load tests into cells, which show prints and compare holds
against each other. learn makes cells of captures, or of what a running headway
lists. headway baseline import -h says more
about each.`

// baselineVerbs are the words behind headway baseline.
func baselineVerbs() []string { return []string{"import", "show", "compare", "learn"} }

// runBaseline is `headway baseline`.
func runBaseline(ctx context.Context, args []string, out, errs io.Writer) error {
	verb, rest := "", args
	if len(args) > 0 {
		verb, rest = args[0], args[1:]
	}
	switch verb {
	case "import":
		return runImport(rest, out, errs)
	case "show":
		return runShow(rest, out)
	case "compare":
		return runCompare(rest, out)
	case "learn":
		return runLearn(ctx, rest, out, errs)
	case "-h", "--help":
		return parse(newFlags("baseline"), args, baselineUsage, out)
	case "":
		return usageError{errors.New("import, show, compare or learn? headway baseline -h says more")}
	}
	return usageError{fmt.Errorf("no baseline %q; %s", verb, spelling.Hint(verb, baselineVerbs()))}
}

const importUsage = `usage: headway baseline import [flags] [TOOL] FILE…

Reads the result files of load-test tools and writes them as one baseline. Without
TOOL headway looks at each file. Files of one run may stand together: a summary, its
requests, its configuration. What no file says, a flag does. FILE - is standard input.
See headway baseline show, headway baseline compare and headway baseline learn.`

// importOptions are the parsed arguments of baseline import.
type importOptions struct {
	files   []string
	out     string
	options importer.Options
}

// runImport is `headway baseline import`.
func runImport(args []string, out, errs io.Writer) error {
	o, err := parseImport(args, out)
	if err != nil {
		return err
	}
	b, err := o.read(errs)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := baseline.Write(&text, b); err != nil {
		return err
	}
	if o.out == "" || o.out == "-" {
		_, err = out.Write(text.Bytes())
		return err
	}
	if err := replaceFile(o.out, text.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(errs, "headway baseline: cells: %d, in %s\n", len(b.Cells), o.out)
	return nil
}

// parseImport reads the command line.
func parseImport(args []string, out io.Writer) (importOptions, error) {
	var o importOptions
	f := newFlags("baseline import")
	f.StringVar(&o.out, "out", "", "`file` to write; without it, standard output")
	f.StringVar(&o.options.Facts.Model, "model", "", "`name` of the model")
	f.Float64Var(&o.options.Facts.InputTokens, "input-tokens", 0, "mean `number` of tokens of a prompt")
	f.Float64Var(&o.options.Facts.OutputTokens, "output-tokens", 0, "mean `number` of tokens of an answer")
	f.Float64Var(&o.options.Facts.Concurrency, "concurrency", 0, "`number` of requests that the tool kept in flight, or its cap beside --rate")
	f.Float64Var(&o.options.Facts.Rate, "rate", 0, "requests a second that the tool was asked for, as a `number`")
	f.StringVar(&o.options.Row, "row", "", "the `name` of the requests to read of a file with several: a label of JMeter, a name of Locust")
	f.Func("metric", "`INDICATOR=NAME`: a metric of a k6 script, ttft=time_to_first_token for example; may stand more than once", o.metric)
	var err error
	if o.files, err = parseArguments(f, args, importUsage, out); err != nil {
		return o, err
	}
	if len(o.files) > 0 && slices.Contains(importer.Tools(), o.files[0]) {
		o.options.Tool, o.files = o.files[0], o.files[1:]
	}
	return o, o.check()
}

// metric reads a value of --metric.
func (o *importOptions) metric(value string) error {
	name, metric, ok := strings.Cut(value, "=")
	if !ok || metric == "" || !slices.Contains(baseline.Names(), baseline.Name(name)) {
		return fmt.Errorf("want one of %v, = and the name of a metric: ttft=time_to_first_token", baseline.Names())
	}
	if o.options.Metrics == nil {
		o.options.Metrics = map[baseline.Name]string{}
	}
	o.options.Metrics[baseline.Name(name)] = metric
	return nil
}

// check returns every problem of the options.
func (o *importOptions) check() error {
	var wrong []error
	if len(o.files) == 0 {
		wrong = append(wrong, errors.New("which result? name a file, or - for standard input"))
	}
	wrong = append(wrong, twice(o.files, "requests")...)
	f := o.options.Facts
	for flag, v := range map[string]float64{"input-tokens": f.InputTokens, "output-tokens": f.OutputTokens, "concurrency": f.Concurrency, "rate": f.Rate} {
		if !(v >= 0) || v > 1e12 {
			wrong = append(wrong, fmt.Errorf("--%s %v: want a number above 0", flag, v))
		}
	}
	if len(wrong) > 0 {
		return usageError{errors.Join(wrong...)}
	}
	return nil
}

// read reads every file. A file that cannot be read as a result is an error of usage.
func (o *importOptions) read(errs io.Writer) (baseline.Baseline, error) {
	var files []importer.File
	for _, name := range o.files {
		if name == "-" {
			files = append(files, importer.File{Name: "standard input", Body: os.Stdin})
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return baseline.Baseline{}, err
		}
		p := newProgress(f, errs)
		defer func() {
			p.end()
			_ = p.Close()
		}()
		files = append(files, importer.File{Name: name, Body: p})
	}
	b, err := importer.Import(files, o.options)
	if err != nil {
		return b, usageError{err}
	}
	return b, nil
}

// replaceFile writes a file at once, so that a reader sees the old one or the new one.
func replaceFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// readBaseline reads a baseline; the name - is standard input.
func readBaseline(name string) (baseline.Baseline, error) {
	in := os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return baseline.Baseline{}, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	b, err := baseline.Read(in)
	if err != nil {
		return b, usageError{fmt.Errorf("%s: %w", name, err)}
	}
	return b, nil
}
