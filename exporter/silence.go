package exporter

import (
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// silences lists the instruments about open streams that bring no content.
func silences() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.streams.silent", Kind: Gauge, Unit: "{request}", Labels: []string{"phase", "age"}, Read: streamsSilent,
			Help: "Open streams that have brought no content for so long or longer, by where in the stream they are; one that is silent for 70 s counts at 10s, 30s and 60s. Pings and comments are no content.",
		},
		{
			Name: "headway.silences", Kind: Counter, Unit: "{silence}", Labels: []string{"phase", "ended"}, Draw: lateSilences, DrawInterim: endedSilence,
			Help: "Times of 10 s or longer in which an open stream brought no content, counted once when each ended, by how: resumed, client_gone or cut.",
		},
		{
			Name: "headway.silence", Kind: Histogram, Unit: "s", Buckets: silenceBuckets(), Labels: []string{"phase", "ended"}, Draw: lateSilenceLengths, DrawInterim: silenceLength,
			Help: "Length of the times that headway_silences counts.",
		},
	})
}

// ageLabel is the label of an age: 10s, 300s.
func ageLabel(age time.Duration) string { return strconv.Itoa(int(age/time.Second)) + "s" }

// streamsSilent adds up the streams by bounded labels: several models or upstreams may share
// the label Other.
func streamsSilent(l *Live, names *Names, level Level) {
	if l.Silent == nil {
		return
	}
	type key struct {
		flightKey
		phase exchange.EpisodePhase
	}
	sums := map[key][4]int{}
	for _, of := range l.Silent() {
		k := key{flightKey{of.Operation, names.Model(of.Model), names.address(of.Upstream)}, of.Phase}
		sum := sums[k]
		for i := range sum {
			sum[i] += of.For[i]
		}
		sums[k] = sum
	}
	ages := exchange.SilentAges()
	for k, sum := range sums {
		for i, n := range sum {
			level(float64(n), string(k.operation), k.model, k.upstream, string(k.phase), ageLabel(ages[i]))
		}
	}
}

func lateSilences(r *Reading, s *Samples) {
	for _, e := range r.Late() {
		s.Add(1, string(e.Phase), string(e.Ended))
	}
}

func lateSilenceLengths(r *Reading, s *Samples) {
	for _, e := range r.Late() {
		s.Add(seconds(e.Wait()), string(e.Phase), string(e.Ended))
	}
}

func endedSilence(i *InterimReading, s *Samples) {
	if e := &i.Episode; e.Ended != "" {
		s.Add(1, string(e.Phase), string(e.Ended))
	}
}

func silenceLength(i *InterimReading, s *Samples) {
	if e := &i.Episode; e.Ended != "" {
		s.Add(seconds(e.Wait()), string(e.Phase), string(e.Ended))
	}
}
