package transparent_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// secured is a kind of TLS in front of the simulator.
type secured struct {
	name      string
	version   uint16
	http2     bool
	earlyHead bool // it answers before the first token is there
}

// comparison holds how far the timing by records is off.
type comparison struct {
	ttft, gap, longest []time.Duration // measured − truth, one an exchange
	lost               int             // token-bearing events that are in no burst of their own
}

const (
	sealedExchanges = 6
	sealedTokens    = 12
)

// TestSealedTimingAgainstTheSimulator prints how near records come to the truth.
func TestSealedTimingAgainstTheSimulator(t *testing.T) {
	var ways []secured
	for _, early := range []bool{true, false} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, h2 := range []bool{false, true} {
				name := fmt.Sprintf("%s, HTTP/%d, head %s", tls.VersionName(version), 1+btoi(h2), map[bool]string{true: "at once", false: "with the first token"}[early])
				ways = append(ways, secured{name, version, h2, early})
			}
		}
	}
	servers := make([]*sealedServer, len(ways))
	var asking sync.WaitGroup
	for i, w := range ways {
		servers[i] = newSealedServer(t, w)
		asking.Go(func() { servers[i].askAll(t) })
	}
	asking.Wait()
	var table strings.Builder
	out := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "measured − truth\tTTFT p50\t|max|\tgap p50\t|max|\tlongest gap p50\t|max|\tevents merged\t")
	for i, w := range ways {
		r := servers[i].compare(t)
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", w.name, median(r.ttft), largest(r.ttft),
			median(r.gap), largest(r.gap), median(r.longest), largest(r.longest), r.lost)
		if median(r.ttft).Abs() > truthLimit || median(r.gap).Abs() > truthLimit {
			t.Errorf("%s: TTFT is off by %s and gaps by %s", w.name, median(r.ttft), median(r.gap))
		}
	}
	_ = out.Flush()
	t.Log("\n" + table.String())
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sealedServer is a simulator behind TLS, behind a fixture.
type sealedServer struct {
	*sealedFixture
	sim    *modelsim.Server
	client *http.Client
}

func newSealedServer(t *testing.T, w secured) *sealedServer {
	t.Helper()
	config := modelsim.DefaultConfig()
	config.EarlyHead = w.earlyHead
	sim, err := modelsim.New(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	s := httptest.NewUnstartedServer(sim.Handler())
	s.EnableHTTP2 = w.http2
	s.TLS = &tls.Config{MaxVersion: w.version}
	s.StartTLS()
	t.Cleanup(s.Close)
	f := newSealedFixture(t, s)
	return &sealedServer{f, sim, f.client(w.http2)}
}

// askAll streams some answers over one connection, and one more in one piece.
func (s *sealedServer) askAll(t *testing.T) {
	for range sealedExchanges {
		ask(t, s.client, true)
	}
	ask(t, s.client, false)
	s.client.CloseIdleConnections()
}

// compare says how far the Records are from what the simulator knows.
func (s *sealedServer) compare(t *testing.T) (c comparison) {
	t.Helper()
	truth := s.sim.Exchanges(0)
	for i := range sealedExchanges {
		c.compare(t, s.record(), truth[i])
	}
	if r := s.record(); r.Stream || r.Outcome != exchange.OK || r.Bytes.Out == 0 {
		t.Errorf("an answer in one piece: stream %v, %s, %d bytes", r.Stream, r.Outcome, r.Bytes.Out)
	}
	return c
}

// compare adds how far r is from x.
func (c *comparison) compare(t *testing.T, r exchange.Record, x modelsim.Exchange) {
	t.Helper()
	if r.Mode != exchange.Sealed || r.Outcome != exchange.OK || !r.Stream || r.Upstream.Host != "example.com" {
		t.Errorf("%s %s to %s, stream %v", r.Mode, r.Outcome, r.Upstream.Address(), r.Stream)
		return
	}
	var measured []time.Duration
	for gap := range r.Chunks.Gaps(exchange.Count{}) {
		measured = append(measured, gap.Wait)
	}
	truth := x.Gaps()
	if len(measured) == 0 || len(truth) == 0 {
		t.Errorf("%d gaps measured of %d", len(measured), len(truth))
		return
	}
	c.ttft = append(c.ttft, r.TTFT()-x.TTFT())
	c.gap = append(c.gap, median(measured)-median(truth))
	c.longest = append(c.longest, slices.Max(measured)-slices.Max(truth))
	c.lost += len(x.Chunks) - r.Chunks.Count
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return math.MaxInt64
	}
	return slices.Sorted(slices.Values(d))[len(d)/2].Round(time.Microsecond)
}

func largest(d []time.Duration) (m time.Duration) {
	for _, v := range d {
		m = max(m, v.Abs())
	}
	return m.Round(time.Microsecond)
}

// sealedFixture is a fixture before a server that speaks TLS.
type sealedFixture struct {
	*fixture
	tls *tls.Config
}

func newSealedFixture(t *testing.T, s *httptest.Server) *sealedFixture {
	t.Helper()
	trust := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return &sealedFixture{
		newFixture(t, netip.MustParseAddrPort(s.Listener.Addr().String())),
		&tls.Config{RootCAs: trust, ServerName: "example.com"},
	}
}

// client is an ordinary client whose connections all arrive at the fixture.
func (f *sealedFixture) client(http2 bool) *http.Client {
	transport := &http.Transport{
		TLSClientConfig: f.tls.Clone(), ForceAttemptHTTP2: http2,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, f.address)
		},
	}
	return &http.Client{Transport: transport}
}

// question is a request whose length varies, so that the prompt is no constant.
var question = sync.OnceValue(func() string { return strings.Repeat("why? ", 60) })

func ask(t *testing.T, client *http.Client, stream bool) {
	t.Helper()
	body := fmt.Sprintf(`{"model":"sim-medium","stream":%v,"max_tokens":%d,"messages":[{"role":"user","content":%q}]}`, stream, sealedTokens, question())
	resp, err := client.Post("https://example.com/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %v", resp.Status, err)
	}
}
