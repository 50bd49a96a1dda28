package baseline

import "slices"

// Flag is something that makes a cell less sure, or less like another tool's.
type Flag string

// The flags.
const (
	FewSamples        Flag = "few_samples"                // fewer than 300 requests: a p99 is not usable
	ClosedLoop        Flag = "closed_loop"                // the clients wait for each other: waiting in line is hidden
	MeanAndP95        Flag = "only_mean_and_p95"          // no median, no p99
	WindowOnly        Flag = "window_only"                // the values cover windows of the run
	NoMedian          Flag = "no_median"                  // only a mean, or only a tail
	DataLineTokens    Flag = "token_count_is_sse_lines"   // role, finish and [DONE] count as tokens
	AskedTokens       Flag = "token_count_is_asked"       // the server told no usage; the tool took the asked length
	TokenWeighted     Flag = "weighted_by_tokens"         // long answers weigh more in the percentiles
	TwoDigits         Flag = "rounded_2_digits"           // up to 5 % off
	FirstByteOnly     Flag = "ttfb_not_ttft"              // the first byte of a chat stream is no token
	NoErrors          Flag = "no_errors_in_file"          // the file does not tell failures
	FailuresIn        Flag = "failures_in_latencies"      // failed requests are among the values
	RetriesIn         Flag = "retries_in_latencies"       // a latency includes its retries
	MixedWorkloads    Flag = "mixed_workloads"            // several kinds of request are one distribution
	Disagrees         Flag = "rows_disagree_with_summary" // the file's requests do not give its own summary
	Approximate       Flag = "quantiles_within_0.02_pct"  // too many values to keep each
	FinishChunkInGaps Flag = "finish_chunk_in_gaps"       // the chunk that only ends the stream counts as a token
	RateNotReached    Flag = "rate_not_reached"           // the measured rate is more than 10 % off the asked one
	AskedLengths      Flag = "lengths_are_asked"          // of the command line: the file does not count tokens
	Cancelled         Flag = "cancelled"                  // somebody ended the run early
	Learned           Flag = "learned"                    // from canaries or production: nobody has tested it
)

// Flags lists every flag, in the order of the alphabet.
func Flags() []Flag {
	all := []Flag{
		FewSamples, ClosedLoop, MeanAndP95, WindowOnly, NoMedian, DataLineTokens, AskedTokens, TokenWeighted, TwoDigits, FirstByteOnly, NoErrors,
		FailuresIn, RetriesIn, MixedWorkloads, Disagrees, Approximate, FinishChunkInGaps, RateNotReached, AskedLengths, Cancelled, Learned,
	}
	slices.Sort(all)
	return all
}

// Flag adds flags to c, each once.
func (c *Cell) Flag(flags ...Flag) {
	c.Flags = append(c.Flags, flags...)
	slices.Sort(c.Flags)
	c.Flags = slices.Compact(c.Flags)
}

// Needed is the number of requests below which a p99 is not usable: of 300, the true
// exceedance of an empirical p99 lies between 0.36 % and 2.9 %.
const Needed = 300

// Settle sets the flags that follow from the numbers of c.
func (c *Cell) Settle() {
	if c.Requests.OK < Needed {
		c.Flag(FewSamples)
	}
	if c.Load.Kind == Concurrency {
		c.Flag(ClosedLoop)
	}
	if r := c.Throughput.Requests; c.Load.Kind == Rate && r != nil && (*r > 1.1*c.Load.Value || *r < .9*c.Load.Value) {
		c.Flag(RateNotReached)
	}
}
