package sidecar

import (
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// SeriesCost is how many series metrics have for answered streams of one model at one upstream.
type SeriesCost struct {
	Model  prometheus.Count // of the first combination of labels, or without labels
	Tenant prometheus.Count // more of them for each further combination
}

// SeriesCostOf counts the series by the settings of c. It observes made exchanges with the
// exporter that serves /metrics, judged by every SLO and priced if there are prices.
func SeriesCostOf(c config.Config) (SeriesCost, error) {
	names := exporter.NewNames(2, 2)
	names.Label(c.RequestLabels.Names(), 2)
	begun := false
	e, err := prometheus.New(prometheus.Config{
		SemConv: c.SemConv, Names: names, Edges: edges(c.SLOs.Set),
		Live: exporter.Live{
			SLOs:     func() []exporter.SLO { return promised(c) },
			InFlight: func() []exchange.InFlight { return underWay(begun) },
			Silent:   func() []exchange.Silent { return silent(begun) },
		},
	})
	if err != nil {
		return SeriesCost{}, err
	}
	var counts [3]prometheus.Count
	for i := range counts {
		if i > 0 {
			begun = true
			r := madeStream(c, string(rune('a'+i)))
			e.Observe(r)
			e.ObserveChain(exchange.Chain{Outcome: exchange.FirstTry, Attempts: 1, TTFT: r.TTFT(), E2E: r.E2E(), Last: r})
			e.ObserveTurn(exchange.WholeTurn{Outcome: exchange.TurnAnswered, Calls: 1, All: r.E2E(), Model: r.E2E(), FirstAnswer: r.TTFA(), Last: r})
		}
		if counts[i], err = e.Count(); err != nil {
			return SeriesCost{}, err
		}
	}
	return SeriesCost{Model: counts[1].Minus(counts[0]), Tenant: counts[2].Minus(counts[1])}, nil
}

// promised lists the SLOs of c.
func promised(c config.Config) []exporter.SLO {
	var out []exporter.SLO
	for i := range c.SLOs.Set.SLOs {
		s := &c.SLOs.Set.SLOs[i]
		out = append(out, exporter.SLO{Name: s.Name, Objective: s.Objective / 100, Limits: limits(s.Good)})
	}
	return out
}

// underWay is what is in flight of the model and upstream of madeStream.
func underWay(begun bool) []exchange.InFlight {
	if !begun {
		return nil
	}
	return []exchange.InFlight{{Operation: exchange.Chat, Model: "model", Upstream: "upstream:443"}}
}

// silent is what is silent of them.
func silent(begun bool) (none []exchange.Silent) {
	if begun {
		for _, phase := range exchange.EpisodePhases() {
			none = append(none, exchange.Silent{Operation: exchange.Chat, Model: "model", Upstream: "upstream:443", Phase: phase})
		}
	}
	return none
}

// madeStream is an answered chat stream of the tenant with these labels, whose provider tells of
// its cache and of reasoning, as OpenAI does.
func madeStream(c config.Config, label string) exchange.Record {
	const ms = time.Millisecond
	r := exchange.Record{
		Start: time.Now(), Origin: exchange.App, Role: c.Role, Mode: exchange.Explicit,
		Dialect: "openai-chat", Operation: exchange.Chat, Provider: "openai", Model: exchange.Model{Request: "model", Response: "model"},
		Upstream: exchange.Upstream{Host: "upstream", Port: 443},
		Stream:   true, Status: 200, Outcome: exchange.OK,
		Timing: exchange.Timing{
			RequestRead: ms, RequestWritten: ms, ResponseHead: 100 * ms, FirstChunk: 100 * ms, FirstEvent: 100 * ms,
			FirstToken: 100 * ms, FirstAnswer: 100 * ms, LastToken: 160 * ms, LastChunk: 160 * ms, End: 160 * ms,
		},
		Usage: exchange.Usage{
			Input: exchange.Known(4), Output: exchange.Known(4), CacheRead: exchange.Known(0), Reasoning: exchange.Known(0),
			Streamed: exchange.Known(4), Source: exchange.Reported,
		},
		Overhead: exchange.Overhead{Request: ms, FirstChunk: ms, Chunk: ms},
		Attempt:  exchange.Attempt{Chain: 1, Number: 1, Outcome: exchange.FirstTry},
		Cost:     madeCost(c),
	}
	for i := range 4 {
		r.Chunks.Add(exchange.Chunk{At: 100*ms + time.Duration(i)*20*ms, Tokens: 1})
	}
	for _, l := range c.RequestLabels.List {
		r.Labels = append(r.Labels, l.Name+label)
	}
	for i := range c.SLOs.Set.SLOs {
		r.Verdicts = append(r.Verdicts, exchange.Verdict{SLO: c.SLOs.Set.SLOs[i].Name, Good: true})
	}
	return r
}

// madeCost is a cost of input and output if c has prices.
func madeCost(c config.Config) (cost exchange.Cost) {
	if len(c.Prices.List.Prices) == 0 {
		return cost
	}
	cost.Currency, cost.Streamed, cost.Delivered = "USD", 1, 1
	cost.Parts[exchange.CostInput], cost.Parts[exchange.CostOutput] = 1, 1
	return cost
}
