package exporter

import "strconv"

// Drift is what one detector finds now.
type Drift struct {
	Source    string // canary or production
	Probe     string // empty for production
	Model     string
	Indicator string
	// Compared says that there is something to compare: only then Ratio means anything.
	Compared     bool
	Ratio        float64
	ReturnPeriod float64 // seconds
	Alarm        bool
}

// Tested is a percentile of the load test.
type Tested struct {
	Cell      string
	Indicator string
	Share     float64 // .95 for percentile 95
	Seconds   float64
}

// Headroom is the tested load that kept an SLO ÷ the load now.
type Headroom struct {
	Model string
	SLO   string
	Ratio float64
}

// drifts lists the instruments that hold the service beside its load test.
func drifts() []Instrument {
	about := []string{"source", "probe", "model", "indicator"}
	return members(Process, []Instrument{
		{
			Name: "headway.baseline", Kind: Gauge, Unit: "s", Labels: []string{"cell", "indicator", "percentile"}, Read: tested,
			Help: "What the load test measured, by its cell: percentiles 50, 90, 95 and 99, of at most 100 cells.",
		},
		{
			Name: "headway.drift", Kind: Gauge, Unit: "1", Labels: about, Read: eachDrift(driftRatio),
			Help: "Median ÷ that of the load test, since the likeliest time of a change; for traits of a model, ÷ what was usual. Absent where nothing can be compared.",
		},
		{
			Name: "headway.drift.return_period", Kind: Gauge, Unit: "s", Labels: about, Read: eachDrift(driftReturnPeriod),
			Help: "A service as fast as the load test, or slower by no more than the margin, would look so bad once in this time.",
		},
		{
			Name: "headway.drift.alarm", Kind: Gauge, Labels: about, Read: eachDrift(driftAlarm),
			Help: "1 from the return period of the promise, 30 days, until it is below a day; else 0.",
		},
		{
			Name: "headway.capacity.headroom", Kind: Gauge, Unit: "1", Labels: []string{"model", "slo"}, Read: headrooms,
			Help: "Highest load that kept the SLO in the load test ÷ the load of the last minute, in requests in flight; below 1 there is no room. Absent without traffic.",
		},
	})
}

func tested(l *Live, _ *Names, level Level) {
	if l.Tested == nil {
		return
	}
	for _, t := range l.Tested() {
		level(t.Seconds, clean(t.Cell), t.Indicator, strconv.FormatFloat(100*t.Share, 'g', 6, 64))
	}
}

// eachDrift makes a Read that calls tell for every detector.
func eachDrift(tell func(Drift) (float64, bool)) func(*Live, *Names, Level) {
	return func(l *Live, _ *Names, level Level) {
		if l.Drift == nil {
			return
		}
		for _, d := range l.Drift() {
			if value, known := tell(d); known {
				level(value, d.Source, clean(d.Probe), clean(d.Model), d.Indicator)
			}
		}
	}
}

func driftRatio(d Drift) (float64, bool)        { return d.Ratio, d.Compared }
func driftReturnPeriod(d Drift) (float64, bool) { return d.ReturnPeriod, true }

func driftAlarm(d Drift) (float64, bool) {
	if d.Alarm {
		return 1, true
	}
	return 0, true
}

func headrooms(l *Live, _ *Names, level Level) {
	if l.Headroom == nil {
		return
	}
	for _, h := range l.Headroom() {
		level(h.Ratio, clean(h.Model), clean(h.SLO))
	}
}
