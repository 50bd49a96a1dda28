package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// turns lists the instruments about turns of sessions. They draw when the turn is over.
func turns() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.turns", Kind: Counter, Unit: "{turn}", Labels: []string{"outcome"}, DrawTurn: turnOutcome,
			Help: "Turns of sessions that are over, by how they ended. Labels of a turn are those of its last exchange.",
		},
		{
			Name: "headway.turn", Kind: Histogram, Unit: "s", Buckets: turnBuckets(exchange.E2E), Labels: []string{"part", "outcome"}, DrawTurn: turnTime,
			Help: "Time of a turn: all of it; the part in which a model answered; the part in which tools ran; and human, the time before it, since the session's last turn.",
		},
		{
			Name: "headway.turn.time_to_first_answer", Kind: Histogram, Unit: "s", Buckets: turnBuckets(), DrawTurn: turnAnswer,
			Help: "Time from the start of a turn to the first answer token of the response that ended it, of streams.",
		},
		{
			Name: "headway.turn.calls", Kind: Histogram, Unit: "{call}", Buckets: attemptBuckets(), DrawTurn: turnCalls,
			Help: "Calls of models in a turn. The attempts of one call count once.",
		},
	})
}

// openTurns lists the instruments about turns that are not over, and about sessions.
func openTurns() []Instrument {
	return members(Process, []Instrument{
		{
			Name: "headway.turns_open", Kind: Gauge, Unit: "{turn}", Read: turnsOpen,
			Help: "Turns with an exchange under way, or that wait for the results of tools.",
		},
		{
			Name: "headway.turn.evicted", Kind: Counter, Unit: "{turn}", Read: turnsEvicted,
			Help: "Turns that were ended before their time because there were too many sessions.",
		},
		{
			Name: "headway.session_names_shared", Kind: Counter, Unit: "{name}", Read: namesShared,
			Help: "Names of sessions that so many exchanges had at once that they are those of many sessions.",
		},
	})
}

// turnBuckets continue durationBuckets to the turns of agents that work for hours.
func turnBuckets(edges ...exchange.Indicator) Buckets {
	return Buckets{Zero: gapZero, Edges: edges, Bounds: []float64{
		.04, .16, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36, 1310.72, 2621.44, 5242.88,
	}}
}

func turnOutcome(r *TurnReading, s *Samples) { s.Add(1, string(r.Outcome)) }

func turnTime(r *TurnReading, s *Samples) {
	s.seconds(r.All, "all", string(r.Outcome))
	s.seconds(r.Model, "model", string(r.Outcome))
	s.seconds(r.Tool, "tool", string(r.Outcome))
	s.seconds(r.Human, "human", string(r.Outcome))
}

func turnAnswer(r *TurnReading, s *Samples) { s.seconds(r.FirstAnswer) }

func turnCalls(r *TurnReading, s *Samples) { s.Add(float64(r.Calls)) }

func turnsOpen(l *Live, _ *Names, level Level) {
	if l.TurnsOpen != nil {
		level(float64(l.TurnsOpen()))
	}
}

func turnsEvicted(l *Live, _ *Names, level Level) {
	if l.TurnsEvicted != nil {
		level(float64(l.TurnsEvicted()))
	}
}

func namesShared(l *Live, _ *Names, level Level) {
	if l.NamesShared != nil {
		level(float64(l.NamesShared()))
	}
}
