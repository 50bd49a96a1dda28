package chain

import (
	"container/heap"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// grain is how much later than its deadline the Joiner closes a chain, so that it
	// closes chains together whose deadlines are close.
	grain = 100 * time.Millisecond
	// batch is how many chains it closes while others wait for the lock.
	batch = 256
)

// queue holds the chains that wait for another attempt, by deadline.
type queue struct{ deadlines }

func (q *queue) add(c *chain) { heap.Push(&q.deadlines, c) }

func (q *queue) remove(c *chain) {
	if c.place > 0 {
		heap.Remove(&q.deadlines, int(c.place-1))
	}
}

// deadlines is a heap of chains that know their places.
type deadlines []*chain

// Len implements heap.Interface.
func (d deadlines) Len() int { return len(d) }

// Less implements heap.Interface.
func (d deadlines) Less(i, j int) bool { return d[i].deadline < d[j].deadline }

// Swap implements heap.Interface.
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = int32(i+1), int32(j+1)
}

// Push implements heap.Interface.
func (d *deadlines) Push(c any) {
	*d = append(*d, c.(*chain))
	c.(*chain).place = int32(len(*d))
}

// Pop implements heap.Interface.
func (d *deadlines) Pop() any {
	old := *d
	c := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	c.place = 0
	return c
}

// setAlarm sets the alarm to the first deadline.
func (j *Joiner) setAlarm() {
	if d := j.silent.deadlines; len(d) > 0 && !j.closed {
		j.alarm.Reset(max(0, d[0].deadline-time.Since(j.epoch)) + grain)
	}
}

// expire closes the chains whose deadline is over.
func (j *Joiner) expire() {
	for {
		j.mu.Lock()
		var over []exchange.Chain
		now := time.Since(j.epoch)
		for d := &j.silent.deadlines; len(*d) > 0 && (*d)[0].deadline < now && len(over) < batch; {
			over = j.abandon((*d)[0], over)
		}
		j.setAlarm()
		j.mu.Unlock()
		if len(over) == 0 {
			return
		}
		j.handOn(over)
	}
}
