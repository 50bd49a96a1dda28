package chain

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/sdk"
)

const (
	// unknownWait is the longest wait of an unknown client: a second, doubled for six
	// retries.
	unknownWait = 64 * time.Second
	// namedWait is how long a chain with an identifier waits at least: nobody can
	// mistake a late attempt.
	namedWait = time.Minute
	// loopWait is the shortest wait of an application's loop round an SDK that has given
	// up (LangChain's with_retry: a second and some jitter).
	loopWait = time.Second
	// midStreamWait is how long a chain waits after a stream that broke off. No SDK
	// repeats a request to which the answer has begun; an application may.
	midStreamWait = 30 * time.Second
	// renewWait is how long a chain waits for a client that renews its credentials.
	renewWait = 5 * time.Second
	// maxWait bounds the wait that a server may ask for.
	maxWait = 15 * time.Minute
	// early is by how much a client's timer may seem to fire before its time, because
	// headway read the response before the client did.
	early = 20 * time.Millisecond
)

// loops is the back-off of the slowest loops that applications put round an SDK.
var loops = sdk.BackOff{First: 2 * time.Second, Ceiling: unknownWait}

// window says when another attempt may follow, from the end of the last one: between
// earliest and latest. The client's own SDK would send it between from and to.
type window struct {
	earliest, latest time.Duration
	from, to         time.Duration
}

// expects reports whether the client's own SDK would send another attempt after gap.
func (w window) expects(gap time.Duration) bool { return gap >= w.from && gap <= w.to }

// window returns the time in which c may go on.
func (c *chain) window() window {
	client := sdk.Of(c.trail.client)
	if c.midStream {
		return window{latest: midStreamWait, to: -1}
	}
	if c.renews {
		return window{latest: renewWait, to: renewWait}
	}
	w := window{latest: unknownWait, to: -1}
	if c.trail.client != sdk.Unknown {
		w = backOff(client, c.tries())
	}
	if asked := min(c.asked, maxWait); asked > 0 {
		w.latest = max(w.latest, asked)
		if client.BackOff.Obeys(asked) {
			w.earliest = min(w.earliest, asked)
			w.from, w.to = asked-early, asked+asked/20+time.Second/2
		}
	}
	w.earliest = max(0, w.earliest-w.earliest/20-early)
	w.latest += w.latest*3/10 + 2*time.Second
	if c.trail.id != 0 {
		w.latest = max(w.latest, namedWait)
	}
	return w
}

// backOff returns the window of the retry that follows so many tries of the SDK itself.
func backOff(client *sdk.Client, tries int) window {
	least, longest := client.BackOff.Wait(tries)
	w := window{earliest: least, latest: longest, from: least - least/20 - early, to: longest + longest/10 + time.Second/2}
	if client.OnlyCounts() {
		_, loop := loops.Wait(tries)
		w.latest = max(client.BackOff.Ceiling, loop)
		if tries > client.Retries {
			w.earliest = min(w.earliest, loopWait)
		}
	}
	return w
}

// tries returns how many attempts the client's SDK has made in a row.
func (c *chain) tries() int {
	if c.trail.retries >= 0 && sdk.Of(c.trail.client).OnlyCounts() {
		return int(c.trail.retries) + 1
	}
	return int(c.ended)
}
