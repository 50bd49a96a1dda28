package frame_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// A * stands for the members of an object that no path names, wherever the paths end.
func TestMembersWithoutAName(t *testing.T) {
	other := frame.MustShape(frame.Paths{
		"delta.text":  name,
		"delta.role":  frame.Known,
		"delta.*":     list,
		"delta.*.*":   element,
		"delta.*.[]":  number,
		"count.total": inner,
		"count.*":     deep,
	})
	long := strings.Repeat("x", frame.MaxText+1)
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"named", `{"delta":{"text":"a"}}`, []string{`1 string "a" 1`}},
		{"known", `{"delta":{"role":"user"}}`, nil},
		{"known, and an object", `{"delta":{"role":{"text":"a"}}}`, nil},
		{"not named", `{"delta":{"x":"a","":"b"}}`, []string{`2 string "a" 1`, `2 string "b" 1`}},
		{"an escaped name", `{"delta":{"t\u0065xt":"a","t\u0065x":"b"}}`, []string{`1 string "a" 1`, `2 string "b" 1`}},
		{"an object without a name", `{"delta":{"x":{"text":"a","y":{"z":1}}}}`, []string{"2 object", `3 string "a" 1`, "3 object", "2 end"}},
		{"an array without a name", `{"delta":{"x":["a",{"y":1}]}}`, []string{"2 array", `4 string "a" 1`, "4 object", "2 end"}},
		{"an object where the shape has none", `{"count":{"x":{"y":1}},"total":1}`, []string{"6 object"}},
		{"a name longer than any path", `{"delta":{"` + long + `":"a"},"` + long + `":1}`, []string{`2 string "a" 1`}},
		{"elsewhere", `{"x":1,"count":{"total":2,"totals":3}}`, []string{`5 number "2" 1`, `6 number "3" 1`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &values{}
			j := frame.NewJSON(other, v)
			if got := feed(&j, v, [][]byte{[]byte(c.in)}); !slices.Equal(got, append(c.want, "whole")) {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
			v.lines = nil
			j.Restart()
			if got := feed(&j, v, slices.Collect(slices.Chunk([]byte(c.in), 1))); !slices.Equal(got, append(c.want, "whole")) {
				t.Errorf("byte by byte:\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestFollowed(t *testing.T) {
	for in, want := range map[string]bool{`{}`: false, "{}\n": false, `{}{`: true, `{x`: false, `{`: false} {
		j := frame.NewJSON(shape, &values{})
		if j.Feed([]byte(in)); j.Followed() != want {
			t.Errorf("%s: followed %v, want %v", in, j.Followed(), want)
		}
	}
}
