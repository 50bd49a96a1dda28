package exporter

// Scaling is how much of what one replica of a model server can carry it carries now.
type Scaling struct {
	Model string
	Ratio float64
}

// scalings lists the instrument on which a fleet of model servers can scale.
func scalings() []Instrument {
	return members(Process, []Instrument{{
		Name: "headway.scaling.signal", Kind: Gauge, Unit: "1", Labels: []string{"model"}, Read: scalingSignal,
		Help: "How much of what this replica can carry it carries: above 1 it needs help. The sum over all replicas is how many replicas the traffic needs. Only beside a model server.",
	}})
}

// scalingSignal tells one level for each label: models without a label of their own share
// the highest of theirs.
func scalingSignal(l *Live, names *Names, level Level) {
	if l.Scaling == nil {
		return
	}
	ratios := map[string]float64{}
	for _, s := range l.Scaling() {
		label := names.Model(s.Model)
		ratios[label] = max(ratios[label], s.Ratio)
	}
	for model, ratio := range ratios {
		level(ratio, model)
	}
}
