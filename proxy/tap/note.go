package tap

import "slices"

// Note adds a note to the Record, once.
func (x *Exchange) Note(note string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ended && !slices.Contains(x.record.Notes, note) {
		x.record.Notes = append(x.record.Notes, note)
	}
}
