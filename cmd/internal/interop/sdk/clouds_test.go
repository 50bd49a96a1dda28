//go:build interop

package sdk_test

import (
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

func TestInteropGeminiSDKsGetTheSameAnswersAndTheCaptureIsTrue(t *testing.T) {
	checkSDKs(t, interop.GeminiSDKs(t), interop.ReadCalls(t, "calls_gemini.json"), sameFields, quick...)
}

func TestInteropBedrockSDKsGetTheSameAnswersAndTheCaptureIsTrue(t *testing.T) {
	checkSDKs(t, interop.BedrockSDKs(t), interop.ReadCalls(t, "calls_bedrock.json"), sameFields, quick...)
}

func TestInteropOllamaSDKGetsTheSameAnswersAndTheCaptureIsTrue(t *testing.T) {
	checkSDKs(t, interop.OllamaSDKs(t), interop.ReadCalls(t, "calls_ollama.json"), sameFields, quick...)
}
