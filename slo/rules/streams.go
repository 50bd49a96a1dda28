package rules

import (
	"fmt"
	"time"
)

// The names of the alerts about open streams. Each has a page of its name in docs/runbooks.
const (
	StreamsSilent = "HeadwayStreamsSilent" // most streams of a model have stopped
	StreamHung    = "HeadwayStreamHung"    // one has, for five minutes
)

// silentStreams is the metric of open streams without content, of those that had begun: a
// model may think for minutes before the first token.
const silentStreams = `sum by (model, upstream) (headway_streams_silent{phase="mid_stream",age=%q})`

// streams is the group about streams that are open now. Their ages are those of the metric,
// so that no scale changes them.
func streams(o Options) Group {
	minute := fmt.Sprintf(silentStreams, "60s")
	page := o.alert(StreamsSilent, minute+" >= 3\nand\n"+minute+"\n/\nsum by (model, upstream) (headway_requests_in_flight) > 0.5", time.Minute,
		"{{ $value }} streams of {{ $labels.model }} from {{ $labels.upstream }} have brought nothing for a minute",
		"More than half of what is under way there has stopped in the middle of its answer. Their users wait, and no other metric counts the streams before they end.")
	page.Labels["severity"] = string(Page)
	return Group{Name: "headway-streams", Interval: promDuration(scaled(30*time.Second, o.scale())), Rules: []Rule{
		page,
		o.alert(StreamHung, fmt.Sprintf(silentStreams, "300s")+" > 0", 0,
			"{{ $value }} streams of {{ $labels.model }} from {{ $labels.upstream }} have brought nothing for five minutes",
			"They are open, and stopped in their middle. Few clients wait so long. /api/v1/open names them while they are open."),
	}}
}
