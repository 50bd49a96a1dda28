package sdk_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// TestTableHoldsTogether: every row is complete, and the parts of a row agree with
// each other and with the fields.
func TestTableHoldsTogether(t *testing.T) {
	names, texts := map[string]exchange.SDK{}, map[string]exchange.SDK{}
	for _, c := range sdk.Clients() {
		row := sdk.Of(c)
		if other, taken := names[row.Name]; taken || row.Name == "" {
			t.Errorf("SDK %d is called %q, as %d is", c, row.Name, other)
		}
		names[row.Name] = c
		for _, a := range row.Agents {
			if other, taken := texts[a.Text]; taken || a.Text == "" {
				t.Errorf("%s is recognised by %q, as %s is", row.Name, a.Text, sdk.Of(other).Name)
			}
			texts[a.Text] = c
			if got := sdk.Recognise([]byte(a.Text)); got != c {
				t.Errorf("%q, which is of %s, is recognised as %s", a.Text, row.Name, sdk.Of(got).Name)
			}
		}
		if len(row.Agents) == 0 && generated() != c {
			t.Errorf("no request gives %s away", row.Name)
		}
		checkMarkers(t, row)
		checkBackOff(t, row)
	}
	if unknown := sdk.Of(sdk.Unknown); unknown.Name != "" || sdk.Of(255) != unknown {
		t.Errorf("an unknown SDK is %+v", unknown)
	}
}

// generated is the SDK that the field of a generator names.
func generated() exchange.SDK { return sdk.Named([]byte("x-stainless-lang")).Client }

// checkMarkers fails the test unless the fields of row can be read.
func checkMarkers(t *testing.T, row *sdk.Client) {
	t.Helper()
	counter := sdk.Named([]byte(row.Counter))
	if row.Counter != "" && counter.Says != sdk.Retries && counter.Says != sdk.Attempt {
		t.Errorf("%s counts in %q, which nobody reads as a number", row.Name, row.Counter)
	}
	if row.Identifier != 0 && sdk.Identifying(row.Identifier).Strength != sdk.Sole {
		t.Errorf("%s identifies its calls in %q, which an application may send as well", row.Name, sdk.Identifying(row.Identifier).Name)
	}
}

// checkBackOff fails the test unless row waits for a while that grows.
func checkBackOff(t *testing.T, row *sdk.Client) {
	t.Helper()
	b := row.BackOff
	if row.Retries < 1 || b.First <= 0 || b.Ceiling < b.First || b.Least < 0 || b.Least > 1 || b.Honours < 0 {
		t.Errorf("%s tries again %d times, after %+v", row.Name, row.Retries, b)
	}
	var before time.Duration
	for retry := range 100 {
		least, longest := b.Wait(retry)
		if least < 0 || least > longest || longest < before || longest > b.Ceiling {
			t.Errorf("%s waits %v to %v before retry %d, and before that %v", row.Name, least, longest, retry, before)
		}
		before = longest
	}
	if before != b.Ceiling {
		t.Errorf("%s waits %v at last, and its ceiling is %v", row.Name, before, b.Ceiling)
	}
}

func TestOnlyCounts(t *testing.T) {
	for _, tt := range []struct {
		name string
		sdk  exchange.SDK
		want bool
	}{
		{"it counts", sdk.OpenAIPython, true},
		{"it counts and identifies its calls", sdk.AWS, false},
		{"its counter stays at 0", sdk.LangChain, false},
		{"it says nothing", sdk.VercelAI, false},
		{"nobody knows", sdk.Unknown, false},
	} {
		if got := sdk.Of(tt.sdk).OnlyCounts(); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestFieldsHoldTogether(t *testing.T) {
	var strengths []sdk.Strength
	for n := 1; n <= sdk.Identifiers; n++ {
		id := exchange.Identifier(n)
		f := sdk.Identifying(id)
		if f.Says != sdk.Identity || f.ID != id || f.Strength == 0 || sdk.Named([]byte(f.Name)) != f {
			t.Errorf("identifier %d is in field %+v", n, f)
		}
		strengths = append(strengths, f.Strength)
	}
	if !slices.IsSorted(strengths) {
		t.Errorf("a weak identifier stands before a strong one: %v", strengths)
	}
	for _, id := range []exchange.Identifier{0, exchange.Identifier(sdk.Identifiers + 1), 255} {
		if f := sdk.Identifying(id); f != (sdk.Field{}) {
			t.Errorf("identifier %d, which there is not, is in %+v", id, f)
		}
	}
}

func TestNamed(t *testing.T) {
	for _, tt := range []struct {
		name string
		says sdk.Says
	}{
		{"AMZ-SDK-Invocation-Id", sdk.Identity},
		{"Idempotency-Key", sdk.Identity},
		{"X-Request-ID", sdk.Identity},
		{"X-Stainless-Retry-Count", sdk.Retries},
		{"amz-sdk-request", sdk.Attempt},
		{"User-Agent", sdk.UserAgent},
		{"X-Stainless-Lang", sdk.Generator},
		{"Authorization", sdk.Credential},
		{"Api-Key", sdk.Credential},
		{"X-API-Key", sdk.Credential},
		{"X-Goog-Api-Key", sdk.Credential},
		{"x-stainless-os", sdk.Nothing},
		{"accept", sdk.Nothing},
		{"x-stainless-retry-counter", sdk.Nothing},
		{"a-field-of-a-length-that-no-name-has", sdk.Nothing},
		{"", sdk.Nothing},
	} {
		if got := sdk.Named([]byte(tt.name)).Says; got != tt.says {
			t.Errorf("%q says %d, want %d", tt.name, got, tt.says)
		}
	}
}

func TestRetried(t *testing.T) {
	for _, tt := range []struct {
		name, field, value string
		want               exchange.Count
	}{
		{"a first attempt", "x-stainless-retry-count", "0", exchange.Known(0)},
		{"a third attempt", "x-stainless-retry-count", "2", exchange.Known(2)},
		{"no number", "x-stainless-retry-count", "many", exchange.Count{}},
		{"a negative number", "x-stainless-retry-count", "-1", exchange.Count{}},
		{"a first attempt of AWS", "amz-sdk-request", "attempt=1; max=3", exchange.Known(0)},
		{"one without a limit", "amz-sdk-request", "attempt=3", exchange.Known(2)},
		{"one before the first", "amz-sdk-request", "attempt=0", exchange.Count{}},
		{"no attempt", "amz-sdk-request", "ttl=20261122T000000Z", exchange.Count{}},
		{"no number of AWS", "amz-sdk-request", "attempt=; max=3", exchange.Count{}},
	} {
		if got := sdk.Named([]byte(tt.field)).Retried([]byte(tt.value)); got != tt.want {
			t.Errorf("%s: %s is %+v, want %+v", tt.name, tt.value, got, tt.want)
		}
	}
}

func TestRecognise(t *testing.T) {
	for agent, want := range map[string]exchange.SDK{
		"OpenAI/Python 3.3.0":                             sdk.OpenAIPython,
		"AsyncOpenAI/Python 3.3.0":                        sdk.OpenAIPython,
		"AsyncAzureOpenAI/Python 3.3.0":                   sdk.OpenAIPython,
		"OpenAI/JS 6.49.0":                                sdk.OpenAIJS,
		"AzureOpenAI/JS 6.49.0":                           sdk.OpenAIJS,
		"OpenAI/Go 3.96.0":                                sdk.OpenAIGo,
		"Anthropic/Python 0.9":                            sdk.AnthropicPython,
		"AsyncAnthropic/Python 0.9":                       sdk.AnthropicPython,
		"Anthropic/JS 1.2":                                sdk.AnthropicJS,
		"Anthropic/Go 1.84.0":                             sdk.AnthropicGo,
		"langchainjs-openai/1.0.0 (node)":                 sdk.LangChain,
		"OpenAI/JS 6.49.0 langchainjs/1.5":                sdk.LangChain, // it stands above the SDK
		"ai/6.0.1 ai-sdk/openai/3.0.1 runtime/node.js/22": sdk.VercelAI,
		"runtime/node.js/22 ai-sdk/openai/3.0.1":          sdk.VercelAI,
		"google-genai-sdk/1.2.0 gl-python/3.12":           sdk.GoogleGenAI,
		"aws-sdk-js/3.900.0 ua/2.1":                       sdk.AWS,
		"Boto3/1.40 md/Botocore#1.40":                     sdk.AWS,
		"my OpenAI/JS":                                    sdk.Unknown,
		"openai/js 6.49.0":                                sdk.Unknown,
		"curl/8.5":                                        sdk.Unknown,
		"":                                                sdk.Unknown,
	} {
		if got := sdk.Recognise([]byte(agent)); got != want {
			t.Errorf("%q is SDK %d, want %d", agent, got, want)
		}
	}
}

func TestReadingAHeadAllocatesNothing(t *testing.T) {
	name, value, agent := []byte("X-Stainless-Retry-Count"), []byte("2"), []byte("runtime/node.js/22 ai-sdk/openai/3.0.1")
	if n := testing.AllocsPerRun(100, func() {
		if f := sdk.Named(name); !f.Retried(value).Known || sdk.Recognise(agent) != sdk.VercelAI {
			t.Fatal("not read")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
