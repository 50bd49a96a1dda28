package exporter

// pauses lists the instruments about pauses that most streams of an engine have together.
func pauses() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.engine.pauses", Kind: Counter, Unit: "{pause}", DrawInterim: enginePause,
			Help: "Beside a model server: pauses of a second or longer that more than half of its streams, and three at least, had together.",
		},
		{
			Name: "headway.engine.pause", Kind: Histogram, Unit: "s", Buckets: pauseBuckets(), DrawInterim: enginePauseLength,
			Help: "Length of the pauses that headway_engine_pauses counts: from when half of the streams had stopped until half went on.",
		},
	})
}

func enginePause(i *InterimReading, s *Samples) {
	if i.Pause > 0 {
		s.Add(1)
	}
}

func enginePauseLength(i *InterimReading, s *Samples) { s.seconds(i.Pause) }
