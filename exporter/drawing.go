package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// Drawing lets the instruments of a table draw from one exchange, chain or turn after the
// other, and reuses its memory. It is for one goroutine at a time.
type Drawing struct {
	exchange Reading
	chain    ChainReading
	interim  InterimReading
	turn     TurnReading
	of       drawnFrom
	families families // that draw from it
	samples  Samples
	used     int // so many samples were in use since Clear
}

// drawnFrom says which of its readings a Drawing draws from.
type drawnFrom uint8

const (
	ofExchange drawnFrom = iota
	ofChain
	ofInterim
	ofTurn
)

// Exchange makes r the exchange to draw from and returns its Identity. Names bound the
// labels. The Drawing keeps a copy of r until Clear.
func (d *Drawing) Exchange(r *exchange.Record, names *Names) Identity {
	d.exchange.Fill(*r, names)
	d.of, d.families = ofExchange, familiesOf(r)
	return d.exchange.Identity
}

// Chain makes c the chain to draw from, for the families of its last attempt, and returns the Identity of its last attempt.
// Names bound the labels. The Drawing keeps a copy of c until Clear.
func (d *Drawing) Chain(c *exchange.Chain, names *Names) Identity {
	d.chain.Fill(*c, names)
	d.of, d.families = ofChain, familiesOf(&c.Last)
	return d.chain.Identity
}

// Interim makes i the Interim to draw from and returns the Identity of its exchange. Names
// bound the labels. The Drawing keeps a copy of i until Clear.
func (d *Drawing) Interim(i *exchange.Interim, names *Names) Identity {
	d.interim.Fill(*i, names)
	d.of, d.families = ofInterim, familiesOf(&i.Of)
	return d.interim.Identity
}

// Turn makes t the turn to draw from, for the families of its last exchange, and returns the
// Identity of that. Names bound the labels. The Drawing keeps a copy of t until Clear.
func (d *Drawing) Turn(t *exchange.WholeTurn, names *Names) Identity {
	d.turn.Fill(*t, names)
	d.of, d.families = ofTurn, familiesOf(&t.Last)
	return d.turn.Identity
}

// Each calls add for every instrument of table that has samples of what was made to draw from,
// with the index of the instrument and the samples. The samples are add's to
// change until add returns.
func (d *Drawing) Each(table []Instrument, add func(i int, samples Samples)) {
	for i := range table {
		in := &table[i]
		if !d.families[in.Family] {
			continue
		}
		d.samples = d.samples[:0]
		switch {
		case d.of == ofChain && in.DrawChain != nil:
			in.DrawChain(&d.chain, &d.samples)
		case d.of == ofInterim && in.DrawInterim != nil:
			in.DrawInterim(&d.interim, &d.samples)
		case d.of == ofTurn && in.DrawTurn != nil:
			in.DrawTurn(&d.turn, &d.samples)
		case d.of == ofExchange && in.Draw != nil:
			in.Draw(&d.exchange, &d.samples)
		default:
			continue
		}
		if len(d.samples) > 0 {
			d.used = max(d.used, len(d.samples))
			add(i, d.samples)
		}
	}
}

// Clear lets go of what it draws from. Labels of samples may be pieces of larger
// strings, which must not live on in a pool.
func (d *Drawing) Clear() {
	switch d.of {
	case ofChain:
		d.chain = ChainReading{}
	case ofInterim:
		d.interim = InterimReading{}
	case ofTurn:
		d.turn = TurnReading{}
	default:
		d.exchange.Clear()
	}
	d.used = max(d.used, len(d.samples)) // one that panicked may have drawn more
	clear(d.samples[:d.used])
	d.samples, d.used = d.samples[:0], 0
}
