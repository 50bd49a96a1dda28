package openai

import (
	"bytes"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// servers are the inference servers that give themselves away in a response of OpenAI's
// shape. The fields of serverPaths follow their order.
var servers = []string{"vllm", "sglang", "llama_cpp"}

// serverPaths are places that one of servers alone has.
func serverPaths() frame.Paths {
	const vllm, sglang, llamacpp = reading.Server, reading.Server + 1, reading.Server + 2
	return frame.Paths{
		"prompt_token_ids":        vllm,
		"prompt_logprobs":         vllm,
		"kv_transfer_params":      vllm,
		"choices.[].stop_reason":  vllm,
		"choices.[].matched_stop": sglang,
		"sglext":                  sglang,
		"timings":                 llamacpp,
		"system_fingerprint":      reading.Fingerprint,
	}
}

// serverOf returns the server that a fingerprint names, or nothing.
func serverOf(fingerprint []byte) string {
	if string(fingerprint) == "fp_ollama" {
		return "ollama"
	}
	if rest, ok := bytes.CutPrefix(fingerprint, []byte("b")); ok && len(rest) > 5 && rest[4] == '-' && !bytes.ContainsFunc(rest[:4], notDigit) {
		return "llama_cpp" // b7010-1a2b3c4d, say
	}
	if bytes.Contains(fingerprint, []byte("-sha-")) {
		return "tgi" // 3.3.4-sha-…
	}
	return ""
}

func notDigit(r rune) bool { return r < '0' || r > '9' }
