package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/live"
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/production"
	"github.com/headway-sidecar/headway/proxy"
)

const learnUsage = `usage: headway baseline learn [flags] CAPTURE…
       headway baseline learn --from URL [flags]

Makes a baseline of what captures measured, for teams without a load test: a cell for each
probe, and for production cells of like lengths, each by how many requests were in flight.
With --from it learns from the exchanges that a running headway still has, the last 1000.
All cells have the flag learned: nobody has tested what they say. Cells of fewer than 300
requests have few_samples: their p99 is not used. FILE - is standard input. See headway
baseline import, headway baseline show and headway baseline compare.`

// learnOptions are the parsed arguments of baseline learn.
type learnOptions struct {
	files []string
	from  *adminOptions // without a url: of captures
	out   string
	hours float64
}

func parseLearn(args []string, out io.Writer) (learnOptions, error) {
	var o learnOptions
	f := newFlags("baseline learn")
	f.Float64Var(&o.hours, "hours", 24, "`number` of hours before the newest request from which to learn")
	o.from = adminFlagsWith(f, "from", "`URL` of the admin port of a running headway to learn from, in the place of captures")
	f.StringVar(&o.out, "out", "", "`file` to write; without it, standard output")
	var err error
	if o.files, err = parseArguments(f, args, learnUsage, out); err != nil {
		return o, err
	}
	var wrong []error
	switch {
	case o.from.url == "" && len(o.files) == 0:
		wrong = append(wrong, errors.New("which capture? name a file, - for standard input, or a running headway: --from http://127.0.0.1:8481"))
	case o.from.url == "":
		wrong = checkCaptures(o.files)
	case len(o.files) > 0:
		wrong = append(wrong, fmt.Errorf("--from and %q: learn from a running headway or from captures", o.files[0]))
	}
	if !(o.hours > 0 && o.hours <= 24*366) {
		wrong = append(wrong, fmt.Errorf("--hours %v: want a number above 0 and at most a year: 24", o.hours))
	}
	if len(wrong) > 0 {
		return o, usageError{errors.Join(wrong...)}
	}
	return o, nil
}

// runLearn is `headway baseline learn`.
func runLearn(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parseLearn(args, out)
	if err != nil {
		return err
	}
	l := production.NewLearner()
	if err := o.read(ctx, errs, l); err != nil {
		return err
	}
	lesson := l.Learn(time.Duration(o.hours*float64(time.Hour)), o.source())
	if len(lesson.Baseline.Cells) == 0 {
		return fmt.Errorf("there is nothing to learn from: a cell needs 30 answered requests of like lengths under like load whose tokens somebody counted, "+
			"and there are too few alike: %d, without counts: %d, failed: %d", lesson.Few, lesson.Uncounted, lesson.Failed)
	}
	if err := o.write(lesson.Baseline, out); err != nil {
		return err
	}
	fmt.Fprintf(errs, "headway baseline: cells: %d, of requests: %d, from %s to %s; left out, too few alike: %d, without counts: %d, failed: %d\n",
		len(lesson.Baseline.Cells), lesson.Requests, lesson.First.Format(time.DateTime), lesson.Last.Format(time.DateTime), lesson.Few, lesson.Uncounted, lesson.Failed)
	if span := lesson.Last.Sub(lesson.First).Hours(); span < .9*o.hours {
		fmt.Fprintf(errs, "headway baseline: these are %v hours, and not %v: other hours of the day may be slower\n", math.Round(span*10)/10, o.hours)
	}
	return nil
}

// read has l learn from the captures, or from a running headway.
func (o *learnOptions) read(ctx context.Context, errs io.Writer, l *production.Learner) error {
	if o.from.url != "" {
		return o.ask(ctx, l)
	}
	defer littleMemory()()
	return readCaptures("baseline", o.files, errs, l.Add)
}

// ask has l learn from the exchanges that a running headway lists.
func (o *learnOptions) ask(ctx context.Context, l *production.Learner) error {
	client, err := o.from.client(os.Getenv)
	if err != nil {
		return usageError{err}
	}
	var list struct {
		Exchanges []live.Exchange `json:"exchanges"`
	}
	const all = "1000000" // more than a headway keeps
	if err := client.request(ctx, http.MethodGet, "/api/v1/exchanges?limit="+all, http.StatusOK, &list); err != nil {
		return err
	}
	for i := range list.Exchanges {
		l.Add(lineOf(&list.Exchanges[i]))
	}
	return nil
}

// lineOf is what a capture would say of an exchange, as far as a Learner reads it.
func lineOf(e *live.Exchange) capture.Line {
	return capture.Line{
		Start: e.Start, Origin: e.Origin, Probe: e.Probe, Operation: e.Operation, Model: capture.Model{Request: e.Model}, Stream: e.Stream, Outcome: e.Outcome,
		TTFT: time.Duration(e.TTFT).Seconds(), TPOT: time.Duration(e.TPOT).Seconds(), E2E: time.Duration(e.E2E).Seconds(),
		Tokens: capture.Tokens{Input: e.Input, CacheRead: e.CacheRead, Output: e.Output, Source: e.Source, InputSource: e.InputSource},
	}
}

// source names what the cells are of: the captures without their folders, or the headway.
func (o *learnOptions) source() string {
	if o.from.url != "" {
		return proxy.Shown(o.from.url)
	}
	if len(o.files) == 1 {
		return filepath.Base(o.files[0])
	}
	return fmt.Sprintf("%s and %d more", filepath.Base(o.files[0]), len(o.files)-1)
}

func (o *learnOptions) write(b baseline.Baseline, out io.Writer) error {
	var text bytes.Buffer
	if err := baseline.Write(&text, b); err != nil {
		return err
	}
	if o.out == "" || o.out == "-" {
		_, err := out.Write(text.Bytes())
		return err
	}
	return replaceFile(o.out, text.Bytes())
}
