package modelsim

import "encoding/json"

// response is the response object of the Responses API.
type response struct {
	ID                 string             `json:"id"`
	Object             string             `json:"object"`
	CreatedAt          int64              `json:"created_at"`
	Status             string             `json:"status"`
	Background         bool               `json:"background"`
	Error              *responseError     `json:"error"`
	IncompleteDetails  *incompleteDetails `json:"incomplete_details"`
	Instructions       *string            `json:"instructions"`
	MaxOutputTokens    *int               `json:"max_output_tokens"`
	Model              string             `json:"model"`
	Output             []any              `json:"output"` // messageItem, reasoningItem
	ParallelToolCalls  bool               `json:"parallel_tool_calls"`
	PreviousResponseID *string            `json:"previous_response_id"`
	Reasoning          reasoningConfig    `json:"reasoning"`
	ServiceTier        string             `json:"service_tier"`
	Store              bool               `json:"store"`
	Temperature        float64            `json:"temperature"`
	Text               textConfig         `json:"text"`
	ToolChoice         string             `json:"tool_choice"`
	Tools              json.RawMessage    `json:"tools"`
	TopP               float64            `json:"top_p"`
	Truncation         string             `json:"truncation"`
	Usage              *responsesUsage    `json:"usage"`
	Metrics            *metrics           `json:"metrics,omitempty"`
	User               *string            `json:"user"`
	Metadata           json.RawMessage    `json:"metadata"`
}

type responseError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type incompleteDetails struct {
	Reason string `json:"reason"`
}

type reasoningConfig struct {
	Effort  *string `json:"effort"`
	Summary *string `json:"summary"`
}

type textConfig struct {
	Format struct {
		Type string `json:"type"`
	} `json:"format"`
}

type messageItem struct {
	ID      string       `json:"id"`
	Type    string       `json:"type"`
	Status  string       `json:"status"`
	Role    string       `json:"role"`
	Content []outputText `json:"content"`
}

type outputText struct {
	Type        string `json:"type"`
	Text        string `json:"text"`
	Annotations []any  `json:"annotations"`
	Logprobs    []any  `json:"logprobs"`
}

func newOutputText(text string) outputText {
	return outputText{Type: "output_text", Text: text, Annotations: []any{}, Logprobs: []any{}}
}

// reasoningItem stands for reasoning that the API does not show.
type reasoningItem struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Summary []any  `json:"summary"`
}

func newReasoningItem(id string) reasoningItem {
	return reasoningItem{ID: id, Type: "reasoning", Summary: []any{}}
}

// responsesUsage is the usage object of the Responses API.
type responsesUsage struct {
	InputTokens  int `json:"input_tokens"`
	InputDetails struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	OutputTokens  int `json:"output_tokens"`
	OutputDetails struct {
		ReasoningTokens int `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	TotalTokens int `json:"total_tokens"`
}

func (t tally) responsesUsage() *responsesUsage {
	u := &responsesUsage{InputTokens: t.prompt, OutputTokens: t.output, TotalTokens: t.prompt + t.output}
	u.InputDetails.CachedTokens = t.cached
	u.OutputDetails.ReasoningTokens = t.reasoning
	return u
}

// newResponse is the response to body before the engine generates anything.
func newResponse(body *responsesBody, id string, created int64) response {
	r := response{
		ID: id, Object: "response", CreatedAt: created, Model: body.Model,
		Instructions: body.Instructions, MaxOutputTokens: body.MaxOutputTokens,
		Output: []any{}, ParallelToolCalls: true, ServiceTier: "default", Temperature: 1, TopP: 1,
		ToolChoice: "auto", Tools: body.Tools, Truncation: "disabled", Metadata: body.Metadata,
	}
	r.Text.Format.Type = "text"
	if isNull(r.Tools) {
		r.Tools = json.RawMessage("[]")
	}
	if isNull(r.Metadata) {
		r.Metadata = json.RawMessage("{}")
	}
	if body.Temperature != nil {
		r.Temperature = *body.Temperature
	}
	if body.TopP != nil {
		r.TopP = *body.TopP
	}
	return r
}
