package modelsim

// ollama is the provider of Ollama's native API.
// https://github.com/ollama/ollama/blob/main/docs/api.md
type ollama struct{ plain }

func ollamaEndpoints() []endpoint {
	return []endpoint{
		{"/api/chat", "ollama-chat", "chat", ollama{}, ndjson{}, generate[ollamaChatBody]},
		{"/api/generate", "ollama-generate", "text_completion", ollama{}, ndjson{}, generate[ollamaGenerateBody]},
		{"/api/embed", "ollama-embed", "embeddings", ollama{}, nil, (*call).ollamaEmbed},
	}
}

type ollamaErrorBody struct {
	Error string `json:"error"`
}

func (ollama) errorBody(e *apiError, _ string) any { return ollamaErrorBody{e.Message} }

func (ollama) garbage() event {
	return event{data: []byte("{\"model\":\"garbage\",\"message\":{\"role\":\"assistant\",\"conte\x00")}
}
