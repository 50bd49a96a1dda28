package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

// The tool that a call has.
const description = "Lights a lamp."

var schema = shared.FunctionParameters{
	"type": "object", "properties": map[string]any{"lamp": map[string]any{"type": "string"}}, "required": []string{"lamp"},
}

type openAI struct{ openai.Client }

func connect(baseURL string) openAI {
	return openAI{openai.NewClient(option.WithBaseURL(baseURL+"/v1"), option.WithAPIKey("sk-interop"), option.WithMaxRetries(0))}
}

// status is that of the answer that err reports, or 0.
func status(err error) int {
	if refused, ok := errors.AsType[*openai.Error](err); ok {
		return refused.StatusCode
	}
	return 0
}

func (o openAI) make(c call, l *line) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var options []option.RequestOption
	for name, value := range c.Headers {
		options = append(options, option.WithHeader(name, value))
	}
	switch c.API {
	case "embeddings":
		return o.embed(ctx, c, l, options)
	case "responses", "responses-tool":
		return o.respond(ctx, c, l, options)
	case "reasoning":
		options = append(options, option.WithJSONSet("thinking.type", "enabled"))
	}
	return o.chat(ctx, c, l, options)
}

func (o openAI) chat(ctx context.Context, c call, l *line, options []option.RequestOption) error {
	params := openai.ChatCompletionNewParams{
		Model: c.Params.Model, MaxTokens: param.NewOpt(c.MaxTokens),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(c.Prompt)},
	}
	if c.ToolChoice != "" {
		params.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: "light", Description: param.NewOpt(description), Parameters: schema,
		})}
		params.ToolChoice.OfAuto = param.NewOpt(c.ToolChoice)
	}
	if !c.Params.Stream {
		whole, err := o.Chat.Completions.New(ctx, params, options...)
		if err != nil {
			return err
		}
		l.Reasoning = extra(whole.Choices[0].Message.RawJSON(), "reasoning_content")
		return l.take(*whole)
	}
	params.StreamOptions.IncludeUsage = param.NewOpt(true)
	stream := o.Chat.Completions.NewStreaming(ctx, params, options...)
	defer stream.Close()
	var whole openai.ChatCompletionAccumulator
	for stream.Next() {
		if err := l.piece(c); err != nil {
			return err
		}
		chunk := stream.Current()
		whole.AddChunk(chunk)
		for _, choice := range chunk.Choices {
			l.Reasoning += extra(choice.Delta.RawJSON(), "reasoning_content")
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	return l.take(whole.ChatCompletion)
}

// take adds a completion.
func (l *line) take(whole openai.ChatCompletion) error {
	choice := whole.Choices[0]
	l.Text, l.Finish, l.Usage = choice.Message.Content, choice.FinishReason, counts{whole.Usage.PromptTokens, whole.Usage.CompletionTokens}
	for _, made := range choice.Message.ToolCalls {
		if err := l.call(made.Function.Name, made.Function.Arguments); err != nil {
			return err
		}
	}
	return nil
}

func (o openAI) respond(ctx context.Context, c call, l *line, options []option.RequestOption) error {
	params := responses.ResponseNewParams{
		Model: c.Params.Model, MaxOutputTokens: param.NewOpt(c.MaxTokens),
		Input: responses.ResponseNewParamsInputUnion{OfString: param.NewOpt(c.Prompt)},
	}
	if c.ToolChoice != "" {
		params.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("light", schema, false)}
		params.Tools[0].OfFunction.Description = param.NewOpt(description)
		params.ToolChoice.OfToolChoiceMode = param.NewOpt(responses.ToolChoiceOptions(c.ToolChoice))
	}
	if !c.Params.Stream {
		whole, err := o.Responses.New(ctx, params, options...)
		if err != nil {
			return err
		}
		l.Text = whole.OutputText()
		return l.end(*whole)
	}
	stream := o.Responses.NewStreaming(ctx, params, options...)
	defer stream.Close()
	for stream.Next() {
		if err := l.piece(c); err != nil {
			return err
		}
		switch e := stream.Current(); e.Type {
		case "response.output_text.delta":
			l.Text += e.Delta
		case "response.completed", "response.incomplete", "response.failed":
			if err := l.end(e.Response); err != nil {
				return err
			}
		}
	}
	return stream.Err()
}

// end adds what a response says at its end.
func (l *line) end(whole responses.Response) error {
	l.Finish, l.Usage = string(whole.Status), counts{whole.Usage.InputTokens, whole.Usage.OutputTokens}
	for _, item := range whole.Output {
		if item.Type != "function_call" {
			continue
		}
		if err := l.call(item.Name, item.AsFunctionCall().Arguments); err != nil {
			return err
		}
	}
	return nil
}

// call adds the call of a tool.
func (l *line) call(name, arguments string) error {
	called := toolCall{Name: name}
	if err := json.Unmarshal([]byte(arguments), &called.Input); err != nil {
		return fmt.Errorf("reading the arguments of %s: %w", name, err)
	}
	l.Calls = append(l.Calls, called)
	return nil
}

func (o openAI) embed(ctx context.Context, c call, l *line, options []option.RequestOption) error {
	whole, err := o.Embeddings.New(ctx, openai.EmbeddingNewParams{
		Model: c.Params.Model, Input: openai.EmbeddingNewParamsInputUnion{OfString: param.NewOpt(c.Prompt)},
	}, options...)
	if err != nil {
		return err
	}
	var numbers []string
	for _, v := range whole.Data[0].Embedding[:8] {
		numbers = append(numbers, fmt.Sprintf("%.4f", v))
	}
	l.Embedding, l.Usage = strings.Join(numbers, " "), counts{Input: whole.Usage.PromptTokens}
	return nil
}

// extra is a field that the SDK does not know.
func extra(raw, field string) string {
	var fields map[string]any
	_ = json.Unmarshal([]byte(raw), &fields)
	text, _ := fields[field].(string)
	return text
}
