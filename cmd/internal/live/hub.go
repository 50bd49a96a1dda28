package live

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/turn"
)

const (
	// hubEvery is the time between two samples of the exchanges under way, if they are few.
	hubEvery = 250 * time.Millisecond
	// hubSummaryEvery is the time between two Summaries.
	hubSummaryEvery = time.Second
	// maxViewers bounds those that follow at the same time.
	maxViewers = 4
	// viewerBacklog is how many messages may wait for one viewer: some seconds of them. The
	// hub drops a viewer that is slower.
	viewerBacklog = 24
	// maxLanes bounds the exchanges under way that viewers follow, the oldest first.
	maxLanes = 1000
	// firstExchanges is how many exchanges that have ended a new viewer gets.
	firstExchanges = 100
	// followedChains is how many calls viewers follow.
	followedChains = 30
)

// Sources is where a Hub reads. Its goroutine calls all of them, while somebody views.
type Sources struct {
	View *View
	// Open appends the exchanges that are open.
	Open func(dst []exchange.Open) []exchange.Open
	// KeepFresh bounds the age of what Open says; 0 ends that.
	KeepFresh func(age time.Duration)
	Chains    func(limit int) []chain.Summary
	Turns     func(limit int) []turn.Summary
}

// Hub samples what is under way, for all viewers together. Without a viewer it does nothing.
type Hub struct {
	from Sources

	mu      sync.Mutex
	viewers map[*viewer]struct{}
	closed  bool
	running bool
	joined  chan struct{} // somebody began to view
}

// viewer is one that follows.
type viewer struct {
	messages chan []byte // server-sent events; the hub closes it to drop the viewer
	greeted  bool        // it has what came before it
}

// NewHub returns a Hub without viewers.
func NewHub(from Sources) *Hub {
	return &Hub{from: from, viewers: map[*viewer]struct{}{}, joined: make(chan struct{}, 1)}
}

// Close ends all viewers, and lets no other in.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for v := range h.viewers {
		h.drop(v)
	}
}

// join adds a viewer. It returns nil if there are too many, or the hub is closed.
func (h *Hub) join() *viewer {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.viewers) == maxViewers {
		return nil
	}
	v := &viewer{messages: make(chan []byte, viewerBacklog)}
	h.viewers[v] = struct{}{}
	if !h.running {
		h.running = true
		go h.run()
	}
	select {
	case h.joined <- struct{}{}:
	default:
	}
	return v
}

// leave removes a viewer.
func (h *Hub) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(v)
}

// drop ends a viewer, unless it has ended. The caller holds h.mu.
func (h *Hub) drop(v *viewer) {
	if _, there := h.viewers[v]; there {
		delete(h.viewers, v)
		close(v.messages)
	}
}

// paceOf is the time between two samples of so many exchanges. A sample takes some
// microseconds of each, and a stream that is decoded often costs more than one that is
// decoded a dozen chunks at a time.
func paceOf(open int) time.Duration {
	switch {
	case open > maxLanes/2:
		return 4 * hubEvery
	case open > maxLanes/4:
		return 2 * hubEvery
	}
	return hubEvery
}

// run samples until nobody views any more.
func (h *Hub) run() {
	pace := hubEvery
	h.from.KeepFresh(pace)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	s := newSampler(&h.from)
	for since := time.Duration(0); ; {
		select {
		case <-h.joined:
			if !h.greet(s) {
				return
			}
			continue
		case <-tick.C:
		}
		messages := [][]byte{s.streams(time.Now())}
		if since += pace; since >= hubSummaryEvery {
			messages, since = append(messages, s.summaries()...), 0
		}
		if !h.send(messages) {
			return
		}
		if next := paceOf(len(s.open)); next != pace {
			pace = next
			h.from.KeepFresh(pace)
			tick.Reset(pace)
		}
	}
}

// greet sends new viewers what others have had. It is false if nobody views.
func (h *Hub) greet(s *sampler) bool {
	first := s.first(time.Now())
	h.mu.Lock()
	defer h.mu.Unlock()
	for v := range h.viewers {
		if v.greeted {
			continue
		}
		v.greeted = true
		for _, m := range first {
			v.messages <- m // it is empty, and has room for more
		}
	}
	return h.goOn()
}

// send sends messages to all viewers, and drops those that do not keep up. It is false if
// nobody views.
func (h *Hub) send(messages [][]byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for v := range h.viewers {
		switch {
		case !v.greeted:
		case len(v.messages)+len(messages) > viewerBacklog:
			h.drop(v)
		default:
			for _, m := range messages {
				v.messages <- m
			}
		}
	}
	return h.goOn()
}

// goOn says whether somebody views, and else ends the sampling. The caller holds h.mu.
func (h *Hub) goOn() bool {
	if len(h.viewers) > 0 {
		return true
	}
	h.running = false
	h.from.KeepFresh(0)
	return false
}

// message is a server-sent event with data as JSON, which has no line break.
func message(event string, data any) []byte {
	text, err := json.Marshal(data)
	if err != nil {
		return []byte(": " + event + " cannot be told\n\n")
	}
	out := make([]byte, 0, len(event)+len(text)+16)
	out = append(append(out, "event: "...), event...)
	out = append(append(out, "\ndata: "...), text...)
	return append(out, "\n\n"...)
}
