package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sockets"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// hopField names the headways that suspect a loop and let the request pass.
const hopField = "Headway-Hop"

const (
	// loopMemory is how long headway marks every request to an upstream that led back.
	loopMemory = time.Minute
	// proofMemory is how long an upstream that answered a marked request counts as one
	// that does not lead back.
	proofMemory = 10 * time.Minute
	// farSuspicion is how many like requests without an answer make headway suspect a loop
	// through the internet, and one through an upstream that has proved not to be a loop.
	// headway marks one request per loopMemory then.
	farSuspicion = 16
	// loudSuspicion is how many requests make headway log the suspicion.
	loudSuspicion = 64
	// complaint is the time from one log line about the same trouble to the next.
	complaint = time.Minute
)

// loops recognises requests that have passed this process before. A connection that the
// process has opened itself tells at once. Behind another proxy only a mark on the
// request tells, and headway marks a request only if it suspects a loop: see trail.
type loops struct {
	id     string // of this process, in hopField
	seed   maphash.Seed
	dialer *sockets.Dialer

	found      atomic.Uint64
	complained periodically
	suspected  periodically
}

// init makes l ready. A nil dialer is one of its own.
func (l *loops) init(d *sockets.Dialer) {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	l.id, l.seed = hex.EncodeToString(id[:]), maphash.MakeSeed()
	if l.dialer = d; d == nil {
		l.dialer = new(sockets.Dialer)
	}
}

// likeness is a hash of the parts of a request that proxies leave alone, in any order.
// Requests of one likeness may be one request that goes in a circle.
type likeness uint64

// passage is how a request looks to the headways that it passes.
type passage struct {
	like   likeness
	rough  likeness // without the parts that some proxies change at every pass
	marked bool     // by any headway
	own    bool     // by this process, so that the request has come back
}

// read looks at the head of a request.
func (l *loops) read(req *requestHead) passage {
	var p passage
	path, _, _ := bytes.Cut(req.target, []byte("?"))
	rough := maphash.Bytes(l.seed, path[bytes.LastIndexByte(path, '/')+1:]) ^ 3*maphash.Bytes(l.seed, req.method)
	sum := 13 * rough
	for name, value := range req.fields() {
		switch {
		case equalFold(name, "content-length"):
			sum ^= 5 * maphash.Bytes(l.seed, value)
		case equalFold(name, "content-type"):
			sum ^= 7 * maphash.Bytes(l.seed, value)
		case equalFold(name, "user-agent"):
			sum ^= 9 * maphash.Bytes(l.seed, value)
		case equalFold(name, "authorization"):
			sum ^= 11 * maphash.Bytes(l.seed, value)
		case equalFold(name, "headway-hop"):
			p.marked, p.own = true, p.own || bytes.Contains(value, []byte(l.id))
		}
	}
	p.like, p.rough = likeness(sum), likeness(rough)
	return p
}

// isLoop tells whether this process has opened c itself. It tells the truth when bytes
// have come on c, because headway notes a connection before it writes to it.
func (c *clientConn) isLoop() bool {
	if c.examined {
		return false
	}
	c.examined = true
	return c.proxy.loops.dialer.Opened(sockets.AddressOf(c.conn.RemoteAddr()), sockets.AddressOf(c.conn.LocalAddr()))
}

// reportLoop counts a request that came back, and logs it once a minute.
func (p *Proxy) reportLoop(upstream string) {
	n := p.loops.found.Add(1)
	if p.loops.complained.due(tap.Now()) {
		p.config.Log.Warn("requests come back to this headway: their upstream leads here; point it at the model server",
			"upstream", upstream, "answered with 508", n)
	}
}

// suspectLoop logs, once a minute, that so many marked requests to an upstream wait. If
// they go round through a proxy that drops the mark, nothing else can tell.
func (p *Proxy) suspectLoop(to *route, waiting int) {
	if waiting >= loudSuspicion && p.loops.suspected.due(tap.Now()) {
		p.config.Log.Warn("many like requests wait for their upstream, and it has answered none: does it lead back to this headway, through a proxy that drops Headway-Hop?",
			"upstream", to.String(), "waiting", waiting)
	}
}

// Loops counts the requests that headway refused because they had come back to it.
func (p *Proxy) Loops() uint64 { return p.loops.found.Load() }

// resetLoop ends a redirected connection whose request has come back, and answers nothing.
// It always returns false.
func (c *clientConn) resetLoop() bool {
	c.proxy.reportLoop(c.original.Address.String())
	c.use(len(c.bytes()))
	reset(c.upstream.raw)
	resetOnClose(c.conn)
	c.close()
	return false
}

// refuseLoop refuses a request that has come back. It always returns false.
func (c *clientConn) refuseLoop(x *tap.Exchange, route *route) bool {
	upstream := ""
	if route != nil {
		upstream = route.String()
		route.trail.cameBack(tap.Now())
	}
	c.proxy.reportLoop(upstream)
	return c.deny(x, refusal{status: 508, kind: "loop", message: "this request has come back here: upstream " + upstream + " leads to headway itself"},
		tap.Result{Outcome: exchange.HTTPError, ErrorType: "508"})
}

// trail knows the requests to one upstream that wait for their response's head. In a
// loop they pile up, and all are alike; so only a request whose like waits already is
// suspicious. Towards an upstream in this network a roughly like one is enough.
type trail struct {
	mu      sync.Mutex
	waiting map[likeness]int // by like and by rough
	looped  tap.Instant      // when a request last came back; 0 for never
	proved  tap.Instant      // when the upstream last answered a marked request
	marked  tap.Instant      // when headway last marked a request although there was a proof
}

// enter adds a request, and tells whether headway has to mark it, and how many roughly
// like ones wait. Near tells whether the upstream is in this network; enter asks only if
// that matters.
func (t *trail) enter(p passage, now tap.Instant, near func() bool) (mark bool, waiting int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting == nil {
		t.waiting = map[likeness]int{}
	}
	t.waiting[p.like]++
	t.waiting[p.rough]++
	n := t.waiting[p.rough]
	recently := func(at tap.Instant, within time.Duration) bool { return at > 0 && now.Sub(at) < within }
	switch {
	case recently(t.looped, loopMemory):
		return true, n
	case n < 2:
		return false, n
	case !recently(t.proved, proofMemory) && near():
		return true, n
	case t.waiting[p.like] >= farSuspicion && !recently(t.marked, loopMemory):
		t.marked = now
		return true, n
	}
	return false, n
}

// leave removes a request. Proved says that it was marked, and that a server answered.
func (t *trail) leave(p passage, proved bool, now tap.Instant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, like := range [...]likeness{p.like, p.rough} {
		if t.waiting[like]--; t.waiting[like] <= 0 {
			delete(t.waiting, like)
		}
	}
	if proved {
		t.proved = now
	}
}

func (t *trail) cameBack(now tap.Instant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looped, t.proved = now, 0
}

// The states of a hop.
const (
	offTrail int32 = iota
	onTrail
	leftTrail
)

// hop is the place of one exchange on the trail of its route.
type hop struct {
	seen     passage
	state    atomic.Int32 // offTrail, onTrail or leftTrail
	mark     string       // for hopField; empty for none
	withhold bool         // the client's own hopField does not go to a server far away
}

// enterTrail decides whether the request to the upstream connection of r gets a mark.
func (r *relay) enterTrail(p passage) {
	r.hop.seen = p
	mark, waiting := r.route.trail.enter(p, tap.Now(), r.up.isNear)
	if mark {
		r.hop.mark = r.client.proxy.loops.id
		r.client.proxy.suspectLoop(r.route, waiting)
	}
	r.hop.withhold = p.marked && !r.up.isNear()
	if !r.hop.state.CompareAndSwap(offTrail, onTrail) { // the upstream has answered already
		r.route.trail.leave(p, false, tap.Now())
	}
}

// leaveTrail takes r off the trail when the head of its response has come, with the
// given status, or when there will be none: status is 0 then.
func (r *relay) leaveTrail(status int) {
	if r.hop.state.Swap(leftTrail) == onTrail {
		r.route.trail.leave(r.hop.seen, r.hop.mark != "" && status >= 200 && status < 500, tap.Now())
	}
}

// isNear tells whether u leads to this machine or to a private network. A loop through
// the internet is rare, and nobody but operators of the private network sees the mark.
func (u *upstreamConn) isNear() bool {
	to := sockets.AddressOf(u.raw.RemoteAddr()).Addr()
	return isPrivate(to) || to == sockets.AddressOf(u.raw.LocalAddr()).Addr() && to.IsValid()
}

// sharedSpace is where carriers and clouds put private hosts (RFC 6598).
var sharedSpace = netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10)

func isPrivate(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || sharedSpace.Contains(a)
}

// periodically lets one of many equal events through: for the log.
type periodically struct{ last atomic.Int64 }

// due tells whether complaint has passed since it last returned true.
func (p *periodically) due(now tap.Instant) bool {
	last := p.last.Load()
	return (last == 0 || int64(now)-last >= int64(complaint)) && p.last.CompareAndSwap(last, int64(now))
}
