package modelsim

import (
	"encoding/base64"
	"strings"
)

// geminiEncoder words an answer as responses of generateContent, of which a stream has one for each
// emission. A call of a function is whole.
type geminiEncoder struct {
	vocab     *vocabulary
	model, id string
	vertex    bool
	started   tally // as the stream began
	call      toolCall
	reason    string
}

type geminiResponse struct {
	Candidates   []geminiCandidate `json:"candidates"`
	Usage        geminiUsage       `json:"usageMetadata"`
	ModelVersion string            `json:"modelVersion"`
	ResponseID   string            `json:"responseId"`
}

type geminiCandidate struct {
	Content struct {
		Parts []geminiOutput `json:"parts"`
		Role  string         `json:"role"`
	} `json:"content"`
	FinishReason string `json:"finishReason,omitempty"`
	Index        int    `json:"index"`
}

// geminiOutput is a part of an answer.
type geminiOutput struct {
	Text         *string             `json:"text,omitempty"`
	Thought      bool                `json:"thought,omitempty"`
	Signature    string              `json:"thoughtSignature,omitempty"`
	FunctionCall *geminiFunctionCall `json:"functionCall,omitempty"`
}

type geminiFunctionCall struct {
	Name string            `json:"name"`
	Args map[string]string `json:"args"`
}

// geminiUsage has the counts until then. Thoughts are no candidates. A count of zero is left out.
type geminiUsage struct {
	Prompt      int    `json:"promptTokenCount,omitempty"`
	Candidates  int    `json:"candidatesTokenCount,omitempty"`
	Total       int    `json:"totalTokenCount,omitempty"`
	Cached      int    `json:"cachedContentTokenCount,omitempty"`
	Thoughts    int    `json:"thoughtsTokenCount,omitempty"`
	TrafficType string `json:"trafficType,omitempty"`
}

// usage tells what the answer has cost until then.
func (e *geminiEncoder) usage(t tally) geminiUsage {
	u := geminiUsage{
		Prompt: t.prompt, Candidates: t.output - t.reasoning, Total: t.prompt + t.output, Cached: t.cached, Thoughts: t.reasoning,
	}
	if e.vertex {
		u.TrafficType = "ON_DEMAND"
	}
	return u
}

func (e *geminiEncoder) response(u geminiUsage, reason string, parts ...geminiOutput) geminiResponse {
	candidate := geminiCandidate{FinishReason: reason}
	candidate.Content.Parts, candidate.Content.Role = parts, "model"
	return geminiResponse{Candidates: []geminiCandidate{candidate}, Usage: u, ModelVersion: e.model, ResponseID: e.id}
}

func geminiText(text string) geminiOutput { return geminiOutput{Text: &text} }

func geminiThought(text string) geminiOutput { return geminiOutput{Text: &text, Thought: true} }

func (e *geminiEncoder) functionCall(text []byte) geminiOutput {
	return geminiOutput{FunctionCall: &geminiFunctionCall{Name: e.call.name, Args: e.call.arguments(text)}}
}

// sign adds what proves that thoughts were the model's own.
func (e *geminiEncoder) sign(p *geminiOutput, t tally) {
	if t.reasoning > 0 {
		p.Signature = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("thought by "+e.id+" ", 4)))
	}
}

// open keeps the counts of the prompt. The service sends nothing before the first token.
func (e *geminiEncoder) open(t tally) []event {
	e.started = t
	return nil
}

func (e *geminiEncoder) enter(section) []event { return nil }

func (e *geminiEncoder) delta(em emission, tokens []token) event {
	var part geminiOutput
	switch em.section {
	case thinkingSection:
		part = geminiThought(string(e.vocab.appendText(nil, tokens)))
	case textSection:
		part = geminiText(string(e.vocab.appendText(nil, tokens)))
	default:
		if !e.call.add(e.vocab, em, tokens) {
			return event{}
		}
		part = e.functionCall(e.call.text)
	}
	t := e.started
	t.output, t.reasoning = em.produced, em.thought
	u := e.usage(t)
	if e.vertex { // which tells the counts at the end
		u = geminiUsage{TrafficType: u.TrafficType}
	}
	return event{data: mustJSON(e.response(u, "", part))}
}

// finish keeps the reason for the last response, which has the counts.
func (e *geminiEncoder) finish(_ int, reason string) []event {
	e.reason = reason
	return nil
}

// close is a response without text.
func (e *geminiEncoder) close(t tally) []event {
	part := geminiText("")
	e.sign(&part, t)
	return []event{{data: mustJSON(e.response(e.usage(t), geminiReason(e.reason), part))}}
}

func (e *geminiEncoder) fail(err *apiError) []event {
	return []event{{data: mustJSON(gemini{}.errorBody(err, ""))}}
}

func (e *geminiEncoder) whole(answers []answer, t tally) any {
	var parts []geminiOutput
	said := answers[0].said
	if text := said[thinkingSection]; len(text) > 0 {
		parts = append(parts, geminiThought(string(text)))
	}
	if text := said[textSection]; len(text) > 0 {
		parts = append(parts, geminiText(string(text)))
	}
	if len(said[toolNameSection]) > 0 {
		parts = append(parts, e.functionCall(said[toolInputSection]))
	}
	e.sign(&parts[len(parts)-1], t)
	return e.response(e.usage(t), geminiReason(answers[0].reason), parts...)
}

// geminiReason is the API's word for why the engine ended an answer. It has none for a call.
func geminiReason(reason string) string {
	if reason == "length" {
		return "MAX_TOKENS"
	}
	return "STOP"
}
