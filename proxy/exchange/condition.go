package exchange

// Condition is a demand on the head of a request: the value of a field must match a
// pattern.
type Condition struct {
	Field   string // name in lower case
	Pattern string // see Match
}

// MaxConditions is the largest number of conditions: Met has one bit for each.
const MaxConditions = 64

// Conditions lists the conditions that the tap checks on every request, MaxConditions at
// most. Nobody changes a list; new conditions make a new list.
type Conditions []Condition

// Met says which conditions a request met. It does not keep the values of the fields.
type Met struct {
	Of   *Conditions // nil when the tap had no conditions to check
	Bits uint64      // bit i is set when the request met (*Of)[i]
}

// Has reports whether the tap checked c and the request met it.
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
