package config_test

import (
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

func TestSizesTakeBinaryUnits(t *testing.T) {
	for text, want := range map[string]config.ByteSize{
		"1": 1, "4096": 4096, "64KiB": 64 << 10, "256MiB": 256 << 20, "2 GiB": 2 << 30, "256Mi": 256 << 20,
		"": 0, "0": 0, "-1": 0, "256MB": 0, "1.5GiB": 0, "9999999999GiB": 0, "MiB": 0,
	} {
		var got config.ByteSize
		if err := got.UnmarshalText([]byte(text)); got != want || (err != nil) != (want == 0) {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
}
