package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"google.golang.org/genai"
)

func openAI(c call, l *line) func(context.Context) (string, error) {
	options := []openaioption.RequestOption{
		openaioption.WithBaseURL(c.URL + "/v1/"), openaioption.WithAPIKey("sk-interop"),
		openaioption.WithMiddleware(func(r *http.Request, next openaioption.MiddlewareNext) (*http.Response, error) {
			return l.roundTrip(r, next)
		}),
	}
	if c.TimeoutMS > 0 {
		options = append(options, openaioption.WithRequestTimeout(c.timeout()))
	}
	client := openai.NewClient(options...)
	params := openai.ChatCompletionNewParams{
		Model: "gpt-4o-mini", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(c.Prompt)},
	}
	return func(ctx context.Context) (string, error) {
		if !c.Stream {
			answer, err := client.Chat.Completions.New(ctx, params)
			if err != nil {
				return "", err
			}
			return answer.Choices[0].Message.Content, nil
		}
		var text strings.Builder
		stream := client.Chat.Completions.NewStreaming(ctx, params)
		for stream.Next() {
			for _, choice := range stream.Current().Choices {
				text.WriteString(choice.Delta.Content)
			}
		}
		return text.String(), stream.Err()
	}
}

func anthropicMessages(c call, l *line) func(context.Context) (string, error) {
	options := []anthropicoption.RequestOption{
		anthropicoption.WithBaseURL(c.URL), anthropicoption.WithAPIKey("sk-interop"),
		anthropicoption.WithMiddleware(func(r *http.Request, next anthropicoption.MiddlewareNext) (*http.Response, error) {
			return l.roundTrip(r, next)
		}),
	}
	if c.TimeoutMS > 0 {
		options = append(options, anthropicoption.WithRequestTimeout(c.timeout()))
	}
	client := anthropic.NewClient(options...)
	params := anthropic.MessageNewParams{
		Model: "claude-sonnet-4-5", MaxTokens: 16,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(c.Prompt))},
	}
	return func(ctx context.Context) (string, error) {
		if !c.Stream {
			answer, err := client.Messages.New(ctx, params)
			if err != nil {
				return "", err
			}
			return answer.Content[0].Text, nil
		}
		var text strings.Builder
		stream := client.Messages.NewStreaming(ctx, params)
		for stream.Next() {
			text.WriteString(stream.Current().Delta.Text)
		}
		return text.String(), stream.Err()
	}
}

func googleGenAI(c call, l *line) func(context.Context) (string, error) {
	options := genai.HTTPOptions{BaseURL: c.URL}
	if c.TimeoutMS > 0 {
		timeout := c.timeout()
		options.Timeout = &timeout
	}
	client, err := genai.NewClient(context.Background(), &genai.ClientConfig{
		APIKey: "interop", Backend: genai.BackendGeminiAPI, HTTPOptions: options, HTTPClient: &http.Client{Transport: recorder{l}},
	})
	return func(ctx context.Context) (string, error) {
		if err != nil {
			return "", err
		}
		if !c.Stream {
			answer, err := client.Models.GenerateContent(ctx, "gemini-2.5-flash", genai.Text(c.Prompt), nil)
			if err != nil {
				return "", err
			}
			return answer.Text(), nil
		}
		var text strings.Builder
		for chunk, err := range client.Models.GenerateContentStream(ctx, "gemini-2.5-flash", genai.Text(c.Prompt), nil) {
			if err != nil {
				return "", err
			}
			text.WriteString(chunk.Text())
		}
		return text.String(), nil
	}
}

// recorder is the default transport; it records every request in a line.
type recorder struct{ line *line }

func (r recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	return r.line.roundTrip(request, http.DefaultTransport.RoundTrip)
}

func bedrock(c call, l *line) func(context.Context) (string, error) {
	options := bedrockruntime.Options{
		Region: "us-east-1", BaseEndpoint: &c.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "interop", SecretAccessKey: "interop"}, nil
		}),
		APIOptions: []func(*middleware.Stack) error{l.recordBedrock},
	}
	if c.TimeoutMS > 0 {
		options.HTTPClient = awshttp.NewBuildableClient().WithTimeout(c.timeout())
	}
	client := bedrockruntime.New(options)
	model := "anthropic.claude-sonnet-4-5"
	messages := []types.Message{{
		Role: types.ConversationRoleUser, Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: c.Prompt}},
	}}
	return func(ctx context.Context) (string, error) {
		if !c.Stream {
			answer, err := client.Converse(ctx, &bedrockruntime.ConverseInput{ModelId: &model, Messages: messages})
			if err != nil {
				return "", err
			}
			message := answer.Output.(*types.ConverseOutputMemberMessage).Value
			return message.Content[0].(*types.ContentBlockMemberText).Value, nil
		}
		answer, err := client.ConverseStream(ctx, &bedrockruntime.ConverseStreamInput{ModelId: &model, Messages: messages})
		if err != nil {
			return "", err
		}
		stream := answer.GetStream()
		defer func() { _ = stream.Close() }() // all text is there by then
		var text strings.Builder
		for event := range stream.Events() {
			if delta, ok := event.(*types.ConverseStreamOutputMemberContentBlockDelta); ok {
				text.WriteString(delta.Value.Delta.(*types.ContentBlockDeltaMemberText).Value)
			}
		}
		return text.String(), stream.Err()
	}
}

// recordBedrock records attempts in the step next to the network, below the steps that retry
// and that read the answer.
func (l *line) recordBedrock(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("Record",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (out middleware.DeserializeOutput, meta middleware.Metadata, err error) {
			l.record(func() (int, error) {
				out, meta, err = next.HandleDeserialize(ctx, in)
				if response, ok := out.RawResponse.(*smithyhttp.Response); ok && response != nil && response.Response != nil {
					return response.StatusCode, err
				}
				return 0, err
			})
			return out, meta, err
		}), middleware.After)
}
