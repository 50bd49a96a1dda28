// Package series keeps the part of metrics that all backends share: it finds the series to
// which the samples of an exchange belong, and adds samples up in weighted histograms. So
// two backends have the same series with the same numbers, each in its own format.
package series

import (
	"sync"
	"time"

	"github.com/headway-sidecar/headway/exporter"
)

// Config says what a Book is made of.
type Config[S any] struct {
	Table []exporter.Instrument // those that exchanges and chains feed
	Names *exporter.Names
	Live  *exporter.Live

	// Make returns the series of Table[i] with these values of all labels. It makes the
	// series unless the backend has it already.
	Make func(i int, values []string) S
	// End ends the series of Table[i] with these values of all labels, if there is one.
	End func(i int, values []string)
}

// Book finds the series of a backend, whose type is S. It knows them by the Identity of
// exchanges, so that an exchange finds them by index and does not hash all its labels for
// each instrument. A Book is safe for concurrent use.
type Book[S any] struct {
	config Config[S]
	index  map[string]int // of Table, by name

	mu    sync.RWMutex
	pages map[exporter.Identity]*Page[S]
}

// NewBook returns a Book without series. Call it before the first exchange.
func NewBook[S any](c Config[S]) *Book[S] {
	b := &Book[S]{config: c, index: map[string]int{}, pages: map[exporter.Identity]*Page[S]{}}
	for i := range c.Table {
		b.index[c.Table[i].Name] = i
	}
	c.Names.OnRelease(b.end)
	return b
}

// Of returns the pages of an exchange that ended at this moment. Without a place for more
// series it returns pages beyond the bound, and counts that the exchange went there.
func (b *Book[S]) Of(id exporter.Identity, now time.Time) Pages[S] {
	p := Pages[S]{perTenant: b.used(id, now)}
	p.shared = p.perTenant
	if without := id.Shared(); without != id {
		p.shared = b.used(without, now)
	}
	return p
}

func (b *Book[S]) used(id exporter.Identity, now time.Time) *Page[S] {
	p := b.page(id, now)
	if p.set.Identity != id {
		p.set.Folded()
	}
	return p
}

// Forget lets go of all series. The Book asks Make for each again when it has samples.
func (b *Book[S]) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.pages)
}

func (b *Book[S]) page(id exporter.Identity, now time.Time) *Page[S] {
	b.mu.RLock()
	p := b.pages[id]
	b.mu.RUnlock()
	if p != nil && p.set.Use(now) {
		return p
	}
	set := b.config.Names.SetOf(id)
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.pages[set.Identity]; p != nil && p.set == set {
		return p
	}
	p = &Page[S]{set: set, book: b, made: map[key]S{}}
	b.pages[set.Identity] = p
	return p
}

// end ends the series of a Set that gave its places away.
func (b *Book[S]) end(id exporter.Identity, gone []exporter.Series) {
	b.mu.Lock()
	delete(b.pages, id)
	b.mu.Unlock()
	for _, one := range gone {
		i := b.index[one.Instrument]
		b.config.End(i, values(&b.config.Table[i], one.Identity, one.Extra))
	}
}

// values lists the values of all labels of in, in order.
func values(in *exporter.Instrument, id exporter.Identity, extra exporter.Extra) []string {
	return append(id.Values(in), extra[:len(in.Labels)]...)
}
