package exchange_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestTraceStateIsValid(t *testing.T) {
	for _, tt := range []struct {
		name, state string
		want        bool
	}{
		{"empty", "", true},
		{"one member", "ot=th:8", true},
		{"several, with blanks and an empty one", "congo=t61rcWkgMzE , rojo=00f0-67,\t,t@v=a b", true},
		{"every character of a key", "a_-*/@0=1", true},
		{"the ends of the values' range", "a= b~", true},
		{"no equals sign", "a=1,b", false},
		{"no key", "a=1,=2", false},
		{"no value", "a=", false},
		{"a key in capitals", "A=1", false},
		{"two equals signs", "a=1=2", false},
		{"a control character", "a=1\x1f", false},
		{"beyond ASCII", "a=\u00e9", false},
		{"no UTF-8", "a=\xff", false},
	} {
		if got := exchange.TraceState(tt.state).Valid(); got != tt.want {
			t.Errorf("%s: %q is valid: %v", tt.name, tt.state, got)
		}
	}
}

func TestTraceStateHasMembers(t *testing.T) {
	for _, tt := range []struct {
		name, state string
		want        []string
	}{
		{"none", "", nil},
		{"with blanks", " a=1\t, b=2 3 ,", []string{"a 1", "b 2 3"}},
		{"one that is malformed", "a=1,b,c=", []string{"a 1", "c "}},
		{"one key twice", "a=1,a=2", []string{"a 1", "a 2"}},
	} {
		var got []string
		for key, value := range exchange.TraceState(tt.state).Members() {
			got = append(got, key+" "+value)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	for key := range exchange.TraceState("a=1,b=2").Members() {
		if key != "a" {
			t.Errorf("went on to %s", key)
		}
		break
	}
}

func TestOTelStateSaysHowATraceIsSampled(t *testing.T) {
	long := ";x:" + strings.Repeat("y", exchange.MaxOTelState)
	for _, tt := range []struct{ name, state, want string }{
		{"nothing", "", "no threshold, no randomness"},
		{"of other vendors only", "a=th:8,b=rv:9f2c4e6a8b0d1f", "no threshold, no randomness"},
		{"a threshold", "a=1, ot=th:8", "threshold 80000000000000, no randomness"},
		{"both", "ot=th:fd70a4;rv:9f2c4e6a8b0d1f,a=1", "threshold fd70a400000000, randomness 9f2c4e6a8b0d1f"},
		{"both in capitals", "ot=th:FD70A4;rv:9F2C4E6A8B0D1F", "threshold fd70a400000000, randomness 9f2c4e6a8b0d1f"},
		{"a threshold of zero", "ot=th:0", "threshold 00000000000000, no randomness"},
		{"in an unknown order, among others", "ot=x:1;rv:00000000000001;th:001;y", "threshold 00100000000000, randomness 00000000000001"},
		{"the first of two members", "ot=th:8,ot=th:c", "threshold 80000000000000, no randomness"},
		{"two thresholds", "ot=th:8;th:8;rv:9f2c4e6a8b0d1f", "no threshold, randomness 9f2c4e6a8b0d1f"},
		{"two values of randomness", "ot=th:8;rv:9f2c4e6a8b0d1f;rv:9f2c4e6a8b0d1f", "threshold 80000000000000, no randomness"},
		{"too few digits of randomness", "ot=rv:9f2c4e6a8b0d1", "no threshold, no randomness"},
		{"too many digits", "ot=th:fd70a4fd70a4fd7", "no threshold, no randomness"},
		{"no digits", "ot=th:;rv:", "no threshold, no randomness"},
		{"other letters", "ot=th:8g", "no threshold, no randomness"},
		{"control characters that look like digits", "ot=th:8\x11", "no threshold, no randomness"},
		{"too long", "ot=th:8;rv:9f2c4e6a8b0d1f" + long, "no threshold, no randomness"},
	} {
		s := exchange.TraceState(tt.state).OTel()
		say := func(what string, n uint64, ok bool) string {
			if !ok {
				return "no " + what
			}
			return fmt.Sprintf("%s %014x", what, n)
		}
		threshold, weighted := s.Threshold()
		randomness, explicit := s.Randomness()
		if got := say("threshold", threshold, weighted) + ", " + say("randomness", randomness, explicit); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestOTelStateHasSubKeys(t *testing.T) {
	var got []string
	for key, value := range exchange.TraceState("a=1,ot=rv:2f;th:8;;x:1:2;y;z:").OTel().SubKeys() {
		got = append(got, key+" "+value)
	}
	if want := []string{"rv 2f", "th 8", "x 1:2", "z "}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReadingATraceStateAllocatesNothing(t *testing.T) {
	s := exchange.TraceState("congo=t61rcWkgMzE,ot=th:fd70a4;rv:9f2c4e6a8b0d1f")
	if n := testing.AllocsPerRun(100, func() {
		_, weighted := s.OTel().Threshold()
		_, explicit := s.OTel().Randomness()
		if !s.Valid() || !weighted || !explicit {
			t.Fatal("not read")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
