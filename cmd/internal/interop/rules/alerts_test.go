//go:build interop

package rules_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// The promises of the rules, with all durations at a sixtieth. A page fires when the
// bad share of its long window exceeds its factor times the allowed share. It ends when
// the bad share of the short window no longer does.
const (
	allowed     = 0.03 // of the demo's SLO
	fastFactor  = 14.4
	fastShort   = 5 * time.Second
	fastLong    = time.Minute
	slowFactor  = 6
	slowShort   = 30 * time.Second
	attempts    = 3 // of each failing call of the demo
	healthy     = 20 * time.Second
	slack       = 15 * time.Second // of a busy machine, for scheduling only
	onTheWay    = 5 * time.Second  // scrape 1 s, evaluation 0.5 s, Alertmanager's group_wait or group_interval 1 s, and start
	rateReaches = 5 * time.Second  // the window of the rates from which the rules compute everything else
)

// TestInteropAPageReachesItsReceiver breaks the model server of a demo while a real
// Prometheus and Alertmanager watch it, with every duration of the rules at a sixtieth.
func TestInteropAPageReachesItsReceiver(t *testing.T) {
	exe := interop.Build(t)
	pages := receive(t)
	alertmanager := startAlertmanager(t, pages.url)
	demo := startDemo(t, exe)
	watch(t, exe, demo.metrics, alertmanager)
	time.Sleep(healthy) // so that the windows contain good traffic
	if early := pages.all(); len(early) > 0 {
		t.Fatalf("alerts while all was well: %+v", early)
	}

	broken := time.Now()
	demo.setFaults(t, "http=503:1")
	due := share(fastFactor*allowed, min(healthy+onTheWay, fastLong))
	limit := due + rateReaches + onTheWay
	page := pages.await(t, "HeadwaySLOBurnPageFast", "firing", limit+slack)
	t.Logf("the fast page came %.1f s after the fault; its window predicts %.1f s if every call fails %d times, %.1f s if once, and the latest is %.1f s with rates and delivery",
		page.at.Sub(broken).Seconds(), (due / attempts).Seconds(), attempts, due.Seconds(), limit.Seconds())
	checkPage(t, page)

	mended := time.Now()
	demo.setFaults(t, "")
	limit = fastShort + rateReaches + onTheWay
	resolved := pages.await(t, "HeadwaySLOBurnPageFast", "resolved", limit+slack)
	t.Logf("it was resolved %.1f s after the fault's end; its window predicts %.1f s at most", resolved.at.Sub(mended).Seconds(), limit.Seconds())
	if slow, ok := pages.find("HeadwaySLOBurnPageSlow", "firing"); ok {
		limit = slowShort + rateReaches + onTheWay
		resolved = pages.await(t, "HeadwaySLOBurnPageSlow", "resolved", time.Until(mended.Add(limit+slack)))
		t.Logf("the slow page came %.1f s after the fault, and was resolved %.1f s after its end; its window predicts %.1f s at most",
			slow.at.Sub(broken).Seconds(), resolved.at.Sub(mended).Seconds(), limit.Seconds())
	}
}

// share returns how long all traffic has to be bad until it has the share bad of a
// window that contained good traffic for the time good. Retries make that time shorter.
func share(bad float64, good time.Duration) time.Duration {
	return time.Duration(bad / (1 - bad) * float64(good))
}

// checkPage fails the test unless a page has the labels that route it, describes the
// problem, and links to a remedy.
func checkPage(t *testing.T, page notice) {
	t.Helper()
	if page.Labels["severity"] != "page" || page.Labels["slo"] != "chat-interactive" {
		t.Errorf("the page's labels are %v", page.Labels)
	}
	if summary := page.Annotations["summary"]; !regexp.MustCompile(`chat-interactive: \d[\d.]* % of requests were bad in 1m, where 3 % may be`).MatchString(summary) {
		t.Errorf("summary: %q", summary)
	}
	if link := page.Annotations["runbook_url"]; !strings.HasSuffix(link, "/docs/runbooks/HeadwaySLOBurnPageFast.md") {
		t.Errorf("runbook_url: %q", link)
	}
}

// runningDemo is a `headway demo`.
type runningDemo struct{ metrics, faults string } // host:port, and URL

func startDemo(t *testing.T, exe interop.Program) runningDemo {
	t.Helper()
	demo := interop.Start(t, nil, string(exe), "demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--model", "127.0.0.1:0", "--rps", "8", "--every", "10s")
	var d runningDemo
	interop.Eventually(t, 10*time.Second, func() error {
		printed := demo.Printed(t)
		metrics := regexp.MustCompile(`(?m)^ +metrics +http://(\S+)/metrics$`).FindStringSubmatch(printed)
		model := regexp.MustCompile(`(?m)^ +model server +(http://\S+)/v1$`).FindStringSubmatch(printed)
		if metrics == nil || model == nil {
			return fmt.Errorf("it printed %q", printed)
		}
		d = runningDemo{metrics[1], model[1] + "/sim/faults"}
		return nil
	})
	return d
}

// setFaults replaces the faults of the demo's model server.
func (d runningDemo) setFaults(t *testing.T, faults string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, d.faults, strings.NewReader(faults))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		t.Fatalf("PUT %s: %s", d.faults, response.Status)
	}
}

const alertmanagerConfig = `
route:
  receiver: tickets
  group_by: [slo, alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
  routes:
    - matchers: [severity="page"]
      receiver: pager
receivers:
  - name: tickets
  - name: pager
    webhook_configs:
      - url: %q
        send_resolved: true
`

// startAlertmanager starts an Alertmanager that sends pages to a webhook, and returns
// its address.
func startAlertmanager(t *testing.T, webhook string) string {
	t.Helper()
	exe, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		t.Fatalf("run .ci/interop/install: %v", err)
	}
	dir, address := t.TempDir(), interop.FreeAddress(t)
	config := filepath.Join(dir, "alertmanager.yml")
	write(t, config, fmt.Sprintf(alertmanagerConfig, webhook))
	interop.Start(t, nil, exe, "--config.file="+config, "--storage.path="+filepath.Join(dir, "data"),
		"--cluster.listen-address=", "--web.listen-address="+address)
	interop.Eventually(t, 20*time.Second, func() error {
		_, err := interop.Get("http://" + address + "/-/ready")
		return err
	})
	return address
}

const watchConfig = `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
alerting:
  alertmanagers:
    - static_configs: [{targets: [%q]}]
scrape_configs:
  - job_name: headway
    static_configs: [{targets: [%q]}]
`

// watch starts a Prometheus that scrapes target and evaluates the demo's rules.
func watch(t *testing.T, exe interop.Program, target, alertmanager string) {
	t.Helper()
	text, err := exec.Command(string(exe), "rules", "--slo", interop.Path(t, "cmd/headway/demo.slo.yaml"), "--scale", "1/60").Output()
	if err != nil {
		t.Fatalf("headway rules: %v", err)
	}
	dir, address := t.TempDir(), interop.FreeAddress(t)
	rules, config := filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "prometheus.yml")
	write(t, rules, string(text))
	write(t, config, fmt.Sprintf(watchConfig, rules, alertmanager, target))
	interop.Start(t, nil, interop.Tool(t, "bin/prometheus"), "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	p := interop.Prometheus{API: "http://" + address + "/api/v1/"}
	p.EventuallyIs(t, `headway_slo:objective:ratio{slo="chat-interactive"}`, 1-allowed)
	p.EventuallyIs(t, `headway_slo:reporting:count{slo="chat-interactive"}`, 1)
}

// notice is an alert as the webhook received it.
type notice struct {
	Status              string
	Labels, Annotations map[string]string

	at time.Time
}

// receiver is a webhook that keeps the notices that it receives.
type receiver struct {
	url string

	mu      sync.Mutex
	notices []notice
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		var message struct{ Alerts []notice }
		if err := json.NewDecoder(request.Body).Decode(&message); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, n := range message.Alerts {
			n.at = time.Now()
			r.notices = append(r.notices, n)
		}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) all() []notice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]notice(nil), r.notices...)
}

// find returns the first notice of an alert with that status.
func (r *receiver) find(alert, status string) (notice, bool) {
	for _, n := range r.all() {
		if n.Labels["alertname"] == alert && n.Status == status {
			return n, true
		}
	}
	return notice{}, false
}

// await waits for the first notice of an alert with that status and returns it.
func (r *receiver) await(t *testing.T, alert, status string, patience time.Duration) notice {
	t.Helper()
	var n notice
	interop.Eventually(t, patience, func() error {
		var ok bool
		if n, ok = r.find(alert, status); !ok {
			return fmt.Errorf("%s is not %s; notices so far: %+v", alert, status, r.all())
		}
		return nil
	})
	return n
}
