package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/exporter"
)

func TestConfigDefaultsNeedOnlyAnUpstream(t *testing.T) {
	c, err := config.Read([]string{"HEADWAY_UPSTREAM=https://api.openai.com"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8480" || c.AdminListen != "127.0.0.1:8481" || c.DrainTimeout != 10*time.Minute || c.Prewarm != 2 || c.HeaderTimeout != 0 {
		t.Errorf("defaults are %+v", c)
	}
	if len(c.RouteTable) != 1 || c.RouteTable[0].String() != "https://api.openai.com" || c.RouteTable[0].Upstream.Port != 443 {
		t.Errorf("routes are %v", c.RouteTable)
	}
}

func TestConfigReportsEveryProblemAtOnceByVariable(t *testing.T) {
	_, err := config.Read([]string{
		"HEADWAY_LISTEN=nowhere",
		"HEADWAY_ADMIN_LISTEN=127.0.0.1:http-ish",
		"HEADWAY_UPSTREAM=ftp://example.com",
		"HEADWAY_ROUTES=/a=http://h,/a=http://h,b=http://h,/c",
		"HEADWAY_ROLE=bystander",
		"HEADWAY_HISTOGRAMS=sparse",
		"HEADWAY_MAX_MODELS=many",
		"HEADWAY_MAX_WINDOWS=2GiB",
		"HEADWAY_PREWARM=-1",
		"HEADWAY_SPOOL_MAX_BYTES=1023KiB",
		"HEADWAY_CONNECT_TIMEOUT=5",
		"HEADWAY_IDLE_TIMEOUT=-1s",
		"HEADWAY_LOG_LEVEL=loud",
		"HEADWAY_LOG_FORMAT=xml",
		"HEADWAY_CAPTURE_FILE=" + filepath.Join(t.TempDir(), "missing", "capture.jsonl"),
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, key := range []string{
		"LISTEN", "ADMIN_LISTEN", "UPSTREAM", "ROUTES", "ROLE", "HISTOGRAMS", "MAX_MODELS", "MAX_WINDOWS", "PREWARM",
		"SPOOL_MAX_BYTES", "CONNECT_TIMEOUT", "IDLE_TIMEOUT", "LOG_LEVEL", "LOG_FORMAT", "CAPTURE_FILE",
	} {
		if !strings.Contains("\n"+err.Error(), "\nHEADWAY_"+key+": ") {
			t.Errorf("no problem of %s in:\n%v", key, err)
		}
	}
	if n := strings.Count("\n"+err.Error(), "\nHEADWAY_MAX_MODELS: "); n != 1 {
		t.Errorf("a value that is no number is reported %d times", n)
	}
	for _, problem := range []string{"is there twice", `"b"`, `"/c" is not`} {
		if !strings.Contains(err.Error(), problem) {
			t.Errorf("nothing about %s in:\n%v", problem, err)
		}
	}
}

// People paste URLs with a key into the wrong place.
func TestConfigShowsNoSecretOfARoute(t *testing.T) {
	for _, routes := range []string{
		"https://user:secret@h", "https://user:secret@h/v1?key=secret", "https://h/v1?key=secret", "/a=https://user:secret@h",
		"/a=http://user:12secret/secret@h", "user:secret@h=http://h,user:secret@h=http://h",
	} {
		_, err := config.Read([]string{"HEADWAY_ROUTES=" + routes})
		if err == nil || !strings.Contains(err.Error(), "HEADWAY_ROUTES: ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error is %v", routes, err)
		}
	}
}

func TestConfigNeedsSomewhereToForwardTo(t *testing.T) {
	_, err := config.Read(nil)
	if err == nil || !strings.Contains(err.Error(), "HEADWAY_UPSTREAM: is not set") {
		t.Errorf("error is %v", err)
	}
}

func TestCaptureFileNeedsADirectoryAndIsNone(t *testing.T) {
	directory := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(directory, "capture.jsonl"): "",
		"capture.jsonl":                    "",
		directory:                          "is a directory",
		filepath.Join(directory, "a", "b"): "is in no directory that exists",
	} {
		_, err := config.Read([]string{"HEADWAY_UPSTREAM=http://h", "HEADWAY_CAPTURE_FILE=" + path})
		if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestAdminHostsAreNamesAlone(t *testing.T) {
	for hosts, right := range map[string]bool{
		"headway.example.com": true, "a,b.example.com": true, "headway.example.com:8481": false, "http://headway.example.com": false, "*.example.com": false, "a,": false,
	} {
		_, err := config.Read([]string{"HEADWAY_UPSTREAM=http://h", "HEADWAY_ADMIN_HOSTS=" + hosts})
		if (err == nil) != right {
			t.Errorf("%q: %v", hosts, err)
		}
	}
}

func TestLatestMeansTheNewestConventions(t *testing.T) {
	for value, want := range map[string]exporter.SemConv{"latest": exporter.V01, "v0.1": exporter.V01, "v1.41": exporter.V141, "dup": exporter.Dup} {
		c, err := config.Read([]string{"HEADWAY_UPSTREAM=http://h", "HEADWAY_SEMCONV=" + value})
		if err != nil || c.SemConv != want {
			t.Errorf("%s is %q, %v; want %q", value, c.SemConv, err, want)
		}
	}
}
