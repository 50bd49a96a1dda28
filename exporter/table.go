package exporter

import "slices"

// Table lists the instruments of a setting, a fresh copy for each caller. An empty
// setting is V141.
//
// A new metric is a row in the file of its subject: the backends and the metric
// reference follow from that row.
func Table(s SemConv) []Instrument {
	if s == "" {
		s = V141
	}
	return slices.Concat(
		genAI(s),
		traffic(),
		tokenParts(),
		promptCaches(),
		silences(),
		pauses(),
		costs(),
		chains(),
		turns(),
		sealed(),
		openChains(),
		openTurns(),
		slos(),
		requestLimits(),
		drifts(),
		scalings(),
		canaries(),
		election(),
		process(),
		genAITokens(s),
	)
}

// members puts all rows into one family.
func members(of Family, rows []Instrument) []Instrument {
	for i := range rows {
		rows[i].Family = of
	}
	return rows
}
