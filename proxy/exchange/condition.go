package exchange

// Condition is what a request's head may meet: a field whose value a pattern
// describes.
type Condition struct {
	Field   string // in lower case
	Pattern string // as of Match
}

// MaxConditions is how many conditions can be told apart.
const MaxConditions = 64

// Conditions are those that requests are looked at for, MaxConditions at most. They
// are never changed, only replaced.
type Conditions []Condition

// Met is which of some conditions a request met. The values that met them are kept
// nowhere.
type Met struct {
	Of   *Conditions // nil when there were none to meet
	Bits uint64      // by index
}

// Has tells whether c was asked for and met.
func (m Met) Has(c Condition) bool {
	if m.Of == nil {
		return false
	}
	for i, of := range *m.Of {
		if of == c {
			return m.Bits&(1<<i) != 0
		}
	}
	return false
}
