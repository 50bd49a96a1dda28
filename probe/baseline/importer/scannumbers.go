package importer

import (
	"math"
	"math/bits"
	"strconv"
)

// bare reads a number, true, false or null into s.text. Its kind is the first letter of
// one of these words, or 'd' for a number.
func (s *scanner) bare() (byte, error) {
	s.next()
	s.text = s.text[:0]
	for {
		from := s.pos
		for s.pos < s.end && bareBytes[s.buf[s.pos]] && s.pos-from < 400 {
			s.pos++
		}
		s.text = append(s.text, s.buf[from:s.pos]...)
		if s.pos < s.end || !s.fill() {
			break
		}
	}
	if len(s.text) == 0 {
		return 0, s.unexpected("a value")
	}
	if c := s.text[0]; c >= '0' && c <= '9' {
		return 'd', nil
	}
	switch word := string(s.text); word {
	case "true", "false", "null":
		return word[0], nil
	case "NaN", "Infinity", "-Infinity", "+Inf", "-Inf", "Inf":
		return 'd', nil
	}
	if c := s.text[0]; c != '-' && (c < '0' || c > '9') {
		return 0, s.wrong(strconv.Quote(string(s.text)), "a value")
	}
	return 'd', nil
}

// bareBytes are the bytes of numbers and words.
var bareBytes = func() (set [256]bool) {
	for _, c := range []byte("+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		set[c] = true
	}
	return set
}()

// number reads a number. Null is NaN, with known false.
func (s *scanner) number() (v float64, known bool, err error) {
	switch c := s.next(); {
	case c == '"' || c == '{' || c == '[':
		return 0, false, s.unexpected("a number")
	case c-'0' <= 9:
		rest := s.buf[s.pos:s.end]
		if v, size := leading(rest); size > 0 && size < len(rest) && !bareBytes[rest[size]] {
			s.pos += size
			return v, true, nil
		}
	}
	kind, err := s.bare()
	switch {
	case err != nil:
		return 0, false, err
	case kind == 'n':
		return math.NaN(), false, nil
	case kind != 'd':
		return 0, false, s.wrong(strconv.Quote(string(s.text)), "a number")
	}
	v, err = s.parsed()
	return v, err == nil, err
}

// finite reads a number that is neither NaN nor infinite. Null is NaN, with known false.
func (s *scanner) finite() (v float64, known bool, err error) {
	v, known, err = s.number()
	if known && (math.IsNaN(v) || math.IsInf(v, 0)) {
		return 0, false, s.wrong(string(s.text), "a number, or null if there is none")
	}
	return v, known, err
}

// parsed is the number in s.text.
func (s *scanner) parsed() (float64, error) {
	if v, ok := decimal(s.text); ok {
		return v, nil
	}
	v, err := strconv.ParseFloat(string(s.text), 64)
	if err != nil && !math.IsInf(v, 0) || err != nil && v == 0 {
		return 0, s.wrong(strconv.Quote(string(s.text)), "a number")
	}
	return v, nil
}

// tens are the powers of ten that a float64 holds exactly.
var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// decimal reads digits with a point among them. It gives the nearest float64, or is not ok.
func decimal(text []byte) (v float64, ok bool) {
	v, size := leading(text)
	return v, size > 0 && size == len(text)
}

// leading reads the decimal at the begin of text, and returns its size, or 0. A whole
// number below 2^53 and a power of ten up to 22 are exact, so one division of them is the
// nearest float64; of up to 64 bits and 19 places quotient finds it.
func leading(text []byte) (v float64, size int) {
	const most = (1<<64 - 10) / 10 // that has room for one more digit
	whole, point := uint64(0), -1
	for ; size < len(text); size++ {
		c := text[size]
		switch {
		case c-'0' <= 9 && whole <= most:
			whole = whole*10 + uint64(c-'0')
			continue
		case c == '.' && point < 0 && size > 0:
			point = size
			continue
		case c-'0' <= 9:
			return 0, 0
		}
		break
	}
	places := 0
	if point >= 0 {
		places = size - point - 1
	}
	switch {
	case size == 0 || point >= 0 && places == 0:
		return 0, 0
	case whole < 1<<53 && places < len(tens):
		return float64(whole) / tens[places], size
	case places <= 19:
		return quotient(whole, places), size
	}
	return 0, 0
}

// quotient is the float64 nearest to a whole number that is not 0 ÷ 10^places, of up to 19
// places. It divides 128 bits by 64, so that the quotient has 64 bits, and rounds that to
// 53: up if more than half is cut off, and to an even number if just half is.
func quotient(whole uint64, places int) float64 {
	over := uint64(tens[places])
	up, down := bits.LeadingZeros64(whole), bits.LeadingZeros64(over)
	whole, over = whole<<up, over<<down
	high, low, exponent := whole, uint64(0), down-up-64
	if whole >= over {
		high, low, exponent = whole>>1, whole<<63, exponent+1
	}
	q, rest := bits.Div64(high, low, over)
	const cut = 64 - 53
	mantissa, off := q>>cut, q&(1<<cut-1)
	if half := uint64(1) << (cut - 1); off > half || off == half && (rest > 0 || mantissa&1 > 0) {
		mantissa++
	}
	return float64(mantissa) * math.Float64frombits(uint64(1023+exponent+cut)<<52)
}

// numbers reads an array of numbers. Null is NaN.
func (s *scanner) numbers() (out []float64, err error) {
	err = s.eachNumber(func(v float64) { out = append(out, v) })
	return out, err
}

// eachNumber calls each for the items of an array of numbers. Null is NaN.
func (s *scanner) eachNumber(each func(v float64)) error {
	if s.next() != '[' {
		return s.unexpected("an array of numbers")
	}
	s.pos++
	for first := true; ; first = false {
		c := s.next()
		if c == ']' {
			s.pos++
			return nil
		}
		if c == ',' && !first {
			s.pos++
		} else if !first {
			return s.unexpected("a comma or ]")
		}
		v, _, err := s.finite()
		if err != nil {
			return err
		}
		each(v)
	}
}

// nonempty reads a value and says whether it is more than null, "" and an empty list.
func (s *scanner) nonempty() (bool, error) {
	if s.next() == '"' {
		_, err := s.raw()
		return len(s.text) > 0, err
	}
	kind, err := s.bare()
	return kind != 'n', err
}
