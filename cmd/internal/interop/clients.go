package interop

import (
	"slices"
	"strings"
	"testing"
)

// ClientCalls is the list of calls in plain words that clients make which have words of
// their own for them.
const ClientCalls = "calls_clients.json"

// OpenAIClients are frameworks, and SDKs of other providers, that speak OpenAI's API.
func OpenAIClients(t *testing.T) []SDK {
	t.Helper()
	mistral := []string{"chat", "tool", "reasoning"}
	return []SDK{
		goClient(t, "openai go", "chat", "tool", "tool-stream", "reasoning", "responses", "responses-tool", "embeddings"),
		nodeClient(t, "vercel-openai", "chat", "tool", "tool-stream", "responses", "responses-tool", "embeddings"),
		nodeClient(t, "vercel-compatible", "chat", "tool", "tool-stream", "reasoning", "embeddings"),
		nodeClient(t, "langchain", "chat", "tool", "tool-stream", "reasoning", "responses", "responses-tool", "embeddings"),
		pythonClient(t, "langchain", "chat", "tool", "tool-stream", "responses", "responses-tool", "embeddings"),
		nodeClient(t, "mistral", mistral...).silent(),
		pythonClient(t, "mistral", mistral...).silent(),
	}
}

// OtherClients are SDKs of other providers, and of inference servers with an API of their
// own.
func OtherClients(t *testing.T) []SDK {
	t.Helper()
	cohere := []string{"chat", "tool", "tool-stream", "reasoning", "embeddings", "rerank"}
	sageMaker, tgi := pythonClient(t, "sagemaker", "chat", "generate"), pythonClient(t, "huggingface", "generate")
	sageMaker.HidesPrompt, tgi.HidesPrompt = true, true
	triton := pythonClient(t, "native-triton", "generate")
	triton.Terse = true
	return []SDK{
		nodeClient(t, "cohere", cohere...),
		pythonClient(t, "cohere", cohere...),
		sageMaker,
		tgi,
		pythonClient(t, "native-sglang", "generate"),
		pythonClient(t, "native-llamacpp", "generate"),
		triton,
	}
}

// goClient is OpenAI's SDK for Go, which makes the calls of these APIs.
func goClient(t *testing.T, name string, apis ...string) SDK {
	t.Helper()
	command := []string{Tool(t, "bin/clients"), Driver(t, ClientCalls), strings.Join(apis, ",")}
	return SDK{Name: name, Command: command, APIs: apis}
}

// nodeClient is a client for Node, which makes the calls of these APIs.
func nodeClient(t *testing.T, client string, apis ...string) SDK {
	t.Helper()
	command := []string{"node", Driver(t, "node/clients.mjs"), client, strings.Join(apis, ",")}
	return SDK{Name: client + " node", Command: command, APIs: apis}
}

// pythonClient is a client for Python, which makes the calls of these APIs.
func pythonClient(t *testing.T, client string, apis ...string) SDK {
	t.Helper()
	python := Tool(t, "python-retries/bin/python")
	command := []string{python, Driver(t, "python/clients.py"), client, strings.Join(apis, ",")}
	return SDK{Name: client + " python", Command: command, APIs: apis}
}

// silent returns the client as one that does not ask for the usage of streams.
func (s SDK) silent() SDK {
	s.Silent = true
	return s
}

// Makes returns those of the calls that the SDK makes.
func (s SDK) Makes(calls []Call) []Call {
	if s.APIs == nil {
		return calls
	}
	return slices.DeleteFunc(slices.Clone(calls), func(c Call) bool { return !slices.Contains(s.APIs, c.API) })
}
