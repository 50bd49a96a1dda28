package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/production"
)

const learnUsage = `usage: headway baseline learn [flags] CAPTURE…

Makes a baseline of what captures measured, for teams without a load test: a cell for each
probe, and for production cells of like lengths, each by how many requests were in flight.
All cells have the flag learned: nobody has tested what they say. Cells of fewer than 300
requests have few_samples: their p99 is not used. FILE - is standard input. See headway
baseline import, headway baseline show and headway baseline compare.`

// learnOptions are the parsed arguments of baseline learn.
type learnOptions struct {
	files []string
	out   string
	hours float64
}

func parseLearn(args []string, out io.Writer) (learnOptions, error) {
	var o learnOptions
	f := newFlags("baseline learn")
	f.Float64Var(&o.hours, "hours", 24, "`number` of hours before the newest request from which to learn")
	f.StringVar(&o.out, "out", "", "`file` to write; without it, standard output")
	var err error
	if o.files, err = parseArguments(f, args, learnUsage, out); err != nil {
		return o, err
	}
	wrong := checkCaptures(o.files)
	if !(o.hours > 0 && o.hours <= 24*366) {
		wrong = append(wrong, fmt.Errorf("--hours %v: want a number above 0 and at most a year: 24", o.hours))
	}
	if len(wrong) > 0 {
		return o, usageError{errors.Join(wrong...)}
	}
	return o, nil
}

// runLearn is `headway baseline learn`.
func runLearn(args []string, out, errs io.Writer) error {
	o, err := parseLearn(args, out)
	if err != nil {
		return err
	}
	defer littleMemory()()
	l := production.NewLearner()
	if err := readCaptures("baseline", o.files, errs, l.Add); err != nil {
		return err
	}
	lesson := l.Learn(time.Duration(o.hours*float64(time.Hour)), o.source())
	if len(lesson.Baseline.Cells) == 0 {
		return fmt.Errorf("there is nothing to learn from: a cell needs 30 answered requests of like lengths under like load whose tokens somebody counted, "+
			"and these captures have too few alike: %d, without counts: %d, failed: %d", lesson.Few, lesson.Uncounted, lesson.Failed)
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

// source names the captures, without their folders.
func (o *learnOptions) source() string {
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
