package live_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/live"
)

func TestFaults(t *testing.T) {
	const hi = `{"serverContent":{"modelTurn":{"parts":[{"text":"Hi"}]}}}` + "\n"
	const end = `{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":9,"responseTokenCount":2,"totalTokenCount":11}}` + "\n"
	dialecttest.CheckFaults(t, live.Live(), []dialecttest.Fault{
		{Name: "null everywhere", Form: ".seq", Body: `{"serverContent":null,"toolCall":null,"usageMetadata":null,"error":null}` + "\n" + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2`},
		{Name: "counts as strings", Form: ".seq", Body: hi + `{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":"9","responseTokenCount":"2","totalTokenCount":"11"}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "cut between messages", Form: ".seq", Body: hi,
			Want: `stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2`},
		{Name: "a message that is no JSON", Form: ".seq", Body: hi + "upstream connect error\n",
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=invalid_json`},
		{Name: "a message that was cut", Form: ".seq", Body: hi + `{"serverContent":{"turnCom` + "\n",
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=invalid_json`},
		{Name: "an error", Form: ".seq", Body: hi + `{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}` + "\n",
			Want: `stream complete failed model= finish=error usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "two turns spliced", Form: ".seq", Body: hi + end + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:0/2 1:0/2`},
		{Name: "an unknown part with data", Form: ".seq", Body: `{"serverContent":{"modelTurn":{"parts":[{"fileData":{"fileUri":"gs://x"}}]}}}` + "\n" + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/6 notes=unknown_content`},
	})
}
