package tap

import (
	"bytes"
	"hash/maphash"
	"net/http"
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// key is of every Fingerprint. It is never changed: attempts of one call may pass
// through different taps.
var key = maphash.MakeSeed()

// evidenceField is what a field of a request's head tells of its call.
type evidenceField uint8

const (
	userAgent evidenceField = iota + 1
	contentType
	credentials
	retryCount // x-stainless-retry-count
	sdkAttempt // amz-sdk-request
	stainless
	callID // and beyond: identifiers, the strongest first
)

// evidenceFields are the fields that tell something. The first two identifiers are
// made to name one call and nothing else.
var evidenceFields = [...]struct {
	name string
	what evidenceField
}{
	{"user-agent", userAgent}, {"content-type", contentType},
	{"authorization", credentials}, {"api-key", credentials}, {"x-api-key", credentials}, {"x-goog-api-key", credentials},
	{"x-stainless-retry-count", retryCount}, {"amz-sdk-request", sdkAttempt}, {"x-stainless-lang", stainless},
	{"amz-sdk-invocation-id", callID}, {"idempotency-key", callID + 1}, {"x-ms-client-request-id", callID + 2},
	{"x-client-request-id", callID + 3}, {"x-litellm-call-id", callID + 4}, {"x-request-id", callID + 5},
}

// fieldsByLength are the places of those of one length in evidenceFields: most
// fields of a head are of a length that none has.
var fieldsByLength = func() (by [len("x-stainless-retry-count") + 1][]uint8) {
	for i, f := range evidenceFields {
		by[len(f.name)] = append(by[len(f.name)], uint8(i))
	}
	return by
}()

// callEvidence gathers what a request says of the call that it belongs to. Nothing
// of it is kept in clear, and it allocates nothing.
type callEvidence struct {
	call        exchange.Call
	id          evidenceField // that call.ID came in
	stainless   bool          // an SDK by that generator sent it
	json        bool
	credentials uint64 // sum over the fields, whose order means nothing
	body        maphash.Hash
	asked       conversation
}

// begin takes in what names the request, before any field of its head.
func (e *callEvidence) begin(r *Request) {
	e.body.SetSeed(key)
	for _, part := range [...]string{r.Method, r.Upstream.Host, r.Path, r.Query} {
		_, _ = e.body.WriteString(part) // a hash takes all of it
		_ = e.body.WriteByte(0)
	}
	_ = e.body.WriteByte(byte(r.Upstream.Port))
	_ = e.body.WriteByte(byte(r.Upstream.Port >> 8))
}

// field takes in one field of the request's head.
func (e *callEvidence) field(name, value []byte) {
	if len(name) >= len(fieldsByLength) {
		return
	}
	for _, i := range fieldsByLength[len(name)] {
		if f := &evidenceFields[i]; exchange.EqualFold(name, f.name) {
			e.take(f.what, f.name, value)
			return
		}
	}
}

// take takes in the value of the field name.
func (e *callEvidence) take(what evidenceField, name string, value []byte) {
	switch what {
	case userAgent:
		e.call.Client = client(value)
	case contentType:
		e.json = isJSON(value)
	case credentials: // whose order means nothing
		e.credentials += maphash.Bytes(key, credential(value)) ^ uint64(len(name))
	case retryCount:
		e.call.Retries = count(value)
	case sdkAttempt:
		e.call.Retries = attempt(value)
	case stainless:
		e.stainless = true
	default:
		if len(value) > 0 && (e.id == 0 || what < e.id) {
			e.id = what
			e.call.ID, e.call.IDSource = fingerprint(maphash.Bytes(key, value)^maphash.String(key, name)), name
		}
	}
}

// headRead says that the head is complete. An opaque body is not looked into.
func (e *callEvidence) headRead(opaque bool) {
	if e.call.Client == "" && e.stainless {
		e.call.Client = "stainless"
	}
	if e.json && !opaque {
		e.asked.begin()
	}
}

// bodyPart takes in the next bytes of the request's body.
func (e *callEvidence) bodyPart(p []byte) {
	_, _ = e.body.Write(p)
	e.asked.read(p)
}

// bodyRead says that the body is complete.
func (e *callEvidence) bodyRead() {
	e.call.Request = fingerprint(e.body.Sum64() + e.credentials)
	e.call.Conversation = e.asked.fingerprint()
}

// fingerprint is h as a Fingerprint, whose 0 says that there is none.
func fingerprint(h uint64) exchange.Fingerprint { return exchange.Fingerprint(max(1, h)) }

// credential is what identifies the sender in the value of a field: all of it, or
// the key and scope of an AWS signature, whose rest differs from attempt to attempt
// (AWS Signature Version 4, Authorization header).
func credential(value []byte) []byte {
	if bytes.HasPrefix(value, []byte("AWS4-")) {
		if end := bytes.IndexByte(value, ','); end >= 0 {
			return value[:end]
		}
	}
	return value
}

// attempt reads "attempt=2; max=3" as one retry.
func attempt(v []byte) exchange.Count {
	const prefix = "attempt="
	if !bytes.HasPrefix(v, []byte(prefix)) {
		return exchange.Count{}
	}
	v = v[len(prefix):]
	if end := bytes.IndexByte(v, ';'); end >= 0 {
		v = v[:end]
	}
	n := count(v)
	if n.N == 0 {
		return exchange.Count{}
	}
	n.N--
	return n
}

// agents are the clients whose retries follow a pattern that is known, by what
// their User-Agent begins with or, when anywhere is set, contains.
var agents = [...]struct {
	text     string
	anywhere bool
	client   string
}{
	{"langchain", true, "langchain"},
	{"OpenAI/Python", false, "openai-python"},
	{"AsyncOpenAI/Python", false, "openai-python"},
	{"AzureOpenAI/Python", false, "openai-python"},
	{"AsyncAzureOpenAI/Python", false, "openai-python"},
	{"OpenAI/JS", false, "openai-js"},
	{"AzureOpenAI/JS", false, "openai-js"},
	{"OpenAI/Go", false, "openai-go"},
	{"Anthropic/Python", false, "anthropic-python"},
	{"AsyncAnthropic/Python", false, "anthropic-python"},
	{"Anthropic/JS", false, "anthropic-js"},
	{"Anthropic/Go", false, "anthropic-go"},
	{"google-genai-sdk/", true, "google-genai"},
	{"aws-sdk-", true, "aws"},
	{"Boto", false, "aws"}, // Boto3 and Botocore
	{"ai/", false, "ai-sdk"},
	{"ai-sdk/", true, "ai-sdk"},
}

// client names the library that a User-Agent tells of, empty for others.
func client(userAgent []byte) string {
	for i := range agents {
		a := &agents[i]
		if bytes.HasPrefix(userAgent, []byte(a.text)) || (a.anywhere && bytes.Contains(userAgent, []byte(a.text))) {
			return a.client
		}
	}
	return ""
}

// isJSON tells application/json and what is built on it (RFC 6839, section 3.1).
func isJSON(contentType []byte) bool {
	if end := bytes.IndexByte(contentType, ';'); end >= 0 {
		contentType = contentType[:end]
	}
	contentType = bytes.TrimSpace(contentType)
	return exchange.EqualFold(contentType, "application/json") ||
		(len(contentType) > 5 && exchange.EqualFold(contentType[len(contentType)-5:], "+json"))
}

// advise reads a field of a response's head that tells the client about trying
// again, if it is one. The finest unit wins; a date counts from now (RFC 9110,
// section 10.2.3).
func advise(a *exchange.Advice, name, value []byte, now time.Time) {
	switch {
	case exchange.EqualFold(name, "x-should-retry"):
		switch string(value) {
		case "true":
			a.Retry = exchange.Yes
		case "false":
			a.Retry = exchange.No
		}
	case exchange.EqualFold(name, "retry-after-ms"), exchange.EqualFold(name, "x-amz-retry-after"):
		if wait := amount(value, time.Millisecond); wait > 0 {
			a.RetryAfter = wait
		}
	case exchange.EqualFold(name, "retry-after") && a.RetryAfter == 0:
		if a.RetryAfter = amount(value, time.Second); a.RetryAfter > 0 {
			return
		}
		if date, err := http.ParseTime(string(value)); err == nil {
			a.RetryAfter = max(0, date.Sub(now))
		}
	}
}

// amount reads a number of units, 0 when it is none or beyond a year.
func amount(v []byte, unit time.Duration) time.Duration {
	n, err := strconv.ParseFloat(string(v), 64)
	if err != nil || !(n > 0) || n > float64(365*24*time.Hour/unit) {
		return 0
	}
	return time.Duration(n * float64(unit))
}
