package modelsim

import (
	"encoding/json"
	"net/http"
)

// sageMaker is the provider of Amazon SageMaker's runtime. The answers are those of the model server
// inside: of vLLM's chat completions, or of TGI if the request has inputs.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html
type sageMaker struct{ bedrock }

func sageMakerEndpoints() []endpoint {
	const name, operation = "sagemaker-invoke", "text_completion"
	return []endpoint{
		{"/endpoints/*/invocations", name, operation, sageMaker{}, nil, generate[sageMakerBody]},
		{"/endpoints/*/invocations-response-stream", name, operation, sageMaker{}, payloadParts{}, generate[sageMakerBody]},
	}
}

// setError names the error as the service does.
func (sageMaker) setError(head http.Header, e *apiError) {
	name := "ModelError" // of the model server inside
	switch {
	case e.status == http.StatusServiceUnavailable:
		name = "ServiceUnavailable"
	case e.status == http.StatusTooManyRequests:
		name = "ThrottlingException"
	case e.status < http.StatusInternalServerError && e.status != http.StatusFailedDependency:
		name = "ValidationError"
	}
	head.Set("X-Amzn-Errortype", name)
}

func (sageMaker) errorBody(e *apiError, _ string) any {
	return fields{"Message": e.Message, "OriginalMessage": e.Message, "OriginalStatusCode": e.status}
}

func (sageMaker) garbage() event { return openAI{}.garbage() }

// sageMakerBody is a request to one of the model servers.
type sageMakerBody struct {
	chat chatBody
	tgi  *tgiBody
}

// UnmarshalJSON reads either body.
func (body *sageMakerBody) UnmarshalJSON(b []byte) error {
	var either generateBody
	if err := either.UnmarshalJSON(b); err == nil && either.tgi != nil {
		body.tgi = either.tgi
		return nil
	}
	return json.Unmarshal(b, &body.chat)
}

// plan is that of the model server. The path says whether to stream, and the endpoint stands for the
// model.
func (body *sageMakerBody) plan(c *call) (o order, enc encoder, err error) {
	if body.tgi != nil {
		o, enc, err = body.tgi.plan(c)
		o.model, o.unnamed = c.pathName, false
	} else {
		body.chat.Model, body.chat.Stream = c.pathName, c.api.framing != nil
		o, enc, err = body.chat.plan(c)
	}
	if o.stream {
		c.w.Header().Set("X-Amzn-Sagemaker-Content-Type", sse{}.contentType())
	}
	return o, &sageMakerEncoder{enc}, err
}

// sageMakerEncoder words the answers of a model server, whose failure is one of the service.
type sageMakerEncoder struct{ encoder }

func (e *sageMakerEncoder) fail(err *apiError) []event {
	body := mustJSON(fields{"Message": err.Message, "ErrorCode": "StreamBroken"})
	return []event{{name: "ModelStreamError", failed: true, data: body}}
}

// payloadParts is an AWS event stream whose messages carry the bytes of server-sent events. A part may
// end anywhere, so each event comes in two.
type payloadParts struct{ eventStream }

func (s payloadParts) frame(dst []byte, n int, e event) []byte {
	if e.failed {
		return s.eventStream.frame(dst, n, e)
	}
	payload := sse{}.frame(nil, n, e)
	for _, part := range [][]byte{payload[:len(payload)/2], payload[len(payload)/2:]} {
		dst = appendMessage(dst, [][2]string{
			{":event-type", "PayloadPart"}, {":content-type", "application/octet-stream"}, {":message-type", "event"},
		}, part)
	}
	return dst
}
