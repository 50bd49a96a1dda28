package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// Drawing lets the instruments of a table draw from one exchange or chain after the
// other, and reuses its memory. It is for one goroutine at a time.
type Drawing struct {
	exchange Reading
	chain    ChainReading
	ofChain  bool // it draws from chain, not from exchange
	samples  Samples
	used     int // so many samples were in use since Clear
}

// Exchange makes r the exchange to draw from and returns its Identity. Names bound the
// labels.
func (d *Drawing) Exchange(r exchange.Record, names *Names) Identity {
	d.exchange.Fill(r, names)
	d.ofChain = false
	return d.exchange.Identity
}

// Chain makes c the chain to draw from and returns the Identity of its last attempt.
// Names bound the labels.
func (d *Drawing) Chain(c exchange.Chain, names *Names) Identity {
	d.chain.Fill(c, names)
	d.ofChain = true
	return d.chain.Identity
}

// Each calls add for every instrument of table that takes the exchange or chain, with
// the index of the instrument and the samples that it drew. The samples are add's to
// change until add returns.
func (d *Drawing) Each(table []Instrument, add func(i int, samples Samples)) {
	for i := range table {
		if !d.draw(&table[i]) {
			continue
		}
		d.used = max(d.used, len(d.samples))
		add(i, d.samples)
	}
}

// draw says whether in takes the exchange or chain. If so, d.samples are what in drew.
func (d *Drawing) draw(in *Instrument) bool {
	d.samples = d.samples[:0]
	switch {
	case d.ofChain && in.TakesChain(&d.chain.Chain):
		in.DrawChain(&d.chain, &d.samples)
	case !d.ofChain && in.Takes(&d.exchange.Record):
		in.Draw(&d.exchange, &d.samples)
	default:
		return false
	}
	return true
}

// Clear lets go of the exchange or chain. Labels of samples may be pieces of larger
// strings, which must not live on in a pool.
func (d *Drawing) Clear() {
	d.exchange.Clear()
	d.chain = ChainReading{}
	d.used = max(d.used, len(d.samples)) // one that panicked may have drawn more
	clear(d.samples[:d.used])
	d.samples, d.used = d.samples[:0], 0
}
