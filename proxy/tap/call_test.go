package tap_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const question = `{"model":"m","messages":[{"role":"user","content":"say \"hi\" {,[ please\\"}],"stream":true}`

// sent returns the Call that a tap makes of a request with these fields and this body.
func sent(t *testing.T, change func(*tap.Request), body string, fields ...string) exchange.Call {
	t.Helper()
	return recorded(t, change, body, 0, fields...).Call
}

// recorded returns the Record of such a request, whose body comes in pieces of the given
// size; 0 is one piece.
func recorded(t *testing.T, change func(*tap.Request), body string, size int, fields ...string) exchange.Record {
	t.Helper()
	of, told := newTap()
	r := chat(append([]string{"Content-Type", "application/json"}, fields...)...)
	if change != nil {
		change(&r)
	}
	x := of.Begin(r)
	if size == 0 {
		size = max(1, len(body))
	}
	for rest := []byte(body); len(rest) > 0; {
		n := min(size, len(rest))
		x.RequestBody(rest[:n])
		rest = rest[n:]
	}
	x.RequestRead(tap.Now())
	end(x)
	return told.only(t)
}

func TestRequestIsTheSameWhenAllOfItIs(t *testing.T) {
	signed := func(signature string) []string {
		return []string{"Authorization", "AWS4-HMAC-SHA256 Credential=AK/20261122/eu/bedrock/aws4_request, SignedHeaders=host, Signature=" + signature}
	}
	tests := []struct {
		name   string
		change func(*tap.Request)
		body   string
		fields []string
		as     []string // fields of the request to compare it with
		same   bool
	}{
		{"again", nil, question, nil, nil, true},
		{"another body", nil, strings.Replace(question, "hi", "ho", 1), nil, nil, false},
		{"another path", func(r *tap.Request) { r.Path = "/v1/completions" }, question, nil, nil, false},
		{"another query", func(r *tap.Request) { r.Query = "api-version=1" }, question, nil, nil, false},
		{"another method", func(r *tap.Request) { r.Method = "PUT" }, question, nil, nil, false},
		{"another upstream", func(r *tap.Request) { r.Upstream.Host = "other" }, question, nil, nil, false},
		{"another port", func(r *tap.Request) { r.Upstream.Port++ }, question, nil, nil, false},
		{"another key", nil, question, []string{"Authorization", "Bearer b"}, []string{"Authorization", "Bearer a"}, false},
		{"another key of Azure", nil, question, []string{"api-key", "b"}, []string{"api-key", "a"}, false},
		{"another key of Anthropic", nil, question, []string{"X-Api-Key", "b"}, []string{"x-api-key", "a"}, false},
		{"another key of Google", nil, question, []string{"x-goog-api-key", "b"}, []string{"x-goog-api-key", "a"}, false},
		{"the same key", nil, question, []string{"authorization", "Bearer a"}, []string{"Authorization", "Bearer a"}, true},
		{"signed anew", nil, question, signed("1"), signed("2"), true},
		{"other fields", nil, question, []string{"x-stainless-retry-count", "1", "date", "now"}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := sent(t, nil, question, tt.as...)
			got := sent(t, tt.change, tt.body, tt.fields...)
			if want.Request == 0 || got.Request == 0 || (got.Request == want.Request) != tt.same {
				t.Errorf("fingerprints %x and %x, want the same: %v", want.Request, got.Request, tt.same)
			}
		})
	}
}

func TestConversationIsWhatTheModelIsAsked(t *testing.T) {
	const messages = `"messages":[{"role":"user","content":"hi"}]`
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"another model", `{"model":"a",` + messages + `}`, `{"model":"b",` + messages + `}`, true},
		{"another order and other members", `{"x":{"messages":[1]},` + messages + `,"y":[[{}]]}`, `{` + messages + ` , "z" : "messages" }`, true},
		{"another question", `{` + messages + `}`, strings.Replace(`{`+messages+`}`, "hi", "ho", 1), false},
		{"another question at the end", `{"prompt":"a\"b"}`, `{"prompt":"a\"c"}`, false},
		{"the same in another member", `{"input":"hi"}`, `{"prompt":"hi"}`, false},
		{"another system prompt", `{"system":"a",` + messages + `}`, `{"system":"b",` + messages + `}`, false},
		{"the system prompt first or last", `{"system":"a",` + messages + `}`, `{` + messages + `,"system":"a"}`, true},
		{"of Gemini", `{"contents":[{"parts":[{"text":"a"}]}]}`, `{"generationConfig":{},"contents":[{"parts":[{"text":"a"}]}]}`, true},
		{"after a name with an escape", `{"mess\"ages":[1],` + messages + `}`, `{` + messages + `}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := sent(t, nil, tt.a).Conversation, sent(t, nil, tt.b).Conversation
			if a == 0 || b == 0 || (a == b) != tt.same {
				t.Errorf("%x and %x, want the same: %v", a, b, tt.same)
			}
		})
	}
}

func TestNoConversationIsMadeUp(t *testing.T) {
	for name, tt := range map[string]struct {
		body   string
		fields []string
	}{
		"nothing is asked":            {`{"model":"m","system":"be nice"}`, nil},
		"a value that is no question": {`{"messages":null,"input":3}`, nil},
		"deeper down":                 {`{"request":{"messages":[1]}}`, nil},
		"a list":                      {`["messages",{"messages":[1]}]`, nil},
		"after the end":               {`{} {"messages":[1]}`, nil},
		"no JSON":                     {question, []string{"Content-Type", "text/plain"}},
		"compressed":                  {question, []string{"Content-Encoding", "gzip"}},
		"not whole":                   {`{"messages":[{"content":"hi"`, nil},
	} {
		if c := sent(t, nil, tt.body, tt.fields...); c.Conversation != 0 || c.Request == 0 {
			t.Errorf("%s: conversation %x, request %x", name, c.Conversation, c.Request)
		}
	}
}

func TestNoRequestWithoutABody(t *testing.T) {
	if c := sent(t, nil, ""); c.Request != 0 || c.Conversation != 0 {
		t.Errorf("%+v", c)
	}
	of, told := newTap()
	x := of.Begin(chat("Idempotency-Key", "k"))
	x.RequestBody([]byte(question))
	end(x)
	if c := told.only(t).Call; c.Request != 0 || c.ID == 0 {
		t.Errorf("a request that was not read whole: %+v", c)
	}
}

func TestProgramsAreToldApartByTheirUserAgent(t *testing.T) {
	of := func(agent string) exchange.Call { return sent(t, nil, question, "User-Agent", agent) }
	curl, requests, again := of("curl/8.5.0"), of("python-requests/2.32.3"), of("curl/8.5.0")
	if curl.Client != sdk.Unknown || curl.Agent == 0 || curl.Agent == requests.Agent || curl.Agent != again.Agent {
		t.Errorf("fingerprints %x, %x and %x", curl.Agent, requests.Agent, again.Agent)
	}
	if none := sent(t, nil, question); none.Agent != 0 {
		t.Errorf("without a User-Agent: %x", none.Agent)
	}
}

func TestCallIsNamedByItsStrongestIdentifier(t *testing.T) {
	for name, tt := range map[string]struct {
		fields []string
		source exchange.Identifier
	}{
		"none":            {nil, 0},
		"an empty one":    {[]string{"Idempotency-Key", ""}, 0},
		"AWS":             {[]string{"X-Request-Id", "a", "amz-sdk-invocation-id", "b"}, sdk.Invocation},
		"AWS, first":      {[]string{"amz-sdk-invocation-id", "b", "X-Request-Id", "a"}, sdk.Invocation},
		"Azure":           {[]string{"x-ms-client-request-id", "a"}, sdk.MSClientRequest},
		"an application":  {[]string{"X-Client-Request-Id", "a"}, sdk.ClientRequest},
		"LiteLLM":         {[]string{"x-litellm-call-id", "a"}, sdk.LiteLLMCall},
		"idempotency":     {[]string{"x-client-request-id", "a", "Idempotency-Key", "b"}, sdk.IdempotencyKey},
		"some other name": {[]string{"x-correlation-id", "a"}, 0},
	} {
		a, b := sent(t, nil, question, tt.fields...), sent(t, nil, question, tt.fields...)
		if a.IDSource != tt.source || (a.ID != 0) != (tt.source != 0) || a.ID != b.ID {
			t.Errorf("%s: %d %x, then %x; want %d", name, a.IDSource, a.ID, b.ID, tt.source)
		}
	}
	one, other := sent(t, nil, question, "x-request-id", "a"), sent(t, nil, question, "x-client-request-id", "a")
	if one.ID == other.ID {
		t.Error("a value means the same in two fields")
	}
}

func TestClientTellsHowOftenItRetried(t *testing.T) {
	for _, tt := range []struct {
		field, value string
		want         exchange.Count
	}{
		{"X-Stainless-Retry-Count", "2", exchange.Known(2)},
		{"amz-sdk-request", "attempt=3; max=3", exchange.Known(2)},
		{"amz-sdk-request", "ttl=20261122T000000Z", exchange.Count{}},
	} {
		if got := sent(t, nil, question, tt.field, tt.value).Retries; got != tt.want {
			t.Errorf("%s: %s is %+v, want %+v", tt.field, tt.value, got, tt.want)
		}
	}
}

func TestClientIsTheSDKThatTheHeadNames(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fields []string
		want   exchange.SDK
	}{
		{"by its User-Agent", []string{"User-Agent", "Anthropic/JS 1.2"}, sdk.AnthropicJS},
		{"by its generator", []string{"X-Stainless-Lang", "ruby", "User-Agent", "Acme/Ruby"}, sdk.Stainless},
		{"by both", []string{"User-Agent", "OpenAI/JS 6.49.0", "X-Stainless-Lang", "js"}, sdk.OpenAIJS},
		{"by neither", []string{"User-Agent", "curl/8.5"}, sdk.Unknown},
	} {
		if got := sent(t, nil, question, tt.fields...).Client; got != tt.want {
			t.Errorf("%s: SDK %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestBegunGetsTheRecordSoFarAndSetsTheAttempt(t *testing.T) {
	l := new(ledger)
	var begun []exchange.Record
	want := exchange.Attempt{Chain: 7, Number: 3}
	of := tap.New(tap.Config{Observer: l, Begun: func(r exchange.Record) exchange.Attempt {
		begun = append(begun, r)
		return want
	}})
	x := of.Begin(chat())
	x.RequestBody([]byte(question))
	x.RequestRead(tap.Now())
	if len(begun) != 1 || begun[0].Call.Request == 0 || begun[0].Timing.RequestRead == 0 {
		t.Fatalf("Begun got %+v", begun)
	}
	end(x)
	if got := l.only(t); got.Attempt != want || got.Call != begun[0].Call {
		t.Errorf("attempt %+v of call %+v", got.Attempt, got.Call)
	}
}

func TestBegunMayPanic(t *testing.T) {
	l := new(ledger)
	of := tap.New(tap.Config{Observer: l, Begun: func(exchange.Record) exchange.Attempt { panic("begun") }})
	x := of.Begin(chat())
	x.RequestRead(tap.Now())
	end(x)
	if l.only(t); of.Detached()["panic"] != 1 {
		t.Errorf("%v", of.Detached())
	}
}

// FuzzConversation: a body has the same fingerprints and the same prompt, however it is cut.
func FuzzConversation(f *testing.F) {
	for _, body := range []string{
		question, `{"prompt":"a\\\"b","x":[{"messages":{}}],"input":["\\"]}`, `{"system" : "s" , "contents":[[],{}]}`,
		`{"messages":[{"role":"system","content":"s","cache_control":{"a":[1]}},{"content":[{"type":"text","text":"u"}]},{"n":[1,true]}],"tools":[null]}`,
		`{"messages":"`, `]`, `"`, `{"messages`, `{"\u006d":1}`, "{\"input\":\"\\",
	} {
		f.Add([]byte(body), uint8(1), uint8(3))
	}
	f.Fuzz(func(t *testing.T, body []byte, a, b uint8) {
		whole := recorded(t, nil, string(body), 0)
		for _, size := range []int{1, 1 + int(a), 1 + int(b)} {
			cut := recorded(t, nil, string(body), size)
			if cut.Call != whole.Call || !reflect.DeepEqual(cut.Prefix, whole.Prefix) {
				t.Fatalf("%q in pieces of %d: %+v %+v, in one: %+v %+v", body, size, cut.Call, cut.Prefix.Prompt, whole.Call, whole.Prefix.Prompt)
			}
		}
		if !bytes.Contains(body, []byte{'"'}) && whole.Call.Conversation != 0 {
			t.Errorf("%q has a conversation", body)
		}
	})
}
