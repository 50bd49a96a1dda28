package modelsim_test

import (
	"testing"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

func TestWireShapeOfInferenceServers(t *testing.T) {
	fault := func(f string) []string { return []string{"X-Sim-Fault", f} }
	drafts := func(c *modelsim.Config) { c.DraftTokens, c.DraftAcceptance = 3, 1 }
	const tgi = `"inputs":"Name a color.","parameters":{"max_new_tokens":3,"details":true}`
	const sglang = `"text":"Name a color.","sampling_params":{"max_new_tokens":3}`
	const llama = `"prompt":"Name a color.","n_predict":3`
	const triton = `"text_input":"Name a color.","parameters":{"max_tokens":3}`
	const stream, whole = "/v2/models/llama/generate_stream", "/v2/models/llama/generate"
	checkWireShapes(t, []wireShape{
		{name: "tgi", path: "/generate", body: `{` + tgi + `}`},
		{name: "tgi-without-details", path: "/generate", body: `{"inputs":"Name a color.","parameters":{"max_new_tokens":2}}`},
		{name: "tgi-stream", path: "/generate_stream", body: `{` + tgi + `}`},
		{name: "tgi-stream-drafts", path: "/generate_stream", body: `{"inputs":"Name a color.","parameters":{"max_new_tokens":6}}`, config: drafts},
		{name: "tgi-stream-error", path: "/generate_stream", body: `{` + tgi + `}`, header: fault("error@1")},
		{name: "tgi-overloaded", path: "/generate_stream", body: `{` + tgi + `}`, header: fault("http=429")},
		{name: "tgi-no-inputs", path: "/generate_stream", body: `{"inputs":""}`},
		{name: "sglang", path: "/generate", body: `{` + sglang + `}`},
		{name: "sglang-stream", path: "/generate", body: `{"stream":true,` + sglang + `}`},
		{name: "sglang-stream-error", path: "/generate", body: `{"stream":true,` + sglang + `}`, header: fault("error@1")},
		{name: "sglang-no-text", path: "/generate", body: `{}`},
		{name: "llamacpp", path: "/completion", body: `{` + llama + `}`},
		{name: "llamacpp-stream", path: "/completion", body: `{"stream":true,` + llama + `}`},
		{name: "llamacpp-stream-stop", path: "/completion", body: `{"stream":true,"prompt":"Name a color.","n_predict":60,"ignore_eos":false}`, config: func(c *modelsim.Config) { c.OutputMedian = 2 }},
		{name: "llamacpp-stream-error", path: "/completion", body: `{"stream":true,` + llama + `}`, header: fault("error@1")},
		{name: "llamacpp-no-prompt", path: "/completion", body: `{}`},
		{name: "triton", path: whole, body: `{` + triton + `}`},
		{name: "triton-stream", path: stream, body: `{"text_input":"Name a color.","max_tokens":3}`},
		{name: "triton-stream-error", path: stream, body: `{` + triton + `}`, header: fault("error@1")},
		{name: "triton-no-text", path: stream, body: `{}`},
	})
}

func TestWireShapeOfSageMaker(t *testing.T) {
	const path = "/endpoints/my-llm/invocations"
	const stream = path + "-response-stream"
	const chat = `{"messages":[{"role":"user","content":"Name a color."}],"max_tokens":3}`
	const tgi = `{"inputs":"Name a color.","parameters":{"max_new_tokens":2,"details":true}}`
	checkWireShapes(t, []wireShape{
		{name: "sagemaker-chat", path: path, body: chat},
		{name: "sagemaker-tgi", path: path, body: tgi},
		{name: "sagemaker-chat-stream", path: stream, body: chat},
		{name: "sagemaker-tgi-stream", path: stream, body: tgi},
		{name: "sagemaker-stream-error", path: stream, body: chat, header: []string{"X-Sim-Fault", "error@1"}},
		{name: "sagemaker-unavailable", path: stream, body: chat, header: []string{"X-Sim-Fault", "http=503"}},
		{name: "sagemaker-no-messages", path: path, body: `{}`},
	})
}
