//go:build interop

package redirect_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

// driveFrom runs the SDK's script on a host that trusts the provider, with a base URL
// if the caller gives one. It returns an answer for each call.
func driveFrom(t *testing.T, s interop.SDK, h host, p *provider, baseURL ...string) []interop.Answer {
	t.Helper()
	args := h.command(slices.Concat(s.Command, baseURL)...)
	command := exec.Command(args[0], args[1:]...)
	command.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+p.authority, "SSL_CERT_FILE="+p.authority)
	var printed, complaints bytes.Buffer
	command.Stdout, command.Stderr = &printed, &complaints
	patience := time.AfterFunc(2*time.Minute, func() { _ = command.Process.Kill() })
	defer patience.Stop()
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", s.Name, err, printed.Bytes(), complaints.Bytes())
	}
	return interop.DecodeLines[interop.Answer](t, printed.Bytes())
}

// redirected is a sidecar on a host that redirects its connections to the sidecar.
type redirected struct {
	host    host
	exe     interop.Program
	process *interop.Process
	capture string
}

// excludedUID is the user of the sidecar. By default, `headway redirect` excludes this
// user.
const excludedUID = "65532"

// adminAddress is the address of the sidecar's admin port on its host.
const adminAddress = "127.0.0.1:8481"

func startRedirected(t *testing.T, h host) *redirected {
	t.Helper()
	folder, err := os.MkdirTemp("", "headway-interop") // other users cannot enter a t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	r := &redirected{host: h, capture: filepath.Join(folder, "capture.jsonl")}
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	r.exe = interop.BuildInto(t, folder)
	args := h.command("setpriv", "--reuid="+excludedUID, "--regid="+excludedUID, "--clear-groups", "--bounding-set=-all", string(r.exe), "run")
	r.process = interop.Start(t, []string{
		"HEADWAY_TRANSPARENT_LISTEN=[::]:8482",
		"HEADWAY_UPSTREAM=http://" + farV4, // for explicit mode, which this test does not use
		"HEADWAY_PREWARM=0",
		"HEADWAY_CAPTURE_FILE=" + r.capture,
		"HEADWAY_DRAIN_DELAY=0",
	}, args[0], args[1:]...)
	interop.Eventually(t, 10*time.Second, func() error {
		_, err := r.admin("/healthz/ready")
		return err
	})
	return r
}

// admin returns the answer of the admin port.
func (r *redirected) admin(path string) ([]byte, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DialContext: r.host.dial, DisableKeepAlives: true}}
	response, err := client.Get("http://" + adminAddress + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return body, err
}

// connections returns the number of client connections in a mode so far.
func (r *redirected) connections(t *testing.T, mode string) int {
	t.Helper()
	text, err := r.admin("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families["headway_connections_total"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "mode" && l.GetValue() == mode {
				return int(math.Round(m.GetCounter().GetValue()))
			}
		}
	}
	return 0
}

// redirect runs `headway redirect` as an init container does: as root with one
// capability.
func (r *redirected) redirect(t *testing.T, args ...string) string {
	t.Helper()
	line := append([]string{"setpriv", "--bounding-set=-all,+net_admin", string(r.exe), "redirect"}, args...)
	return system(t, r.host.command(line...)...)
}

// rules returns all packet-filter rules of the host.
func (h host) rules(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for _, line := range []string{"nft list ruleset", "iptables-legacy -t nat -S", "ip6tables-legacy -t nat -S"} {
		text.WriteString("# " + line + "\n" + system(t, h.command(strings.Fields(line)...)...))
	}
	return text.String()
}

// ask runs a Redis command with redis-cli on the host. It returns the output, which
// holds the answer or the error.
func (h host) ask(address string, command ...string) (string, error) {
	args := h.command(append([]string{"redis-cli", "-e", "-h", address}, command...)...)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// redirectedLine is a capture line of a sidecar in transparent mode.
type redirectedLine struct {
	interop.CaptureLine
	Mode     string `json:"mode"`
	Upstream string `json:"upstream"`
}

func (r *redirected) lines(t *testing.T) []redirectedLine {
	t.Helper()
	text, err := os.ReadFile(r.capture)
	if err != nil {
		t.Fatal(err)
	}
	lines := interop.DecodeLines[redirectedLine](t, text)
	slices.SortFunc(lines, func(a, b redirectedLine) int { return a.Start.Compare(b.Start) })
	return lines
}

// allExchanges is more than the number of exchanges in a test.
const allExchanges = 10_000

func TestInteropRedirectedApplicationsNoticeNothing(t *testing.T) {
	calls := interop.ReadCalls(t, "calls.json")
	app, far := twoHosts(t)
	p := startProvider(t, far)
	before := app.rules(t)
	app.know(t, farV4, providerName)
	clients := interop.OpenAISDKs(t)[:2]
	direct := map[string][]interop.Answer{}
	for _, c := range clients {
		p.forget(t)
		direct[c.Name] = driveFrom(t, c, app, p)
	}
	r := startRedirected(t, app)
	r.redirect(t, "install")
	if installed := app.rules(t); installed == before || r.redirect(t, "install") == "" || app.rules(t) != installed {
		t.Errorf("installed once and again:\n%s\n%s", installed, app.rules(t))
	}

	// Each SDK makes one of its two runs over IPv4 and the other over IPv6.
	families := []string{farV4, farV6}
	for i, c := range clients {
		t.Run(c.Name+" over TLS", func(t *testing.T) {
			app.know(t, families[i], providerName)
			p.forget(t)
			seen := r.connections(t, "sealed")
			interop.CompareAnswers(t, calls, direct[c.Name], driveFrom(t, c, app, p))
			if now := r.connections(t, "sealed"); now == seen {
				t.Errorf("sealed connections: %d before, %d after", seen, now)
			}
		})
	}
	var truths [][]modelsim.Exchange
	for i, c := range clients {
		t.Run(c.Name+" over HTTP", func(t *testing.T) {
			app.know(t, families[1-i], providerName)
			p.forget(t)
			// The base URL is the provider's own without TLS, because headway cannot
			// read the exchanges inside TLS.
			interop.CompareAnswers(t, calls, direct[c.Name], driveFrom(t, c, app, p, "http://"+providerName+"/v1"))
			truths = append(truths, p.simulator.Load().Exchanges(allExchanges))
		})
	}
	for _, address := range families {
		t.Run("Redis at "+address, func(t *testing.T) { r.checkRedis(t, address) })
	}
	r.process.Stop(t)
	t.Run("the capture", func(t *testing.T) { checkRedirectedLines(t, r.lines(t), slices.Concat(truths...), calls) })

	if answer, err := app.ask(farV4, "GET", "k"); err == nil {
		t.Errorf("with the rules there and headway gone, Redis answers %q", answer)
	}
	if said, want := r.redirect(t, "remove"), "removed from nft: IPv4 and IPv6\n"; said != want {
		t.Errorf("remove says %q, want %q", said, want)
	}
	if after := app.rules(t); after != before {
		t.Errorf("after remove there is\n%s\nbefore install there was\n%s", after, before)
	}
	for _, address := range families {
		if answer, err := app.ask(address, "GET", "k"); err != nil || answer != "v" {
			t.Errorf("with the rules gone, Redis at %s answers %q, %v", address, answer, err)
		}
	}
}

// checkRedis fails the test unless Redis works, through a raw tunnel.
func (r *redirected) checkRedis(t *testing.T, address string) {
	seen := r.connections(t, "raw")
	for _, step := range []struct {
		command []string
		want    string
	}{{[]string{"SET", "k", "v"}, "OK"}, {[]string{"GET", "k"}, "v"}} {
		if answer, err := r.host.ask(address, step.command...); err != nil || answer != step.want {
			t.Errorf("%q: answer %q, %v", step.command, answer, err)
		}
	}
	if now := r.connections(t, "raw"); now != seen+2 {
		t.Errorf("raw connections: %d before, %d after two", seen, now)
	}
}

// checkRedirectedLines fails the test unless the capture has a true line for every
// exchange over HTTP, and sealed lines of the provider for those over TLS.
func checkRedirectedLines(t *testing.T, lines []redirectedLine, truth []modelsim.Exchange, calls []interop.Call) {
	byModel := map[string]interop.Call{}
	for _, c := range calls {
		byModel[c.Params.Model] = c
	}
	var read []interop.CaptureLine
	byMode := map[string]int{}
	for _, l := range lines {
		byMode[l.Mode]++
		switch l.Mode {
		case "transparent":
			if l.Dialect != "" {
				read = append(read, l.CaptureLine)
			}
		case "sealed":
			if want := net.JoinHostPort(providerName, strconv.Itoa(443)); l.Upstream != want {
				t.Errorf("a sealed exchange with %s, want %s", l.Upstream, want)
			}
		}
	}
	t.Logf("lines by mode: %v", byMode)
	if byMode["sealed"] == 0 {
		t.Error("no sealed exchange")
	}
	if len(read) != len(truth) {
		t.Fatalf("%d exchanges over HTTP, %d lines of them", len(truth), len(read))
	}
	var off interop.Deviations
	for i, x := range truth {
		interop.CompareFacts(t, x, read[i], byModel[read[i].Model.Request].ToldUsage())
		off.Compare(t, x, read[i])
	}
	table, err := off.Judge(&interop.Deviations{})
	t.Logf("exchanges over HTTP, redirected\n%s", table)
	if err != nil {
		t.Error(err)
	}
}
