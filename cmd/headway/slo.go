package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/openslo"
	"github.com/headway-sidecar/headway/slo/pyrra"
	"github.com/headway-sidecar/headway/slo/rules"
	"github.com/headway-sidecar/headway/slo/sloth"
)

// maxSLOFile bounds an SLO file.
const maxSLOFile = 1 << 20

// readSLOs reads a file of SLOs, in headway's own format or as OpenSLO documents; the
// name - is standard input. Alerts that cannot work with the options o are errors too.
func readSLOs(name string, o rules.Options) (slo.Set, []slo.Warning, error) {
	text, err := readAll(name)
	if err != nil {
		return slo.Set{}, nil, err
	}
	set, warnings, err := config.ParseSLOs(name, text, o)
	if err != nil {
		return slo.Set{}, nil, usageError{err}
	}
	return set, warnings, nil
}

func readAll(name string) ([]byte, error) {
	in := os.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSLOFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return text, nil
}

// warn prints warnings about SLOs: settings that are allowed and rarely meant, and
// settings that a conversion loses.
func warn(w io.Writer, command string, warnings []slo.Warning) {
	for _, one := range warnings {
		fmt.Fprintf(w, "headway %s: warning: %v\n", command, one)
	}
}

// anywhere returns the traffic of a sidecar with any configuration.
func anywhere() slo.Traffic { return slo.Traffic{Operations: sidecar.Operations()} }

const sloUsage = `usage: headway slo convert --to FORMAT [flags] FILE
       headway slo suggest [flags] CAPTURE…
       headway slo import [flags] vllm|mlperf …

headway slo suggest makes SLOs from captures, and headway slo import from the limits of
load tests; each says more with -h.
headway slo convert reads SLOs, headway's own file or OpenSLO documents, and
prints them as headway, openslo, sloth or pyrra have them. It warns on standard
error about settings that the format has no place for. FILE - is standard input.`

// runSLO is `headway slo`.
func runSLO(_ context.Context, args []string, out, errs io.Writer) error {
	verb := ""
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	switch verb {
	case "suggest":
		return runSuggest(args, out, errs)
	case "import":
		return runSLOImport(args, out)
	case "-h", "--help":
		args = []string{"-h"}
	case "convert":
	default:
		return usageError{errors.New("write headway slo convert, headway slo suggest or headway slo import; headway slo -h says more")}
	}
	o, err := parseConvert(args, out)
	if err != nil {
		return err
	}
	return o.convert(out, errs)
}

// convertOptions are the parsed arguments of slo convert.
type convertOptions struct {
	from, to, service, namespace, file string
}

func parseConvert(args []string, out io.Writer) (convertOptions, error) {
	var o convertOptions
	f := newFlags("slo convert")
	f.StringVar(&o.from, "from", "auto", "`format` of FILE: headway, openslo, or auto, which looks at the content")
	f.StringVar(&o.to, "to", "", "`format` to print: headway, openslo, sloth or pyrra")
	f.StringVar(&o.service, "service", "headway", "`name` of the service that OpenSLO and Sloth ask for")
	f.StringVar(&o.namespace, "namespace", "", "Kubernetes `namespace` of Pyrra's objects")
	var files []string
	for rest := args; ; {
		if err := parseFlags(f, rest, sloUsage, out); err != nil {
			return o, err
		}
		if f.NArg() == 0 {
			break
		}
		files, rest = append(files, f.Arg(0)), f.Args()[1:]
	}
	var wrong []error
	if len(files) == 1 {
		o.file = files[0]
	} else {
		wrong = append(wrong, fmt.Errorf("which SLOs? want one FILE, not %d", len(files)))
	}
	if known := []string{"auto", "headway", "openslo"}; !slices.Contains(known, o.from) {
		wrong = append(wrong, fmt.Errorf("--from %q: want headway or openslo%s", o.from, meant(o.from, known)))
	}
	if known := []string{"headway", "openslo", "sloth", "pyrra"}; !slices.Contains(known, o.to) {
		wrong = append(wrong, fmt.Errorf("--to %q: want headway, openslo, sloth or pyrra%s", o.to, meant(o.to, known)))
	}
	if err := errors.Join(wrong...); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// convert prints the SLOs of o.file as o.to. It reads the whole file before it prints
// anything.
func (o convertOptions) convert(out, errs io.Writer) error {
	set, warnings, err := o.read()
	if err != nil {
		return err
	}
	var text bytes.Buffer
	var lost []slo.Warning
	switch o.to {
	case "headway":
		err = slo.Write(&text, set)
	case "openslo":
		err = openslo.Write(&text, set, o.service)
	case "sloth":
		lost, err = sloth.Write(&text, set, o.service)
	case "pyrra":
		lost, err = pyrra.Write(&text, set, o.namespace)
	}
	if err != nil {
		return usageError{err}
	}
	warn(errs, "slo convert", slices.Concat(warnings, anywhere().Unmatched(set), lost))
	_, err = out.Write(text.Bytes())
	return err
}

func (o convertOptions) read() (slo.Set, []slo.Warning, error) {
	text, err := readAll(o.file)
	if err != nil {
		return slo.Set{}, nil, err
	}
	var set slo.Set
	var warnings []slo.Warning
	err = slo.ErrOpenSLO
	if o.from != "openslo" {
		set, warnings, err = slo.Parse(o.file, bytes.NewReader(text))
	}
	if o.from != "headway" && errors.Is(err, slo.ErrOpenSLO) {
		set, warnings, err = openslo.Parse(o.file, bytes.NewReader(text))
	}
	if err != nil {
		err = usageError{err}
	}
	return set, warnings, err
}
