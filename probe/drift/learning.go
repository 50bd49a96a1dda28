package drift

import (
	"math"
	"slices"
	"time"
)

// Habits are the ways in which a service's latencies differ from independent draws of one
// distribution. The promise needs to know them.
type Habits struct {
	// Bias is the median latency ÷ that of the load test.
	Bias float64 `json:"bias"`
	// Likeness is the correlation of an observation with the one before it, 0 to 0.9.
	Likeness float64 `json:"likeness"`
	// Swing is the amplitude of the daily rise and fall, as a share: 0.1 is ± 10 %.
	Swing float64 `json:"swing"`
}

// Temper is the weight of one observation that resembles the one before it.
func (h Habits) Temper() float64 { return (1 - h.Likeness) / (1 + h.Likeness) }

// training is what a Detector and a Witness share: the time in which they learn the
// service's habits, and the settings that follow from them.
type training struct {
	asked    Settings  // by the operator
	settings Settings  // and what the habits made of them
	learning *learning // nil when it is over
	habits   *Habits   // nil before that, and without learning
}

func newTraining(s Settings) training {
	return training{asked: s, settings: s, learning: newLearning(s)}
}

// Learning says whether the time to learn still runs. No alarm is raised then.
func (t *training) Learning() bool { return t.learning != nil }

// Habits returns the habits learnt, and false as long as there are none.
func (t *training) Habits() (Habits, bool) {
	if t.habits == nil {
		return Habits{}, false
	}
	return *t.habits, true
}

// learn takes an observation. It returns true once: when it has changed the settings.
// Settings that only the past decides keep the promise.
func (t *training) learn(at time.Time, lnRatio float64) bool {
	if t.learning == nil {
		return false
	}
	t.learning.add(at, lnRatio)
	if !t.learning.done(at, t.settings) {
		return false
	}
	t.adopt(t.learning.habits())
	return true
}

// adopt ends the time to learn.
func (t *training) adopt(h Habits) {
	t.habits, t.learning = &h, nil
	t.settings.Margin = math.Max(t.asked.Margin, h.Swing)
	t.settings.Temper = math.Min(t.asked.Temper, h.Temper())
}

// learning collects the ln ratios of the first day.
type learning struct {
	values  []int16 // thousandths
	hours   []int   // where each hour begins in values
	started time.Time
}

// mostLearned bounds the values: a day of canaries every 5 s.
const mostLearned = 17280

func newLearning(s Settings) *learning {
	if s.Learn == 0 {
		return nil
	}
	const hours = 48
	return &learning{values: make([]int16, 0, min(mostLearned, 1+s.Learn/s.Every)), hours: make([]int, 0, hours)}
}

// add takes an ln ratio. It drops what exceeds the bound.
func (l *learning) add(at time.Time, value float64) {
	if l.started.IsZero() {
		l.started = at
	}
	if len(l.values) == cap(l.values) {
		return
	}
	hour := int(at.Sub(l.started) / time.Hour)
	for len(l.hours) <= hour && len(l.hours) < cap(l.hours) {
		l.hours = append(l.hours, len(l.values))
	}
	const thousand = 1000
	l.values = append(l.values, int16(math.Max(-math.MaxInt16, math.Min(math.MaxInt16, math.Round(value*thousand)))))
}

// done says whether the time to learn is over, and whether there are enough values to have
// learnt from: half of those that were due.
func (l *learning) done(at time.Time, s Settings) bool {
	return at.Sub(l.started) >= s.Learn && len(l.values) >= cap(l.values)/2
}

func (l *learning) habits() Habits {
	values := make([]float64, len(l.values))
	for i, v := range l.values {
		values[i] = float64(v) / 1000
	}
	likeness := math.Min(math.Max(autocorrelation(values), 0), 0.9)
	return Habits{Bias: math.Exp(median(values)), Likeness: likeness, Swing: math.Expm1(swing(l.byHour(values), likeness))}
}

func (l *learning) byHour(values []float64) [][]float64 {
	var hours [][]float64
	for i, start := range l.hours {
		end := len(values)
		if i+1 < len(l.hours) {
			end = l.hours[i+1]
		}
		if end > start {
			hours = append(hours, values[start:end])
		}
	}
	return hours
}

// swing estimates the amplitude of a sine through the hourly medians. It subtracts the
// scatter that medians of so few values, so alike, have without any swing.
func swing(hours [][]float64, likeness float64) float64 {
	const fewest = 5
	var medians, scatter []float64
	for _, values := range hours {
		if len(values) < fewest {
			continue
		}
		middle := median(values)
		medians = append(medians, middle)
		spread := deviation(values, middle)
		scatter = append(scatter, math.Pi/2*spread*spread/float64(len(values))*(1+likeness)/(1-likeness))
	}
	if len(medians) < 2 {
		return 0
	}
	return math.Sqrt(2 * math.Max(0, variance(medians)-mean(scatter)))
}

// autocorrelation estimates the correlation of neighbours from their ranks, so that stalls
// do not decide it. It turns the correlation of the ranks into that of normal values.
func autocorrelation(values []float64) float64 {
	if len(values) < 3 {
		return 0
	}
	ranks := ranksOf(values)
	middle := mean(ranks)
	both, all := 0.0, 0.0
	for i, r := range ranks {
		all += (r - middle) * (r - middle)
		if i > 0 {
			both += (r - middle) * (ranks[i-1] - middle)
		}
	}
	if all == 0 {
		return 0
	}
	return 2 * math.Sin(math.Pi/6*both/all)
}

// ranksOf returns the rank of each value. Equal values share their mean rank.
func ranksOf(values []float64) []float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	ranks := make([]float64, len(values))
	for i, v := range values {
		first, _ := slices.BinarySearch(sorted, v)
		next, _ := slices.BinarySearch(sorted, math.Nextafter(v, math.Inf(1)))
		ranks[i] = float64(first+next-1) / 2
	}
	return ranks
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func variance(values []float64) float64 {
	middle, sum := mean(values), 0.0
	for _, v := range values {
		sum += (v - middle) * (v - middle)
	}
	return sum / float64(len(values)-1)
}

func median(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// deviation is the standard deviation of a normal distribution with the same median
// distance to its middle.
func deviation(values []float64, middle float64) float64 {
	distances := make([]float64, len(values))
	for i, v := range values {
		distances[i] = math.Abs(v - middle)
	}
	return 1.4826 * median(distances)
}
