package exchange

import "time"

// Bursts says how much of a stream's content came out of a buffer: between the model and
// headway something kept it, and let go of much of it at once. The gaps between the chunks
// of such a stream are those of the buffer, and not what the model did.
type Bursts struct {
	Chunks int // content chunks that came in a burst
	Of     int // content chunks; 0 says that the stream was too short to tell
}

// A burst is a run of content chunks after a pause that no model can have generated in so
// short a time.
const (
	// stepChunks is the largest number of chunks that one step of a model makes for one
	// answer. Speculative decoding accepts 3 to 8 tokens a step, and some servers send
	// each of them in a chunk of its own.
	stepChunks = 8
	// runGap is the longest gap between two chunks of a run: reads of 16 KiB follow each
	// other within that time.
	runGap = 2 * time.Millisecond
	// fastestChunk is the shortest mean gap of chunks as they are generated, 5,000 a
	// second: the fastest services make some 3,000 tokens a second for one answer.
	fastestChunk = 200 * time.Microsecond
	// burstPause is the shortest pause before a burst. Shorter ones are those of a network
	// or of a scheduler.
	burstPause = 50 * time.Millisecond
)

// Share is the burst ratio of the stream: the share of its content chunks that came in
// bursts.
func (b Bursts) Share() float64 { return float64(b.Chunks) / float64(b.Of) }

// Buffered reports whether at least half of the content came in bursts. A network that
// loses a packet makes one burst, and no such stream.
func (b Bursts) Buffered() bool { return b.Of > 0 && 2*b.Chunks >= b.Of }

// FindBursts returns the bursts in the stream r, of an answer with so many choices. It
// finds none where the client or headway itself caused the pauses: bytes that wait for
// them come at once, too. It reads all chunks: it is for one call an exchange.
func (r *Record) FindBursts(choices int) Bursts {
	step := stepChunks * max(1, choices)
	if !r.Stream || r.Chunks.Kept() <= step {
		return Bursts{}
	}
	f := burstFinder{step: step}
	in := decoder{rest: r.Chunks.encoded}
	var chunks [batch]Chunk
	for n := in.read(chunks[:]); n > 0; n = in.read(chunks[:]) {
		f.add(chunks[:n])
	}
	f.end()
	if own := r.Clocks.Client.Sum + r.Clocks.Proxy.Sum; f.paused < 2*own {
		f.chunks = 0
	}
	return Bursts{Chunks: f.chunks, Of: r.Chunks.Kept()}
}

// burstFinder finds the bursts among the arrivals of chunks, which it gets in order.
type burstFinder struct {
	step        int // the longest run that is no burst
	run         int // chunks of the run
	pause       time.Duration
	first, last time.Duration // arrivals in the run

	chunks int           // in bursts
	paused time.Duration // before bursts
}

// add adds the next chunks.
func (f *burstFinder) add(chunks []Chunk) {
	for i := range chunks {
		at := chunks[i].At
		if gap := at - f.last; f.run == 0 || gap > runGap {
			f.end()
			f.run, f.pause, f.first = 0, gap, at
		}
		f.run++
		f.last = at
	}
}

// end ends a run.
func (f *burstFinder) end() {
	if f.run > f.step && f.pause >= burstPause && f.last-f.first < time.Duration(f.run)*fastestChunk {
		f.chunks += f.run
		f.paused += f.pause
	}
}
