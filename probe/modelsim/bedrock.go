package modelsim

import (
	"net/http"
	"strings"
)

// bedrock is the provider of Amazon Bedrock.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
type bedrock struct{ plain }

func bedrockEndpoints() []endpoint {
	const converse, claude, invoke = "bedrock-converse", "anthropic-bedrock", "bedrock-invoke"
	return []endpoint{
		{"/model/*/converse", converse, "chat", bedrock{}, nil, generate[converseBody]},
		{"/model/*/converse-stream", converse, "chat", bedrock{}, eventStream{}, generate[converseBody]},
		{"/model/*anthropic.*/invoke", claude, "chat", bedrock{}, nil, generate[pathMessagesBody]},
		{"/model/*anthropic.*/invoke-with-response-stream", claude, "chat", bedrock{}, invokeStream{}, generate[pathMessagesBody]},
		{"/model/*/invoke", invoke, "chat", bedrock{}, nil, generate[llamaBody]},
		{"/model/*/invoke-with-response-stream", invoke, "chat", bedrock{}, invokeStream{}, generate[llamaBody]},
	}
}

// accepts wants the key as bearer token, or any signature.
func (b bedrock) accepts(r *http.Request, key string) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") || b.plain.accepts(r, key)
}

func (bedrock) setID(head http.Header, id string) { head.Set("X-Amzn-Requestid", id) }

// setError names the error as the service does, with where it is defined behind a colon.
func (bedrock) setError(head http.Header, e *apiError) {
	head.Set("X-Amzn-Errortype", bedrockException(e.status)+":http://internal.amazon.com/coral/com.amazon.bedrock/")
}

type bedrockErrorBody struct {
	Message string `json:"message"`
}

func (bedrock) errorBody(e *apiError, _ string) any { return bedrockErrorBody{e.Message} }

// bedrockException is the type of the errors with this status.
func bedrockException(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "AccessDeniedException"
	case http.StatusNotFound:
		return "ResourceNotFoundException"
	case http.StatusRequestTimeout:
		return "ModelTimeoutException"
	case http.StatusFailedDependency:
		return "ModelErrorException"
	case http.StatusTooManyRequests:
		return "ThrottlingException"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailableException"
	}
	if status < http.StatusInternalServerError {
		return "ValidationException"
	}
	return "InternalServerException"
}

// bedrockFailure is the event with which a stream fails. Its names begin with small letters, and the
// failure of a model has another one than before the stream.
func bedrockFailure(e *apiError) event {
	name := bedrockException(e.status)
	if e.status == http.StatusFailedDependency {
		name = "ModelStreamErrorException"
	}
	return event{name: strings.ToLower(name[:1]) + name[1:], failed: true, data: mustJSON(bedrockErrorBody{e.Message})}
}

func (bedrock) garbage() event {
	return event{name: "contentBlockDelta", data: []byte("{\"contentBlockIndex\":0,\"delta\":{\"te\x00")}
}
