package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestNothingOfTheContentLeavesHeadway plants strings in every place of an exchange
// that could hold a secret, and looks for them in everything that headway puts out.
func TestNothingOfTheContentLeavesHeadway(t *testing.T) {
	planted := func(place string) string { return "planted-" + place + "-7f3a" }
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Answer", planted("response-header"))
		if strings.Contains(r.URL.RawQuery, "fail") {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, `{"error":{"message":%q,"type":%q}}`, planted("error"), planted("error-type"))
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			fmt.Fprintf(w, "data: {\"id\":%q,\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", planted("id"), planted("answer"))
		}
		fmt.Fprintf(w, "data: %s\n\ndata: [DONE]\n\n", planted("garbage"))
	}))
	defer upstream.Close()
	s := self(t).StartSidecar(t, upstream.URL, "HEADWAY_LOG_LEVEL=debug")
	for _, query := range []string{"key=" + planted("query"), "fail&key=" + planted("query")} {
		body := fmt.Sprintf(`{"model":"m","stream":true,"user":%q,"messages":[{"role":"user","content":%q}],"tools":[{"type":"function","function":{"name":%q}}]}`,
			planted("user"), planted("prompt"), planted("tool"))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/"+planted("path")+"/v1/chat/completions?"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+planted("key"))
		request.Header.Set("X-Team", planted("header"))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if !bytes.Contains(answer, []byte("planted-")) {
			t.Fatal("the client did not get what was planted")
		}
	}
	out := map[string][]byte{}
	for _, path := range []string{"/metrics", "/api/v1/chains", "/api/v1/slo"} {
		text, err := interop.Get("http://" + s.Admin + path)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = text
	}
	s.Process.Stop(t)
	out["log"] = []byte(s.Process.Printed(t))
	var err error
	if out["capture"], err = os.ReadFile(s.Capture); err != nil {
		t.Fatal(err)
	}
	for place, text := range out {
		if at := bytes.Index(text, []byte("planted-")); at >= 0 {
			t.Errorf("%s has %.60q", place, text[at:])
		}
		if len(text) == 0 {
			t.Errorf("%s is empty", place)
		}
	}
	if !bytes.Contains(out["capture"], []byte(`"model":{"request":"m"`)) {
		t.Error("the capture has no line of the exchanges")
	}
}
