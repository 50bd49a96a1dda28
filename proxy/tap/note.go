package tap

import "slices"

// Note adds what to the Record's notes, once.
func (x *Exchange) Note(what string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ended && !slices.Contains(x.record.Notes, what) {
		x.record.Notes = append(x.record.Notes, what)
	}
}
