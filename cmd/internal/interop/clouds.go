package interop

import "testing"

// GeminiSDKs are the SDKs that make the calls of calls_gemini.json.
func GeminiSDKs(t *testing.T) []SDK {
	t.Helper()
	return []SDK{nodeSDK(t, "gemini"), pythonSDK(t, "gemini")}
}

// BedrockSDKs are the SDKs that make the calls of calls_bedrock.json. The one for Node
// sends a key, the one for Python signs its requests.
func BedrockSDKs(t *testing.T) []SDK {
	t.Helper()
	return []SDK{nodeSDK(t, "bedrock"), pythonSDK(t, "bedrock")}
}

// OllamaSDKs are the SDKs that make the calls of calls_ollama.json.
func OllamaSDKs(t *testing.T) []SDK {
	t.Helper()
	return []SDK{nodeSDK(t, "ollama")}
}

func nodeSDK(t *testing.T, name string) SDK {
	t.Helper()
	return SDK{Name: "node", Command: []string{"node", Driver(t, "node/drive.mjs"), "--" + name}, Unasked: true}
}

func pythonSDK(t *testing.T, name string) SDK {
	t.Helper()
	python := Tool(t, "python-retries/bin/python")
	return SDK{Name: "python", Command: []string{python, Driver(t, "python/drive.py"), "--" + name}, Unasked: true}
}
