package watch

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// usual collects the values of the time to learn: of very many a random part, so that every
// hour counts alike.
type usual struct {
	Values []float64 `json:"values"`
	Seen   int       `json:"seen"`
	Since  time.Time `json:"since"`

	random *rand.Rand
}

const (
	// enough values give a p99 that can be relied on.
	enough = 300
	// mostUsual is how many are kept.
	mostUsual = 1024
)

// newUsual returns an empty collection. The same name makes the same choices.
func newUsual(name string) *usual {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name)) // a hash never fails
	return &usual{random: rand.New(rand.NewPCG(sum.Sum64(), mostUsual))}
}

func (u *usual) add(at time.Time, value float64) {
	if u.Seen == 0 || at.Before(u.Since) {
		u.Since = at
	}
	u.Seen++
	if len(u.Values) < mostUsual {
		u.Values = append(u.Values, value)
		return
	}
	if i := u.random.IntN(u.Seen); i < mostUsual {
		u.Values[i] = value
	}
}

// done says whether the time to learn is over, with enough values.
func (u *usual) done(at time.Time, learn time.Duration) bool {
	return u.Seen > 0 && at.Sub(u.Since) >= learn && len(u.Values) >= enough
}

func (u *usual) median() float64 {
	sorted := slices.Clone(u.Values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
