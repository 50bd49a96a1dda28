package modelsim_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

func FuzzRequest(f *testing.F) {
	paths := []string{chatPath, completionsPath, responsesPath, embeddingsPath, messagesPath, countPath}
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
			if known := []int{0, 200, 400, 429, 500, 503, 529}; ex.Fault == "" && !slices.Contains(known, ex.Status) {
				t.Errorf("status %d", ex.Status)
			}
			if s := sim.Stats(); s.Running != 0 || s.Waiting != 0 {
				t.Errorf("%d running and %d waiting after the end", s.Running, s.Waiting)
			}
		})
	})
}
