package live

import (
	"net/http"
	"strconv"
	"time"
)

// viewerPatience is how long a viewer may take for one message.
const viewerPatience = 5 * time.Second

// ServeHTTP serves GET /api/v1/stream: server-sent events, until the viewer leaves or is too
// slow. Each has a JSON document as its data: "streams" is the changes among the exchanges
// under way, "summary" a Summary, "exchanges" those that have ended, the newest first,
// "chains" the calls that failed at least once, and "turns" the turns of agents.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := h.join()
	if v == nil {
		w.Header().Set("Retry-After", "10")
		http.Error(w, strconv.Itoa(maxViewers)+" others follow already, or headway stops; try again later", http.StatusServiceUnavailable)
		return
	}
	defer h.leave(v)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the server's own would end the request
	for {
		select {
		case <-r.Context().Done():
			return
		case m, going := <-v.messages:
			if !going {
				return
			}
			_ = out.SetWriteDeadline(time.Now().Add(viewerPatience)) // a server that has none needs none
			if _, err := w.Write(m); err != nil {
				return
			}
			if len(v.messages) > 0 {
				continue
			}
			if err := out.Flush(); err != nil {
				return
			}
		}
	}
}
