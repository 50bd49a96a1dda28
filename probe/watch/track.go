package watch

import (
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
)

// indicators are those that have detectors.
var indicators = [...]baseline.Name{baseline.TTFT, baseline.TPOT, baseline.E2E}

// detector is a drift.Detector of canaries, or a drift.Witness of production.
type detector interface {
	Observe(at time.Time, value float64)
	Alarm() bool
	Verdict() drift.Verdict
	Save() ([]byte, error)
	Restore(text []byte) error
}

// track is one indicator of one probe, or of the production of one model.
type track struct {
	source    Source
	probe     string
	model     string
	cell      string
	indicator baseline.Name
	detector  detector // nil if nothing can be compared
	outside   string   // why the latest observation was not compared
	told      bool     // the log has the alarm
}

func (t *track) elapse(now time.Time) {
	if w, ok := t.detector.(*drift.Witness); ok {
		w.Elapse(now)
	}
}
