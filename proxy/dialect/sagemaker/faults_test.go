package sagemaker_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/sagemaker"
)

func TestFaults(t *testing.T) {
	head := dialect.Head{Method: "POST", Path: "/endpoints/e/invocations-response-stream"}
	dialecttest.CheckFaults(t, sagemaker.Invoke(), []dialecttest.Fault{
		{Name: "reasoning and usage with details", Head: head, Form: ".parts", Body: "PayloadPart\t" + `data: {"model":"m","choices":[{"index":0,"delta":{"reasoning":"Hm"}}]}¶¶data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}¶¶` + "\n" +
			"PayloadPart\t" + `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":3}}}¶¶data: [DONE]¶¶` + "\n",
			Want: `stream complete model=m finish=stop usage=reported in=9 out=5 cached=3 streamed=5 events=3@1 tokens@1-1 1:0/2 1:0/2`},
		{Name: "an error of the model server", Head: head, Form: ".parts", Body: "PayloadPart\t" + `data: {"error":{"message":"OOM"}}¶¶` + "\n",
			Want: `stream failed model= finish= usage= events=1@1`},
		{Name: "an envelope of the cloud", Form: ".json", Body: `{"ErrorCode":"CLIENT_ERROR_FROM_MODEL","Message":"Received client error (424)"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "an internal failure", Head: head, Form: ".parts", Body: "PayloadPart\t" + `{"outputs":["Hi"]}¶` + "\n" + "!InternalStreamFailure\t" + `{}` + "\n",
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a whole answer of OpenAI's", Form: ".json", Body: `{"model":"m","choices":[{"index":0,"message":{"content":"Hi","reasoning_content":"Hm"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"completion_tokens_details":{"reasoning_tokens":3}}}`,
			Want: `complete model=m finish=stop usage=reported in=9 out=5 reasoning=3`},
		{Name: "a format that nobody promised", Form: ".json", Body: `{"generation":"Hi"}` + "\nbye",
			Want: `complete model= finish= usage= notes=invalid_json,body_not_understood`},
		{Name: "a whole answer of TGI without details", Form: ".json", Body: `[{"generated_text":"Hi"}]`,
			Want: `complete model= finish= usage=`},
	})
}
