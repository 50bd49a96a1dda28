package sidecar

//go:generate go test -run DialectsPage -update .

import (
	"slices"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/anthropic"
	"github.com/headway-sidecar/headway/proxy/dialect/bedrock"
	"github.com/headway-sidecar/headway/proxy/dialect/cohere"
	"github.com/headway-sidecar/headway/proxy/dialect/gemini"
	"github.com/headway-sidecar/headway/proxy/dialect/live"
	"github.com/headway-sidecar/headway/proxy/dialect/llamacpp"
	"github.com/headway-sidecar/headway/proxy/dialect/ollama"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/dialect/realtime"
	"github.com/headway-sidecar/headway/proxy/dialect/responses"
	"github.com/headway-sidecar/headway/proxy/dialect/sagemaker"
	"github.com/headway-sidecar/headway/proxy/dialect/sglang"
	"github.com/headway-sidecar/headway/proxy/dialect/tgi"
	"github.com/headway-sidecar/headway/proxy/dialect/triton"
)

// Dialects returns all dialects that headway reads, the most used first. Of two that match
// a request the first one reads it: Claude at Amazon Bedrock, say, before what Bedrock has
// for all models.
func Dialects() dialect.Set {
	return slices.Concat(
		openai.Dialects(), responses.Dialects(), realtime.Dialects(), anthropic.Dialects(), gemini.Dialects(), live.Dialects(),
		bedrock.Dialects(), sagemaker.Dialects(), cohere.Dialects(), ollama.Dialects(),
		triton.Dialects(), tgi.Dialects(), sglang.Dialects(), llamacpp.Dialects(),
	)
}
