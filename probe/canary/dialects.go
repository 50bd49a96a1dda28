package canary

import (
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// ask is what a request has to say, in no API's words.
type ask struct {
	model     string
	prompt    string
	output    int // tokens at most
	seed      int64
	ignoreEOS bool
	warm      bool // the prompt is for the cache
	host      string
}

// dialect is an API, as canaries speak it. All ask for a stream, at temperature 0.
type dialect struct {
	name      string
	operation exchange.Operation
	path      func(model string) string // model is escaped
	body      func(ask) map[string]any
	keyField  string // of the head, that has the key behind keyPrefix
	keyPrefix string
	version   string // of Anthropic's API
	template  int    // tokens that the server adds to a prompt, roughly
	plain     bool   // the prompt goes in without a template, so that a base model may answer anything
	framing   framing
	places    frame.Paths // of a message, by field
	// cumulative says that each message has the whole text so far.
	cumulative bool
	endless    bool // it takes ignore_eos
}

// framing says how messages follow each other.
type framing uint8

const (
	sse framing = iota
	lines
	events // of AWS
)

// The places in a message.
const (
	fieldText frame.Field = iota + 1
	fieldThought
	fieldFingerprint
)

const bearer = "Bearer "

// Dialects lists the names of the dialects in which canaries can be sent.
func Dialects() []string {
	var names []string
	for _, d := range dialects() {
		names = append(names, d.name)
	}
	return names
}

// Endless tells whether the API of a dialect takes ignore_eos, on servers that have it.
func Endless(name string) bool {
	d := find(name)
	return d != nil && d.endless
}

func find(name string) *dialect {
	all := dialects()
	if i := slices.IndexFunc(all, func(d dialect) bool { return d.name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

type object = map[string]any

func at(path string) func(string) string { return func(string) string { return path } }

// around returns the path with the model between two parts.
func around(before, after string) func(string) string {
	return func(model string) string { return before + model + after }
}

func messages(text any) []any { return []any{object{"role": "user", "content": text}} }

// dialects is the table of APIs. docs/dialects.md names their references.
func dialects() []dialect {
	return []dialect{
		{
			name: "openai-chat", operation: exchange.Chat, path: at("/v1/chat/completions"), body: openAIChat, keyField: "Authorization", keyPrefix: bearer, template: 8, endless: true,
			places: frame.Paths{
				"choices.[].delta.content": fieldText, "choices.[].delta.reasoning_content": fieldThought, "choices.[].delta.reasoning": fieldThought,
				"system_fingerprint": fieldFingerprint,
			},
		},
		{
			name: "openai-completions", operation: exchange.TextCompletion, path: at("/v1/completions"), body: openAICompletions, keyField: "Authorization", keyPrefix: bearer, template: 1, plain: true, endless: true,
			places: frame.Paths{"choices.[].text": fieldText, "system_fingerprint": fieldFingerprint},
		},
		{
			name: "openai-responses", operation: exchange.Chat, path: at("/v1/responses"), body: openAIResponses, keyField: "Authorization", keyPrefix: bearer, template: 8,
			places: frame.Paths{"delta": fieldText},
		},
		{
			name: "anthropic-messages", operation: exchange.Chat, path: at("/v1/messages"), body: anthropicMessages, keyField: "X-Api-Key", version: "2023-06-01", template: 8,
			places: frame.Paths{"delta.text": fieldText, "delta.thinking": fieldThought},
		},
		{
			name: "gemini-generate", operation: exchange.GenerateContent, path: around("/v1beta/models/", ":streamGenerateContent?alt=sse"), body: geminiGenerate, keyField: "X-Goog-Api-Key", template: 2,
			places: frame.Paths{"candidates.[].content.parts.[].text": fieldText},
		},
		{
			name: "bedrock-converse", operation: exchange.Chat, path: around("/model/", "/converse-stream"), body: bedrockConverse, keyField: "Authorization", keyPrefix: bearer, template: 8, framing: events,
			places: frame.Paths{"delta.text": fieldText, "delta.reasoningContent.text": fieldThought},
		},
		{
			name: "cohere-chat", operation: exchange.Chat, path: at("/v2/chat"), body: cohereChat, keyField: "Authorization", keyPrefix: bearer, template: 8,
			places: frame.Paths{"delta.message.content.text": fieldText, "delta.message.content.thinking": fieldThought},
		},
		{
			name: "ollama-chat", operation: exchange.Chat, path: at("/api/chat"), body: ollamaChat, keyField: "Authorization", keyPrefix: bearer, template: 8, framing: lines,
			places: frame.Paths{"message.content": fieldText, "message.thinking": fieldThought},
		},
		{
			name: "ollama-generate", operation: exchange.TextCompletion, path: at("/api/generate"), body: ollamaGenerate, keyField: "Authorization", keyPrefix: bearer, template: 8, framing: lines,
			places: frame.Paths{"response": fieldText, "thinking": fieldThought},
		},
		{
			name: "tgi-generate", operation: exchange.TextCompletion, path: at("/generate_stream"), body: tgiGenerate, keyField: "Authorization", keyPrefix: bearer, template: 1, plain: true,
			places: frame.Paths{"token.text": fieldText},
		},
		{
			name: "sglang-generate", operation: exchange.TextCompletion, path: at("/generate"), body: sglangGenerate, keyField: "Authorization", keyPrefix: bearer, template: 1, plain: true, endless: true,
			places: frame.Paths{"text": fieldText}, cumulative: true,
		},
		{
			name: "llamacpp-completion", operation: exchange.TextCompletion, path: at("/completion"), body: llamaCPPCompletion, keyField: "Authorization", keyPrefix: bearer, template: 1, plain: true, endless: true,
			places: frame.Paths{"content": fieldText},
		},
		{
			name: "triton-generate", operation: exchange.TextCompletion, path: around("/v2/models/", "/generate_stream"), body: tritonGenerate, keyField: "Authorization", keyPrefix: bearer, template: 1, plain: true,
			places: frame.Paths{"text_output": fieldText},
		},
	}
}

// openAIChat names the bound of the answer as the host wants it: OpenAI's newer models
// refuse max_tokens, and many other servers know no other name.
func openAIChat(a ask) object {
	limit := "max_tokens"
	if strings.HasSuffix(a.host, "openai.com") || strings.HasSuffix(a.host, ".azure.com") {
		limit = "max_completion_tokens"
	}
	return unending(a, object{
		"model": a.model, "messages": messages(a.prompt), limit: a.output, "temperature": 0, "seed": a.seed,
		"stream": true, "stream_options": object{"include_usage": true},
	})
}

func openAICompletions(a ask) object {
	return unending(a, object{
		"model": a.model, "prompt": a.prompt, "max_tokens": a.output, "temperature": 0, "seed": a.seed,
		"stream": true, "stream_options": object{"include_usage": true},
	})
}

// unending adds ignore_eos, which servers refuse or ignore that do not have it.
func unending(a ask, body object) object {
	if a.ignoreEOS {
		body["ignore_eos"] = true
	}
	return body
}

func openAIResponses(a ask) object {
	return object{"model": a.model, "input": a.prompt, "max_output_tokens": a.output, "temperature": 0, "stream": true, "store": false}
}

// anthropicMessages marks a warm prompt, because Anthropic caches marked prompts only.
func anthropicMessages(a ask) object {
	part := object{"type": "text", "text": a.prompt}
	if a.warm {
		part["cache_control"] = object{"type": "ephemeral"}
	}
	return object{"model": a.model, "messages": messages([]any{part}), "max_tokens": a.output, "temperature": 0, "stream": true}
}

func geminiGenerate(a ask) object {
	return object{
		"contents":         []any{object{"role": "user", "parts": []any{object{"text": a.prompt}}}},
		"generationConfig": object{"maxOutputTokens": a.output, "temperature": 0, "seed": a.seed},
	}
}

func bedrockConverse(a ask) object {
	return object{"messages": messages([]any{object{"text": a.prompt}}), "inferenceConfig": object{"maxTokens": a.output, "temperature": 0}}
}

func cohereChat(a ask) object {
	return object{"model": a.model, "messages": messages(a.prompt), "max_tokens": a.output, "temperature": 0, "seed": a.seed, "stream": true}
}

func ollamaChat(a ask) object {
	return object{"model": a.model, "messages": messages(a.prompt), "stream": true, "options": ollamaOptions(a)}
}

func ollamaGenerate(a ask) object {
	return object{"model": a.model, "prompt": a.prompt, "stream": true, "options": ollamaOptions(a)}
}

func ollamaOptions(a ask) object {
	return object{"num_predict": a.output, "temperature": 0, "seed": a.seed}
}

func tgiGenerate(a ask) object {
	return object{"inputs": a.prompt, "parameters": object{"max_new_tokens": a.output, "do_sample": false, "details": true, "seed": a.seed}}
}

func sglangGenerate(a ask) object {
	return object{"text": a.prompt, "stream": true, "sampling_params": unending(a, object{"max_new_tokens": a.output, "temperature": 0})}
}

func llamaCPPCompletion(a ask) object {
	return unending(a, object{"prompt": a.prompt, "n_predict": a.output, "temperature": 0, "seed": a.seed, "stream": true, "cache_prompt": a.warm})
}

// tritonGenerate speaks to TensorRT-LLM. Other backends name the bound otherwise, and need
// a body of their own.
func tritonGenerate(a ask) object {
	return object{"text_input": a.prompt, "max_tokens": a.output, "stream": true, "parameters": object{"temperature": 0}}
}
