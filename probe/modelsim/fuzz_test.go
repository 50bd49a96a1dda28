package modelsim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

func FuzzRequest(f *testing.F) {
	paths := []string{chatPath, completionsPath, responsesPath, embeddingsPath, messagesPath, countPath,
		geminiPath, geminiStreamPath, geminiArrayPath, geminiCountPath, geminiBatchPath,
		conversePath, converseStreamPath, claudeStreamPath, llamaStreamPath, ollamaChatPath, ollamaGeneratePath, ollamaEmbedPath,
		"/v2/chat", "/v2/embed", "/v2/rerank", "/generate_stream", "/generate", "/completion", "/v2/models/m/generate_stream",
		"/endpoints/e/invocations-response-stream", "/endpoints/e/invocations"}
	for i, bodies := range [][]string{
		{
			`{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,"n":2,"max_tokens":9223372036854775807}`,
			`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url"},{"type":"text","text":"x"},null]}],"min_tokens":-1}`,
			`{"model":"\ud800","messages":[{}],"tools":{},"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`,
		},
		{`{"model":"m","prompt":[[1,2],[3]],"echo":true,"stream":true,"n":3}`, `{"model":"m","prompt":null}`, `{"model":"m","prompt":[]}`},
		{`{"model":"m","input":[{"type":"function_call_output","output":"x"}],"stream":true}`, `{"model":"m","input":null,"metadata":[]}`},
		{`{"model":"m","input":"","dimensions":1}`, `{"model":"m","input":[1,-2],"encoding_format":"base64"}`, `{"model":"m","input":[[]]}`},
		{
			`{"model":"m","max_tokens":20,"stream":true,"messages":[{"role":"user","content":"hi"}],"thinking":{"type":"enabled","budget_tokens":5},"tools":[{"name":"look"}],"tool_choice":{"type":"auto"}}`,
			`{"model":"m","max_tokens":1,"stream":true,"messages":[{"content":[{"type":"tool_result"}]}],"tools":[{"name":""}],"tool_choice":{"type":"any"},"cache_control":{}}`,
			`{"model":"m","max_tokens":9,"messages":[{"content":null}],"system":[{"type":"text","text":"","cache_control":{"type":"ephemeral"}}],"thinking":{"type":"adaptive","display":"omitted"}}`,
		},
		{`{"model":"m","messages":[{"role":"user","content":[{"type":"image"}]}],"tools":7}`},
		{geminiAsk(5, geminiThinks, fmt.Sprintf(geminiPaints, "ANY")), `{"contents":[{}],"generationConfig":{"thinkingConfig":{"thinkingBudget":-1}}}`},
		{geminiAsk(9, geminiThinks, fmt.Sprintf(geminiPaints, "AUTO")), `{"contents":[{"parts":[{"functionResponse":{}}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}`},
		{geminiAsk(3, "", ""), `{"contents":null,"tools":[{"functionDeclarations":null}]}`, `{"contents":[{}],"tools":[{"functionDeclarations":[{"parameters":null,"parameters_json_schema":7}]}]}`},
		{`{"contents":[{"parts":[{"inlineData":{"data":"AA"}},null]}]}`},
		{`{"requests":[{"content":{"parts":[{"text":"x"}]}},{}]}`, `{"requests":[]}`},
		{converse(4, converseThinks), `{"messages":[{"content":[{"cachePoint":{}},{"image":{}}]}],"toolConfig":{"toolChoice":{"any":{}}}}`},
		{converse(9, converseThinks+fmt.Sprintf(conversePaints, `"auto":{}`)), `{"messages":[{"content":[{"toolResult":{}}]}],"toolConfig":{"tools":[{"cachePoint":{}}],"toolChoice":{"auto":{}}}}`},
		{`{"max_tokens":3,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"}}`},
		{`{"prompt":"x","max_gen_len":4}`, `{"prompt":null,"max_gen_len":-1}`},
		{ollamaAsk(9, `,"think":true`+ollamaPaints), `{"model":"m","messages":[{"images":[1]},{"role":"tool"}],"tools":[],"think":null,"stream":null}`},
		{`{"model":"m","prompt":"x","options":{"num_predict":-1}}`, `{"model":"m","stream":false}`},
		{`{"model":"m","input":["a","b"]}`, `{"model":"m"}`},
		{
			`{"model":"m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hi"}],"thinking":{"type":"enabled","token_budget":0},"tools":[{"function":{"name":"f"}}]}`,
			`{"model":"m","messages":[{"role":"tool","content":[{"type":"document"}]}],"tools":[null],"tool_choice":"REQUIRED"}`,
		},
		{`{"model":"m","texts":["a",""],"output_dimension":3}`, `{"model":"m","texts":null}`},
		{`{"model":"m","query":"a","documents":["b",""],"top_n":9}`, `{"model":"m"}`, `{"documents":[{"text":"x"}]}`},
		{`{"inputs":"hi","parameters":{"max_new_tokens":3,"details":true}}`, `{"inputs":""}`, `{"parameters":{"max_new_tokens":-1}}`},
		{`{"text":"hi","stream":true,"sampling_params":{"max_new_tokens":3}}`, `{"inputs":"hi"}`, `{"text":["a"]}`, `{"inputs":null,"text":"x"}`},
		{`{"prompt":"hi","stream":true,"n_predict":3}`, `{"prompt":[1,2],"n_predict":-1}`},
		{`{"text_input":"hi","max_tokens":3}`, `{"text_input":null,"parameters":{"max_tokens":0}}`},
		{`{"messages":[{"role":"user","content":"hi"}],"n":2,"max_tokens":3}`, `{"inputs":"hi","parameters":{}}`, `[]`},
		{`{"messages":[{}],"stream":true,"stream_options":{"include_usage":true}}`, `{"inputs":7}`},
	} {
		for _, body := range bodies {
			f.Add(uint8(i), body, "")
			f.Add(uint8(i), body, "garbage@0,error@2")
			f.Add(uint8(i), body, "stall=1s@1")
		}
	}
	f.Fuzz(func(t *testing.T, api uint8, body, fault string) {
		synctest.Test(t, func(t *testing.T) {
			cfg := exact()
			cfg.MaxModelLen, cfg.TokensPerMinute = 300, 10000
			sim, err := modelsim.New(cfg, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer sim.Close()
			w := httptest.NewRecorder()
			req := httptest.NewRequest(http.MethodPost, paths[int(api)%len(paths)], strings.NewReader(body))
			req.Header.Set("X-Sim-Fault", fault)
			func() {
				defer func() {
					if v := recover(); v != nil && v != any(http.ErrAbortHandler) {
						panic(v)
					}
				}()
				sim.Handler().ServeHTTP(w, req)
			}()
			ex := sim.Exchanges(1)[0]
			if ex.Outcome == modelsim.OutcomeRunning || ex.EndAt == 0 {
				t.Errorf("exchange has not ended: %+v", ex)
			}
			if known := []int{0, 200, 400, 422, 429, 500, 503, 529}; ex.Fault == "" && !slices.Contains(known, ex.Status) {
				t.Errorf("status %d", ex.Status)
			}
			if s := sim.Stats(); s.Running != 0 || s.Waiting != 0 {
				t.Errorf("%d running and %d waiting after the end", s.Running, s.Waiting)
			}
		})
	})
}
