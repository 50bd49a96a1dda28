package live

import (
	"encoding/json"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/turn"
	"github.com/headway-sidecar/headway/slo"
)

// Summary is how traffic goes at one moment, as GET /api/v1/summary tells it and the table
// shows it.
type Summary struct {
	At         time.Time                `json:"at"`
	Ran        Seconds                  `json:"ran_s"` // since the view began
	Open       int                      `json:"open"`  // exchanges under way
	Requests   int                      `json:"requests"`
	Unreadable int                      `json:"connections_not_read,omitempty"` // beside the requests
	Outcomes   map[exchange.Outcome]int `json:"outcomes"`
	Calls      Calls                    `json:"calls"`
	Window     Window                   `json:"window"`
	SLOs       []slo.Status             `json:"slos,omitempty"`
	Limits     []Limit                  `json:"rate_limits,omitempty"` // that upstreams told last
}

// Frame is what a screen shows.
type Frame struct {
	Summary
	Drift   []Finding       // beside the load test
	Streams []Stream        // exchanges under way, the longest silence first
	Chains  []chain.Summary // calls that failed at least once
	Turns   []turn.Summary  // of agents
}

// Seconds is a duration that is a number of seconds in JSON.
type Seconds time.Duration

// MarshalJSON implements json.Marshaler.
func (s Seconds) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Seconds()) }

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	var n float64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	*s = Seconds(n * float64(time.Second))
	return nil
}
