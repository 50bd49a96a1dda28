//go:build interop

package retries_test

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

var (
	updateRetries = flag.Bool("update", false, "write the tables of docs/retries-clients.md anew")
	longRetries   = flag.Bool("long", false, "make the calls too that take minutes")
)

// retryScenario is the treatment of one call.
type retryScenario struct {
	name    string
	script  script
	streams bool
	timeout time.Duration // the only setting that the test changes; 0 keeps the SDK's own
}

func retryScenarios() []retryScenario {
	status := func(code int) fault { return fault{status: code} }
	first := func(f fault) script { return script{faults: []fault{f}} }
	retryAfter := func(name, value string) fault {
		return fault{status: http.StatusTooManyRequests, header: http.Header{http.CanonicalHeaderKey(name): {value}}}
	}
	return []retryScenario{
		{name: "429, retry-after: 1", script: first(retryAfter("retry-after", "1"))},
		{name: "429, retry-after-ms: 300", script: first(retryAfter("retry-after-ms", "300"))},
		{name: "429", script: first(status(429))},
		{name: "500", script: first(status(500))},
		{name: "503", script: first(status(503))},
		{name: "529", script: first(status(529))},
		{name: "reset", script: first(fault{reset: true})},
		{name: "timeout", script: first(fault{silent: true}), timeout: 2 * time.Second},
		{name: "cut in a stream", script: first(fault{cut: true}), streams: true},
		{name: "cut in a body", script: first(fault{cut: true})},
		{name: "silence in a body", script: first(fault{cut: true, silent: true}), timeout: 2 * time.Second},
		{name: "500, then 503", script: script{faults: []fault{status(500), status(503)}}, streams: true},
		{name: "429 for good", script: script{faults: []fault{retryAfter("retry-after", "1")}, forGood: true}},
	}
}

// retrySDK is an SDK and the driver that makes its calls.
type retrySDK struct {
	name     string
	driver   string // node, python or go
	packaged string // its name in the driver's list of packages
	slow     bool   // needs minutes to give up
}

// retrySDKs returns the SDKs in the order of the table.
func retrySDKs() []retrySDK {
	return []retrySDK{
		{name: "openai-node", driver: "node", packaged: "openai"},
		{name: "openai-python", driver: "python", packaged: "openai"},
		{name: "openai-go", driver: "go", packaged: "github.com/openai/openai-go/v3"},
		{name: "anthropic-node", driver: "node", packaged: "@anthropic-ai/sdk"},
		{name: "anthropic-python", driver: "python", packaged: "anthropic"},
		{name: "anthropic-go", driver: "go", packaged: "github.com/anthropics/anthropic-sdk-go"},
		{name: "google-genai-node", driver: "node", packaged: "@google/genai"},
		{name: "google-genai-python", driver: "python", packaged: "google-genai"},
		{name: "google-genai-go", driver: "go", packaged: "google.golang.org/genai"},
		{name: "bedrock-node", driver: "node", packaged: "@aws-sdk/client-bedrock-runtime"},
		{name: "bedrock-python", driver: "python", packaged: "boto3"},
		{name: "bedrock-go", driver: "go", packaged: "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"},
		{name: "langchain-node", driver: "node", packaged: "@langchain/openai", slow: true},
		{name: "langchain-python", driver: "python", packaged: "langchain-openai"},
		{name: "litellm", driver: "python", packaged: "litellm"},
		{name: "vercel-ai", driver: "node", packaged: "ai"},
	}
}

// retryCall is one call of one SDK: the orders to its driver, its server, and its
// result.
type retryCall struct {
	ID        string `json:"id"`
	SDK       string `json:"sdk"`
	URL       string `json:"url"`
	Prompt    string `json:"prompt"`
	Stream    bool   `json:"stream"`
	TimeoutMS int64  `json:"timeout_ms"`

	sdk      retrySDK
	scenario retryScenario
	server   *scripted
	client   clientLog
	chain    reportedChain
}

// newRetryCalls returns all calls, each with a server of its own. Their ids begin with
// prefix.
func newRetryCalls(t *testing.T, prefix string) []*retryCall {
	t.Helper()
	var calls []*retryCall
	for _, sdk := range retrySDKs() {
		for _, scenario := range retryScenarios() {
			if sdk.slow && scenario.script.forGood && !*longRetries {
				continue
			}
			server := serve(t, scenario.script)
			calls = append(calls, &retryCall{
				ID: fmt.Sprintf("%s: %s: %s", prefix, sdk.name, scenario.name), SDK: sdk.name, URL: server.URL,
				// Each call has a prompt of its own, as in a real application.
				Prompt: "Say hello to " + sdk.name + " after " + scenario.name + ".",
				Stream: scenario.streams, TimeoutMS: scenario.timeout.Milliseconds(),
				sdk: sdk, scenario: scenario, server: server,
			})
		}
	}
	return calls
}

// TestInteropRetriesOfTheSDKsAreTheChainsReported makes every SDK send the same calls
// directly and through headway, to servers that fail both in the same way. For each
// call, the server must see the attempts that the client logged, the call must end in
// the same way directly and through headway, and headway must report its attempts as
// one chain.
func TestInteropRetriesOfTheSDKsAreTheChainsReported(t *testing.T) {
	exe := interop.Build(t)
	direct, through := newRetryCalls(t, "directly"), newRetryCalls(t, "through headway")
	sidecar := exe.StartSidecar(t, "", "HEADWAY_PREWARM=0", "HEADWAY_ROUTES="+routesTo(through))
	leadThrough(through, sidecar.URL)
	all := slices.Concat(through, direct)
	driveRetries(t, all)
	spoilt := 0
	for _, c := range all {
		checkClientLog(t, c)
		if c.spoilt() {
			t.Logf("%s: the SDK failed on a good answer: %s", c.ID, c.client.Message)
			spoilt++
		}
	}
	if spoilt > flawed {
		t.Errorf("the SDKs failed on %d good answers, more than %d", spoilt, flawed)
	}
	for i, d := range direct {
		compareWays(t, d, through[i])
	}
	readChains(t, sidecar, through)
	for _, c := range through {
		if problems := c.compare(); problems != "" {
			t.Errorf("%s: %s", c.ID, problems)
		}
	}
	checkNoneShared(t, through)
	facts, table := factsTable(t, direct), chainsTable(through)
	t.Logf("what each SDK does\n%s\nwhat headway reports\n%s", facts, table)
	if *updateRetries {
		writeBetween(t, interop.Path(t, "docs/retries-clients.md"), "what each SDK does", retriesSection(facts, table))
	}
}

// flawed is the most calls that SDKs may fail by themselves. The AWS SDK for Go
// sometimes closes the connection before it has read the answer.
const flawed = 4

// compareWays fails the test unless the call ended the same way through headway. It
// skips calls with a timeout: on a busy machine, such a client may give up even on a
// good answer.
func compareWays(t *testing.T, direct, through *retryCall) {
	t.Helper()
	if direct.spoilt() || through.spoilt() || through.scenario.timeout > 0 {
		return
	}
	if got, want := through.outcome(), direct.outcome(); got != want {
		t.Errorf("%s: %s (%s), directly %s (%s)", through.ID, got, through.client.Message, want, direct.client.Message)
	}
}

// checkClientLog fails the test unless the client logged as many attempts as the server
// saw, and all attempts have the same body.
func checkClientLog(t *testing.T, c *retryCall) {
	t.Helper()
	saw := c.server.saw()
	switch {
	case c.client.ID == "":
		t.Errorf("%s: the driver printed nothing", c.ID)
	case len(saw) == 0:
		t.Errorf("%s: no attempt arrived; the client got %s: %s", c.ID, c.client.Error, c.client.Message)
	case len(saw) != len(c.client.Attempts):
		t.Errorf("%s: the client logged %d attempts, the server saw %d", c.ID, len(c.client.Attempts), len(saw))
	case c.client.Error == "" && c.client.Text != "Hello there.":
		t.Errorf("%s: the answer is %q", c.ID, c.client.Text)
	}
	for _, attempt := range saw {
		if attempt.Body != saw[0].Body {
			t.Errorf("%s: the bodies of its attempts differ", c.ID)
		}
	}
}
