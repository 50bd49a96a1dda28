package baseline

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Values are single values of a distribution, in seconds and in order: every one of up to
// MaxValues, or of more those in the middle of MaxValues equal shares. The share of them
// that some value does not exceed is then off by 1 ÷ (2 × MaxValues) at most. They have six
// digits.
type Values []float64

// MaxValues bounds the length of Values, and so the size of a file.
const MaxValues = 128

// values picks the Values of the sample, which is sorted if it keeps every value.
func (s *Sample) values() (out Values) {
	ranks := make([]int64, min(s.count, MaxValues))
	for i := range ranks {
		ranks[i] = int64((float64(i) + .5) * float64(s.count) / float64(len(ranks)))
	}
	if s.buckets != nil {
		return s.bucketedRanks(ranks)
	}
	for _, rank := range ranks {
		out = append(out, sixDigits(s.kept[rank]))
	}
	return out
}

// bucketedRanks returns the middle of the bucket of each rank. The ranks are in order.
func (s *Sample) bucketedRanks(ranks []int64) (out Values) {
	var below int64
	for i, n := range s.buckets {
		for below += n; len(ranks) > 0 && ranks[0] < below; ranks = ranks[1:] {
			out = append(out, sixDigits(s.middle(i)))
		}
	}
	return out
}

func sixDigits(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if err != nil {
		return v
	}
	return rounded
}

// UnmarshalJSON reads an array of numbers, several times as quickly as encoding/json does.
func (v *Values) UnmarshalJSON(text []byte) error {
	inner, opens := bytes.CutPrefix(text, []byte{'['})
	inner, closes := bytes.CutSuffix(inner, []byte{']'})
	if !opens || !closes {
		return fmt.Errorf("values: %.20s; want an array of seconds, [0.2, 0.21] for example", text)
	}
	*v = make(Values, 0, min(bytes.Count(inner, []byte{','})+1, MaxValues))
	for more := len(bytes.TrimSpace(inner)) > 0; more; {
		var word []byte
		word, inner, more = bytes.Cut(inner, []byte{','})
		one, err := strconv.ParseFloat(string(bytes.TrimSpace(word)), 64)
		if err != nil {
			return fmt.Errorf("values: %.20s; want seconds", word)
		}
		*v = append(*v, one)
	}
	return nil
}

// WithValues is in with the single values of other, the same requests in another file. It
// is in itself if the two do not count as many.
func (in Indicator) WithValues(other Indicator) Indicator {
	if len(in.Values) > 0 || len(other.Values) == 0 || in.Definition.Over != Request || in.Count != nil && *in.Count != *other.Count {
		return in
	}
	in.Values, in.Count = other.Values, other.Count
	return in
}

// problems lists what is wrong with v as the Values of in.
func (v Values) problems(in Indicator) (wrong []error) {
	if len(v) == 0 {
		return nil
	}
	if in.Definition.Over != Request {
		wrong = append(wrong, fmt.Errorf("values: over is %q; want %q, or no values", in.Definition.Over, Request))
	}
	if in.Count == nil || len(v) != min(*in.Count, MaxValues) {
		wrong = append(wrong, fmt.Errorf("values: there are %d; want as many as count, and %d at most", len(v), MaxValues))
	}
	if i := slices.IndexFunc(v, func(one float64) bool { return !seconds(one) }); i >= 0 {
		wrong = append(wrong, fmt.Errorf("values: %v; want seconds", v[i]))
	}
	if !slices.IsSorted(v) {
		wrong = append(wrong, errors.New("values: want them in order, the least first"))
	}
	return wrong
}

// valuesBegin is how a document that encoding/json indented begins Values.
var valuesBegin = []byte("\"values\": [\n")

// oneLine puts each Values of an indented document on one line. No text of JSON holds a
// line break, so nothing else has such a beginning.
func oneLine(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for {
		at := bytes.Index(text, valuesBegin)
		if at < 0 {
			return append(out, text...)
		}
		at += len(valuesBegin) - 1
		end := at + bytes.IndexByte(text[at:], ']')
		out = append(out, text[:at]...)
		for _, b := range text[at:end] {
			if b != '\n' && b != ' ' {
				out = append(out, b)
			}
		}
		text = text[end:]
	}
}
