package dashboards

// look is how a panel draws the results of its queries.
type look int

const (
	lines   look = iota // over time
	stacked             // over time, one upon the other
	figure              // one number, with its course behind it
	heat                // a heat map over time
	list                // a table, the worst first
	scatter             // one query across, the others up
	note                // text, for a definition
)

// query is one query of a panel.
type query struct {
	expr      string
	legend    string // with labels in double braces; for a list, the name of the column
	unit      string // of this column of a list
	now       bool   // only the newest value
	heat      bool   // the result is a heat map
	exemplars bool   // draw the exemplars, which lead to traces
}

// step is a colour from a value on.
type step struct {
	from  float64
	color string
}

// panel is one panel of a dashboard.
type panel struct {
	title string
	about string // a sentence or two for the engineer at night; of a note, its text
	look  look
	unit  string // of Grafana
	limit string // the indicator whose limits by SLOs are drawn
	steps []step // below the first, green
	share bool   // the axis goes from 0 to 1
	debt  bool   // the axis may go below 0
	log   bool   // the axis is logarithmic
	blank string // instead of "No data", where that is good news
	more  string // uid of the dashboard that explains more
	width int    // of 24; 0 shares the row evenly

	queries []query
}

// row is panels side by side.
type row struct {
	title  string // a heading above the row; empty is none
	height int    // in Grafana's units of some 30 pixels; 0 is the usual
	panels []panel
}

// board is a dashboard.
type board struct {
	uid, title, about string
	variables         []variable
	recorded          bool // it reads what rules have recorded
	rows              []row
}

// Units of Grafana.
const (
	seconds    = "s"
	perSecond  = "reqps"
	each       = "suffix: /s" // of what is no request
	tokensRate = "suffix: tok/s"
	hour       = "suffix: /h" // of money, whose currency the legend names
	ratio      = "percentunit"
	plain      = "short"
	bytesUnit  = "bytes"
	times      = "suffix: ×"
)

// outputTokens is the counter of output tokens that moves while streams run: for rates. That of
// headway_tokens_total moves at their ends.
func outputTokens() metric { return traffic("headway_output_tokens_total") }

// good turns bad at from upwards.
func good(warn, bad float64) []step { return []step{{warn, "orange"}, {bad, "red"}} }

// needed is red below bad and orange below warn.
func needed(bad, warn float64) []step {
	return []step{{-1e9, "red"}, {bad, "orange"}, {warn, "green"}}
}
