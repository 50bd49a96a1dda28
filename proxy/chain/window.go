package chain

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/sdk"
)

const (
	// unknownWait is the longest wait of a client that nothing is known of: what
	// doubling from a second comes to in six retries.
	unknownWait = 64 * time.Second
	// namedWait is how long a chain with an identifier is kept at least: a late attempt
	// cannot be mistaken.
	namedWait = time.Minute
	// loopWait is the shortest that an application's loop waits round a library that has
	// given up (LangChain's with_retry: a second and some jitter).
	loopWait = time.Second
	// midStreamWait is for a stream that broke off. No library sends again what has
	// begun to be answered; an application may.
	midStreamWait = 30 * time.Second
	// renewWait is for credentials that are renewed after a 401.
	renewWait = 5 * time.Second
	// maxWait bounds what a server may ask for.
	maxWait = 15 * time.Minute
	// early is by how much a timer may seem to fire before its time: the response
	// was read here before it was there.
	early = 20 * time.Millisecond
)

// loops are the slowest loops that an application puts round an SDK of its own.
var loops = sdk.BackOff{First: 2 * time.Second, Ceiling: unknownWait}

// window says when another attempt may follow, from the end of the last one.
// Between sharp and blunt is where the client's own library would send it.
type window struct {
	earliest, latest time.Duration
	sharp, blunt     time.Duration
}

// window is the time in which c may go on.
func (c *chain) window() window {
	client := sdk.Of(c.trail.client)
	if c.midStream {
		return window{latest: midStreamWait, blunt: -1}
	}
	if c.renews {
		return window{latest: renewWait, blunt: renewWait}
	}
	w := window{latest: unknownWait, blunt: -1}
	if c.trail.client != sdk.Unknown {
		w = backOff(client, c.tries())
	}
	if asked := min(c.asked, maxWait); asked > 0 {
		w.latest = max(w.latest, asked)
		if client.BackOff.Obeys(asked) {
			w.earliest = min(w.earliest, asked)
			w.sharp, w.blunt = asked-early, asked+asked/20+time.Second/2
		}
	}
	w.earliest = max(0, w.earliest-w.earliest/20-early)
	w.latest += w.latest*3/10 + 2*time.Second
	if c.trail.id != 0 {
		w.latest = max(w.latest, namedWait)
	}
	return w
}

// backOff is the window of the retry that follows so many tries of the SDK itself.
func backOff(client *sdk.Client, tries int) window {
	least, longest := client.BackOff.Wait(tries)
	w := window{earliest: least, latest: longest, sharp: least - least/20 - early, blunt: longest + longest/10 + time.Second/2}
	if client.OnlyCounts() {
		_, loop := loops.Wait(tries)
		w.latest = max(client.BackOff.Ceiling, loop)
		if tries > client.Retries {
			w.earliest = min(w.earliest, loopWait)
		}
	}
	return w
}

// tries is how many attempts the client's library has made in a row.
func (c *chain) tries() int {
	if c.trail.retries >= 0 && sdk.Of(c.trail.client).OnlyCounts() {
		return int(c.trail.retries) + 1
	}
	return int(c.ended)
}
