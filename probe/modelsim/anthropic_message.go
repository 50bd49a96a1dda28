package modelsim

// messageObject is the message of the Messages API.
type messageObject struct {
	Model        string       `json:"model"`
	ID           string       `json:"id"`
	Type         string       `json:"type"`
	Role         string       `json:"role"`
	Content      []any        `json:"content"` // textBlock, thinkingBlock, toolBlock
	StopReason   *string      `json:"stop_reason"`
	StopSequence *string      `json:"stop_sequence"`
	Usage        messageUsage `json:"usage"`
}

// newMessageObject is the message before anything is generated.
func newMessageObject(o order) messageObject {
	return messageObject{Model: o.model, ID: o.responseID, Type: "message", Role: "assistant", Content: []any{}}
}

type textBlock struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type thinkingBlock struct {
	Type      string `json:"type"`
	Thinking  string `json:"thinking"`
	Signature string `json:"signature"`
}

type toolBlock struct {
	Type   string            `json:"type"`
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	Input  map[string]string `json:"input"`
	Caller struct {
		Type string `json:"type"`
	} `json:"caller"`
}

// messageUsage counts tokens as the Messages API does: input_tokens are those that the cache
// neither held nor got.
type messageUsage struct {
	InputTokens              int            `json:"input_tokens"`
	CacheCreationInputTokens int            `json:"cache_creation_input_tokens"`
	CacheReadInputTokens     int            `json:"cache_read_input_tokens"`
	CacheCreation            *cacheCreation `json:"cache_creation,omitempty"`
	OutputTokens             int            `json:"output_tokens"`
	OutputTokensDetails      *outputDetails `json:"output_tokens_details,omitempty"`
	ServiceTier              string         `json:"service_tier,omitempty"`
}

type cacheCreation struct {
	FiveMinutes int `json:"ephemeral_5m_input_tokens"`
	OneHour     int `json:"ephemeral_1h_input_tokens"`
}

type outputDetails struct {
	ThinkingTokens int `json:"thinking_tokens"`
}

// messageUsage is the usage as message_delta tells it.
func (t tally) messageUsage() messageUsage {
	u := messageUsage{
		InputTokens:              t.prompt - t.cached - t.written,
		CacheCreationInputTokens: t.written,
		CacheReadInputTokens:     t.cached,
		OutputTokens:             t.output,
	}
	if t.reasoning > 0 {
		u.OutputTokensDetails = &outputDetails{ThinkingTokens: t.reasoning}
	}
	return u
}

// fullMessageUsage is the usage of a message, which tells more.
func (t tally) fullMessageUsage() messageUsage {
	u := t.messageUsage()
	u.CacheCreation, u.ServiceTier = &cacheCreation{FiveMinutes: t.written}, "standard"
	return u
}

// stopReason is the API's word for why the engine ended an answer.
func stopReason(reason string) string {
	switch reason {
	case "length":
		return "max_tokens"
	case "tool_calls":
		return "tool_use"
	}
	return "end_turn"
}
