// Package drift says whether a service is still as fast as its load test, one request at a
// time and with a promise: a service that is as fast as the load test, or slower by no more
// than the margin, raises at most one false alarm in a time that the operator chose.
//
// A Reference is the load test's distribution, cut at the percentiles that its file has. A
// Detector compares canaries with it, which are alike and apart in time. A Witness compares
// production, whose requests come in bursts that share their fate. A Model predicts what
// the load test would have measured for a request of other length under other load.
//
// The statistics: Shin, Ramdas, Rinaldo: E-detectors (arXiv 2203.03532). Howard, Ramdas:
// Sequential estimation of quantiles (arXiv 1906.09712).
//
// Times and latencies are in seconds. No type here is safe for concurrent use, reads a
// clock or keeps more than a bounded number of values.
package drift
