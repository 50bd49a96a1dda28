// Package sdk is the table of client SDKs: how a request gives its SDK away, which
// header fields identify its call or number its attempts, and how long the SDK waits
// before it tries again.
//
// The tap reads requests by this table. The chain stage decides by it which requests
// may be attempts of one call, and until when another attempt may come.
package sdk

import (
	"bytes"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// The SDKs. SDKs that try again alike and sign their requests alike are one.
const (
	Unknown      exchange.SDK = iota
	LangChain                 // LangChain JS, which tries again by itself, above the SDK of a provider
	OpenAIPython              // also below LangChain Python and LiteLLM
	OpenAIJS
	OpenAIGo
	AnthropicPython
	AnthropicJS
	AnthropicGo
	GoogleGenAI // in Python, JS and Go
	AWS         // the SDKs for Python, JS and Go
	VercelAI    // the package ai for JS
	Stainless   // any other SDK by the generator of OpenAI's and Anthropic's: Groq's, Together's
	end
)

// Client is what headway knows of an SDK.
type Client struct {
	Name   string  // in documents
	Agents []Agent // of which its User-Agent fits one
	// Identifier is the one that the SDK sends by itself with every attempt of a call;
	// 0 is none.
	Identifier exchange.Identifier
	// Counter is the field in which the SDK numbers its attempts; empty is none.
	Counter string
	BackOff BackOff
	// Retries is how often the SDK tries again by default; where it does so on request
	// only, how often it does then.
	Retries int
	// Renews says that the SDK gets new credentials after a 401, and tries once more.
	Renews bool
}

// Agent is a text by which a User-Agent is recognised.
type Agent struct {
	Text     string
	Anywhere bool // else the User-Agent begins with it
}

// BackOff is how long an SDK waits between two attempts by default.
type BackOff struct {
	// First is the longest wait before the first retry. With every other retry the
	// longest wait doubles, up to Ceiling.
	First, Ceiling time.Duration
	// Least is the share of the longest wait that jitter leaves at least.
	Least float64
	// Honours is the longest retry-after that the SDK waits for; 0 is any.
	Honours time.Duration
}

// stainless is the back-off that the generator of these SDKs writes into all of them.
var stainless = BackOff{First: time.Second / 2, Ceiling: 8 * time.Second, Least: .75}

// clients is the table. docs/retries-clients.md has the versions of the SDKs that were
// watched. An SDK above another SDK stands before it, because a User-Agent may name
// both.
var clients = [end]Client{
	Unknown: {},
	LangChain: { // it sends the counter of the SDK below, which is always 0
		Name: "langchain", Agents: []Agent{{"langchain", true}}, Retries: 6,
		BackOff: BackOff{First: 2 * time.Second, Ceiling: 64 * time.Second, Least: .5, Honours: time.Minute},
	},
	OpenAIPython: {
		Name: "openai-python", Retries: 2, Counter: retryCount, BackOff: stainless.honouring(2 * time.Minute),
		Agents: []Agent{{"OpenAI/Python", false}, {"AsyncOpenAI/Python", false}, {"AzureOpenAI/Python", false}, {"AsyncAzureOpenAI/Python", false}},
	},
	OpenAIJS: {
		Name: "openai-js", Retries: 2, Counter: retryCount, BackOff: stainless,
		Agents: []Agent{{"OpenAI/JS", false}, {"AzureOpenAI/JS", false}},
	},
	OpenAIGo: {
		Name: "openai-go", Retries: 2, Counter: retryCount, BackOff: stainless.honouring(2 * time.Minute),
		Agents: []Agent{{"OpenAI/Go", false}},
	},
	AnthropicPython: {
		Name: "anthropic-python", Retries: 2, Counter: retryCount, BackOff: stainless.honouring(time.Minute), Renews: true,
		Agents: []Agent{{"Anthropic/Python", false}, {"AsyncAnthropic/Python", false}},
	},
	AnthropicJS: {
		Name: "anthropic-js", Retries: 2, Counter: retryCount, BackOff: stainless, Renews: true,
		Agents: []Agent{{"Anthropic/JS", false}},
	},
	AnthropicGo: {
		Name: "anthropic-go", Retries: 2, Counter: retryCount, BackOff: stainless.honouring(8 * time.Second), Renews: true,
		Agents: []Agent{{"Anthropic/Go", false}},
	},
	GoogleGenAI: { // when the application turns retries on
		Name: "google-genai", Agents: []Agent{{"google-genai-sdk/", true}}, Retries: 4,
		BackOff: BackOff{First: 2 * time.Second, Ceiling: 61 * time.Second, Least: .5},
	},
	AWS: {
		Name: "aws", Agents: []Agent{{"aws-sdk-", true}, {"Boto", false}}, Retries: 2, // Boto3 and Botocore
		Identifier: Invocation, Counter: attemptNumber,
		BackOff: BackOff{First: 2 * time.Second, Ceiling: 20 * time.Second},
	},
	VercelAI: {
		Name: "ai-sdk", Agents: []Agent{{"ai/", false}, {"ai-sdk/", true}}, Retries: 2,
		BackOff: BackOff{First: 2 * time.Second, Ceiling: time.Minute, Least: 1, Honours: time.Minute},
	},
	Stainless: {Name: "stainless", Retries: 2, Counter: retryCount, BackOff: stainless},
}

// Clients lists the SDKs in the order of the table, without Unknown.
func Clients() []exchange.SDK {
	all := make([]exchange.SDK, 0, end)
	for c := Unknown + 1; c < end; c++ {
		all = append(all, c)
	}
	return all
}

// Of returns what headway knows of an SDK, which nobody may change.
func Of(c exchange.SDK) *Client {
	if c >= end {
		return &clients[Unknown]
	}
	return &clients[c]
}

// Recognise returns the SDK that a User-Agent names; Unknown for any other text.
func Recognise(userAgent []byte) exchange.SDK {
	for i := range agents {
		if a := &agents[i]; a.fits(userAgent) {
			return a.client
		}
	}
	return Unknown
}

// agents are the Agents of all SDKs, in the order of the table.
var agents = func() (all []clientAgent) {
	for c := range clients {
		for _, a := range clients[c].Agents {
			all = append(all, clientAgent{a, exchange.SDK(c)})
		}
	}
	return all
}()

type clientAgent struct {
	Agent
	client exchange.SDK
}

func (a *Agent) fits(userAgent []byte) bool {
	return bytes.HasPrefix(userAgent, []byte(a.Text)) || (a.Anywhere && bytes.Contains(userAgent, []byte(a.Text)))
}

// OnlyCounts reports whether the number of an attempt is all that the SDK itself says
// of a call. Then an attempt that does not bear the next number is no retry of the
// SDK's own. An SDK that identifies its calls is recognised by the identifier.
func (c *Client) OnlyCounts() bool { return c.Counter != "" && c.Identifier == 0 }

func (b BackOff) honouring(longest time.Duration) BackOff {
	b.Honours = longest
	return b
}

// maxDoublings is more doublings than any SDK does before its Ceiling.
const maxDoublings = 16

// Wait returns the bounds of the wait before a retry; the first retry is number 1.
func (b BackOff) Wait(retry int) (least, longest time.Duration) {
	longest = min(b.First<<min(max(retry-1, 0), maxDoublings), b.Ceiling)
	return time.Duration(float64(longest) * b.Least), longest
}

// Obeys reports whether the SDK waits for as long as a server asks it to.
func (b BackOff) Obeys(asked time.Duration) bool { return b.Honours == 0 || asked <= b.Honours }
