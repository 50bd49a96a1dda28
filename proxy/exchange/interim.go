package exchange

import "time"

// Interim is one thing that happened to an exchange while it was open: some output tokens
// that came, a silent episode that ended, or a pause of its engine that is over. Observers
// do not count it again when the exchange is over: Record.Early says how much they know.
type Interim struct {
	Of      Record // as far as it is known: its labels, and little else
	Tokens  int64  // output tokens that came since the last Interim about them
	Episode Episode
	// Pause is the length of a pause that most streams of an engine had together. One of them
	// tells it for all.
	Pause time.Duration
}

// An InterimObserver gets the Interims of open exchanges. It must not wait for I/O.
type InterimObserver interface {
	ObserveInterim(Interim)
}

// Early is how much of a Record Interims have told before the exchange was over.
type Early struct {
	Tokens int64         // of its output, or of another one's that turned out to be too many
	Silent time.Duration // the end of the last silent episode among them; 0 for none
}

// Late returns the episodes of r that no Interim has told.
func (r *Record) Late() []Episode {
	all := r.Episodes()
	for len(all) > 0 && all[0].To <= r.Early.Silent+time.Microsecond { // chunks keep no shorter times
		all = all[1:]
	}
	return all
}
