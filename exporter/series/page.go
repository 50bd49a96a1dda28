package series

import (
	"sync"
	"time"

	"github.com/headway-sidecar/headway/exporter"
)

// Pages hold the series of one exchange: those of instruments that tell tenants apart, and
// those of all others, which the tenants share.
type Pages[S any] struct{ perTenant, shared *Page[S] }

// Each calls add with the samples of the i-th instrument, as Page.Each does.
func (p Pages[S]) Each(i int, samples exporter.Samples, add func(S, exporter.Samples) bool) {
	page := p.shared
	if page.book.config.Table[i].PerTenant {
		page = p.perTenant
	}
	page.Each(i, samples, add)
}

// Page holds the series of one Identity. It is safe for concurrent use.
type Page[S any] struct {
	set  *exporter.Set
	book *Book[S]

	mu   sync.RWMutex
	made map[key]S
}

// key names a series of a Page.
type key struct {
	instrument int
	extra      exporter.Extra
}

// Each calls add with the samples of the i-th instrument, those of one series after the
// other. Add is false if it found the series ended and did not add the samples. Then Each
// calls add again, with the series that has taken its place.
func (p *Page[S]) Each(i int, samples exporter.Samples, add func(S, exporter.Samples) bool) {
	if len(p.book.config.Table[i].Labels) == 0 { // all are of one series, and there may be thousands
		p.add(key{instrument: i}, samples, add)
		return
	}
	samples.EachSeries(func(labels exporter.Extra, of exporter.Samples) { p.add(key{i, labels}, of, add) })
}

func (p *Page[S]) add(k key, samples exporter.Samples, add func(S, exporter.Samples) bool) {
	if add(p.series(k), samples) {
		return
	}
	for {
		now := p.book.page(p.set.Identity, time.Now())
		if add(now.make(k, true), samples) {
			return
		}
	}
}

// series returns a series. At first sight it makes the series, and those that begin
// together with it.
func (p *Page[S]) series(k key) S {
	p.mu.RLock()
	found, ok := p.made[k]
	p.mu.RUnlock()
	if ok {
		return found
	}
	if together := p.book.config.Table[k.instrument].Together; together != nil {
		for _, extra := range together(p.book.config.Live, k.extra) {
			p.make(key{k.instrument, extra}, false)
		}
	}
	return p.make(k, false)
}

// make returns the series of k. It makes the series if it is not there, or if anew says
// that the one that is there has ended. Without a place it returns the series beyond the
// bound and does not remember k: there may be any number of keys without a place.
func (p *Page[S]) make(k key, anew bool) S {
	in := &p.book.config.Table[k.instrument]
	if !p.set.Room(in, k.extra) {
		id, extra := p.set.Fold(in, k.extra)
		return p.book.page(id, time.Now()).make(key{k.instrument, extra}, anew)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if found, ok := p.made[k]; ok && !anew {
		return found
	}
	made := p.book.config.Make(k.instrument, values(in, p.set.Identity, k.extra))
	p.made[k] = made
	return made
}
