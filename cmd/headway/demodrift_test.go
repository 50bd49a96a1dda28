package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

// screen is what a demo has printed so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// The model server becomes slower while the demo runs. The screen, the API and the metric
// say so, and the expression of the alert holds.
func TestDemoSaysThatItsModelServerBecameSlower(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	o := anyPort()
	o.model, o.admin, o.rps = interop.FreeAddress(t), interop.FreeAddress(t), 6
	var out screen
	var errs bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- demo(ctx, o, &out, &errs) }()
	interop.Until(t, "the demo has taken the fault", func() bool {
		return dispatch(ctx, []string{"demo", "fault", "--addr", o.model, "slow=2"}, io.Discard, io.Discard) == exitOK
	})
	metric, selector := alertOf(t, rules.Drift)
	interop.Eventually(t, 30*time.Second, func() error {
		if !holdsNow(get(t, "http://"+o.admin+"/metrics"), metric, selector) {
			return errors.New("the expression of the alert does not hold")
		}
		return nil
	})
	if api := get(t, "http://"+o.admin+"/api/v1/drift"); !regexp.MustCompile(`"alarm":true,"learning":false,"sentence":"[A-Z0-9]+ is \d\.\d\d × the load test \([^)]+\) since `).MatchString(api) {
		t.Errorf("the API does not say so:\n%s", api)
	}
	line := regexp.MustCompile(`canary chat [A-Z0-9]+ \d\.\d\d × the load test`)
	interop.Until(t, "a line says so", func() bool { return ctx.Err() != nil || line.MatchString(out.String()) })
	cancel()
	if err := <-ended; err != nil || errs.Len() > 0 {
		t.Error(err, &errs)
	}
	table := regexp.MustCompile(`\nbeside the load test\n    canary chat: [A-Z0-9]+ is \d\.\d\d × the load test \([^)]+\) since`)
	if text := strings.Join(strings.Fields(out.String()), " "); !table.MatchString(out.String()) || !strings.Contains(text, "A service as fast as the load test + 10 % would look this bad less than once in") {
		t.Errorf("the last table does not say so:\n%s", out.String())
	}
}

// alertOf is the metric of an alert about drift that is there while it is 1 for one of the
// series that the selector picks.
func alertOf(t *testing.T, name string) (metric string, selector *regexp.Regexp) {
	t.Helper()
	for _, g := range rules.Render(slo.Set{}, rules.Options{Drift: true}) {
		for _, r := range g.Rules {
			if r.Alert != name {
				continue
			}
			m := regexp.MustCompile(`^max by \([a-z, ]+\) \((\w+)\{source="(\w+)",indicator=~"([a-z0-9|]+)"\}\) == 1$`).FindStringSubmatch(r.Expr)
			if m == nil {
				t.Fatalf("this test cannot evaluate %s", r.Expr)
			}
			return m[1], regexp.MustCompile(`[{,]indicator="(` + m[3] + `)",.*source="` + m[2] + `"`)
		}
	}
	t.Fatalf("no alert %s", name)
	return "", nil
}

// holdsNow says whether one of the series is 1 in a scrape.
func holdsNow(scrape, metric string, selector *regexp.Regexp) bool {
	for line := range strings.Lines(scrape) {
		if strings.HasPrefix(line, metric+"{") && strings.HasSuffix(line, " 1\n") && selector.MatchString(line) {
			return true
		}
	}
	return false
}

// get asks for a page of the demo's admin port.
func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
