package promptcache

const (
	// entryBytes is what an entry takes without its messages: itself, its share of the index and of
	// the queue.
	entryBytes = 160 + 56 + 8
	// probes is how many messages of a prompt, from its end, may be the last one of the prompt
	// before. An answer and the results of two dozen parallel tool calls may stand behind it.
	probes = 32
	// perKey bounds the entries that a look-up compares.
	perKey = 4
)

// book holds entries in the order in which their exchanges ended, and finds them by the last
// two messages of their prompt. The oldest go first, and a conversation that goes on has new
// ones.
type book struct {
	index map[uint64]*entry // the newest by its key
	queue []*entry
	bytes int
	most  int // bytes
}

func newBook(most int) book { return book{index: map[uint64]*entry{}, most: most} }

// key is the hash of the message at i and of the one before it, system prompts left out.
func (e *entry) key(i int) uint64 {
	before := uint64(0)
	if i > e.SystemMessages {
		before = uint64(e.Messages[i-1]) + 1
	}
	return mixed(mixed(e.sender, before), uint64(e.Messages[i]))
}

// lastKey is the key of e, by which others find it.
func (e *entry) lastKey() uint64 { return e.key(len(e.Messages) - 1) }

// size is the memory of e.
func (e *entry) size() int { return entryBytes + 4*cap(e.Messages) }

// last returns the last prompt of the conversation that next goes on, nil for none. Its last two
// messages stand in next, the closer to the end the better. One that next begins with comes
// first: others may be of the same dialogue under another system prompt.
func (b *book) last(next *entry) *entry {
	newest := len(next.Messages) - 1
	var found *entry
	for i := newest; i >= next.SystemMessages && i > newest-probes; i-- {
		for e, n := b.index[next.key(i)], 0; e != nil && n < perKey; e, n = e.before, n+1 {
			switch {
			case !e.precedes(next):
			case e.continuedBy(next):
				return e
			case found == nil && e.telling():
				found = e
			}
		}
	}
	return found
}

// telling says whether the last messages of e name its conversation: one message alone, such as
// a greeting, begins many.
func (e *entry) telling() bool { return len(e.Messages) > e.SystemMessages+1 }

// add books e, and drops the oldest entries beyond the bound and those that have expired. Of
// entries with the same key it finds the newest only from then on.
func (b *book) add(e *entry) {
	if len(e.Messages) == e.SystemMessages {
		return
	}
	key := e.lastKey()
	e.before = b.index[key]
	b.index[key] = e
	for old, n := e, 1; old != nil; old, n = old.before, n+1 {
		if n == perKey {
			old.before = nil
		}
	}
	b.queue = append(b.queue, e)
	b.bytes += e.size()
	for len(b.queue) > 0 && (b.bytes > b.most || b.queue[0].expires().Before(e.start)) {
		b.drop()
	}
}

// drop drops the oldest entry, the last one of its key.
func (b *book) drop() {
	e := b.queue[0]
	b.queue[0] = nil
	b.queue = b.queue[1:]
	b.bytes -= e.size()
	key := e.lastKey()
	newest := b.index[key]
	if newest == e {
		delete(b.index, key)
		return
	}
	for ; newest != nil; newest = newest.before {
		if newest.before == e {
			newest.before = nil
		}
	}
}
