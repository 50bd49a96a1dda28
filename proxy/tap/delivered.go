package tap

import "github.com/headway-sidecar/headway/proxy/exchange"

// delivered counts the tokens of the stream r that had reached the client. It is unknown
// where the number of streamed tokens is.
//
// Nobody keeps the place of each chunk in the body. So delivered lays the chunks out again:
// each takes its content and an equal part of all other bytes, which nearly all are the
// envelope that every event repeats. That is off by a chunk or two.
func (c *Receipt) delivered(r *exchange.Record) exchange.Count {
	streamed, kept := r.Usage.Streamed, r.Chunks.Kept()
	switch {
	case !c.Known || !r.Stream || !streamed.Known || kept == 0 || c.Sent <= 0:
		return exchange.Count{}
	case c.Acknowledged >= c.Sent:
		return streamed
	case kept < r.Chunks.Count: // so that nobody knows the last chunks
		return exchange.Known(int64(float64(streamed.N) * float64(c.Acknowledged) / float64(c.Sent)))
	}
	return exchange.Known(min(streamed.N, before(r, float64(c.Sent-c.Acknowledged)/float64(c.Sent))))
}

// before counts the tokens of the chunks that end before the last part of the body, which
// is such a share of it.
func before(r *exchange.Record, last float64) (tokens int64) {
	content := float64(r.Chunks.Bytes())
	envelope := max(0, float64(r.Bytes.Out)-content) / float64(max(r.Events, r.Chunks.Count))
	needed := last*max(content, float64(r.Bytes.Out)) - envelope/2 // of a compressed body, as if it were not
	behind := content + envelope*float64(r.Chunks.Count)           // from the chunk that is read to the last one
	chunks := r.Chunks.Arrivals(r.Usage.Streamed)
	var batch [exchange.BlockSize]exchange.Chunk
	for n := chunks.Read(batch[:]); n > 0; n = chunks.Read(batch[:]) {
		for _, k := range batch[:n] {
			if behind -= float64(k.Bytes) + envelope; behind < needed {
				return tokens
			}
			tokens += int64(k.Tokens)
		}
	}
	return tokens
}
