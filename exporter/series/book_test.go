package series_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/series"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// counted is a series that counts its samples until it ends.
type counted struct {
	labels string
	n      atomic.Int64
	ended  atomic.Bool
}

func (c *counted) add(of exporter.Samples) bool {
	if c.ended.Load() {
		return false
	}
	c.n.Add(int64(len(of)))
	return true
}

// backend has two instruments, the second with a label of its own.
type backend struct {
	names *exporter.Names
	book  *series.Book[*counted]
	made  []*counted // in order
}

func newBackend(models int) *backend {
	b := &backend{names: exporter.NewNames(models, 1)}
	b.book = series.NewBook(series.Config[*counted]{
		Table: []exporter.Instrument{
			{Name: "plain", Kind: exporter.Counter, Family: exporter.Traffic},
			{Name: "labelled", Kind: exporter.Counter, Family: exporter.Traffic, Labels: []string{"own"}, Together: func(*exporter.Live, exporter.Extra) []exporter.Extra {
				return []exporter.Extra{{"x"}, {"y"}}
			}},
		},
		Names: b.names,
		Make: func(i int, values []string) *counted {
			c := &counted{labels: fmt.Sprint(i, values)}
			b.made = append(b.made, c)
			return c
		},
		End: func(i int, values []string) {
			for _, c := range b.made {
				if c.labels == fmt.Sprint(i, values) {
					c.ended.Store(true)
				}
			}
		},
	})
	return b
}

func (b *backend) page(model string) series.Pages[*counted] {
	return b.book.Of(exporter.Identity{Operation: exchange.Chat, Request: b.names.ClaimModel(model)}, time.Now())
}

// told lists the series and what they count.
func (b *backend) told() (out []string) {
	for _, c := range b.made {
		out = append(out, fmt.Sprintf("%s=%d", c.labels, c.n.Load()))
	}
	return out
}

func (b *backend) check(t *testing.T, want ...string) {
	t.Helper()
	if got := b.told(); !slices.Equal(got, want) {
		t.Errorf("series\n%q, want\n%q", got, want)
	}
}

func TestSamplesGoToTheirSeries(t *testing.T) {
	b := newBackend(2)
	for range 2 {
		p := b.page("a")
		p.Each(0, exporter.Samples{{Value: 1}, {Value: 2}}, (*counted).add)
		p.Each(1, exporter.Samples{{Extra: exporter.Extra{"y"}}, {Extra: exporter.Extra{"z"}}, {Extra: exporter.Extra{"z"}}}, (*counted).add)
	}
	b.check(t, "0 [chat a ]=4", "1 [chat a  x]=0", "1 [chat a  y]=2", "1 [chat a  z]=4")
}

func TestSeriesBeyondTheBoundAreShared(t *testing.T) {
	b := newBackend(9)
	b.names.LimitSeries(100)
	for i := range 60 {
		b.page("a").Each(1, exporter.Samples{{Extra: exporter.Extra{strconv.Itoa(i)}}}, (*counted).add)
	}
	last := b.made[len(b.made)-1]
	if last.labels != "1 [_other _other _other _other]" || last.n.Load() == 0 || b.names.SeriesUse().Present > 100 {
		t.Errorf("%d series, the last of them %s", b.names.SeriesUse().Present, last.labels)
	}
	n := int64(0)
	for _, c := range b.made {
		n += c.n.Load()
	}
	if n != 60 {
		t.Errorf("%d samples in all series, want 60", n)
	}
}

func TestAModelThatLosesItsPlaceLosesItsSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(1)
		b.page("a").Each(0, exporter.Samples{{}}, (*counted).add)
		time.Sleep(2 * time.Hour)
		b.page("b").Each(0, exporter.Samples{{}}, (*counted).add)
		if a := b.made[0]; !a.ended.Load() {
			t.Error("the series of a goes on")
		}
		b.check(t, "0 [chat a ]=1", "0 [chat b ]=1")
	})
}

// An exchange may have found its series when it ends. Its samples go to the series that
// comes after.
func TestSamplesOfASeriesThatHasEndedGoToTheNextOne(t *testing.T) {
	b := newBackend(2)
	p := b.page("a")
	y := exporter.Samples{{Extra: exporter.Extra{"y"}}}
	p.Each(1, y, (*counted).add)
	b.made[1].ended.Store(true)
	p.Each(1, y, (*counted).add)
	p.Each(1, y, (*counted).add)
	b.check(t, "1 [chat a  x]=0", "1 [chat a  y]=1", "1 [chat a  y]=2")
}

func TestWhatIsForgottenIsMadeAgain(t *testing.T) {
	b := newBackend(2)
	b.page("a").Each(0, exporter.Samples{{}}, (*counted).add)
	b.book.Forget()
	b.page("a").Each(0, exporter.Samples{{}}, (*counted).add)
	b.check(t, "0 [chat a ]=1", "0 [chat a ]=1")
}
