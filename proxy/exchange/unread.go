package exchange

// Delivered is the outcome that exporters show in place of OK if no dialect reads the API of
// the exchange: the client got the whole response, with a status below 400, and headway
// does not know what it said.
const Delivered Outcome = "delivered"

// Told is how r ended, in a word that says no more than headway knows. The words of an
// exchange that no dialect reads are those of Outcomes, without StreamError and with
// Delivered for OK.
func (r *Record) Told() Outcome {
	if r.PathClass != "" && r.Outcome == OK {
		return Delivered
	}
	return r.Outcome
}
