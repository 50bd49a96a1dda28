package reading

import "github.com/headway-sidecar/headway/proxy/dialect/frame"

// work is the memory of a decoder that only a message needs which is being read. A stream that
// is between two messages has none: the decoders of an API share it.
type work struct {
	message Message
	piece   frame.Piece
}

// begin gets the decoder its work, unless it has some.
func (d *decoder) begin() {
	if d.work != nil {
		return
	}
	w, ok := d.api.works.Get().(*work)
	if !ok {
		w = new(work)
		w.message.reset(d.api, true)
	}
	w.message.streamed = d.streams()
	d.work = w
	d.json.Lend(&w.piece)
}

// Rest gives the work back between two messages of a stream, because none is to come at once.
func (d *decoder) Rest() {
	if d.work != nil && d.fresh && d.streams() {
		d.lendOn()
	}
}

// giveBack gives the work back when the response has ended, which may have been in the middle
// of a message.
func (d *decoder) giveBack() {
	d.work.message.reset(d.api, true)
	d.lendOn()
}

// lendOn leaves the work to the next decoder. Its message is reset.
func (d *decoder) lendOn() {
	d.json.Lend(nil)
	d.api.works.Put(d.work)
	d.work = nil
}
