package sdk_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// watched are the SDKs whose attempts the interop tests watch, as docs/retries-clients.md
// calls them, and the row of the table that each is recognised as.
var watched = map[string]exchange.SDK{
	"openai-node": sdk.OpenAIJS, "openai-python": sdk.OpenAIPython, "openai-go": sdk.OpenAIGo,
	"anthropic-node": sdk.AnthropicJS, "anthropic-python": sdk.AnthropicPython, "anthropic-go": sdk.AnthropicGo,
	"google-genai-node": sdk.GoogleGenAI, "google-genai-python": sdk.GoogleGenAI, "google-genai-go": sdk.GoogleGenAI,
	"bedrock-node": sdk.AWS, "bedrock-python": sdk.AWS, "bedrock-go": sdk.AWS,
	"langchain-node": sdk.LangChain, "langchain-python": sdk.OpenAIPython, "litellm": sdk.OpenAIPython,
	"vercel-ai": sdk.VercelAI,
}

// attempts are what the servers saw an SDK do: a row of docs/retries-clients.md.
type attempts struct {
	sdk   string
	waits []string // without advice, before each retry; none when it tried no second time
	sends []string // fields
}

// seen reads the rows of docs/retries-clients.md that the interop tests write.
func seen(t *testing.T) []attempts {
	t.Helper()
	document, err := os.ReadFile("../../docs/retries-clients.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(document), "\n| SDK | version | tries again after | not after | waits without advice |")
	table, _, closed := strings.Cut(table, "\n\n")
	if !found || !closed {
		t.Fatal("docs/retries-clients.md does not say what each SDK does")
	}
	var all []attempts
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		if len(cells) != 9 || strings.HasPrefix(line, "| ---") {
			continue
		}
		a := attempts{sdk: strings.TrimPrefix(cells[0], "| ")}
		if cells[4] != "–" {
			a.waits = strings.Split(cells[4], ", ")
		}
		if cells[7] != "nothing" {
			a.sends = strings.Split(cells[7], ", ")
		}
		all = append(all, a)
	}
	return all
}

// TestTableIsWhatTheSDKsWereSeenToDo: each SDK sends the fields that its row has, and
// waits for as long as its row says, or a little longer.
func TestTableIsWhatTheSDKsWereSeenToDo(t *testing.T) {
	const late = 300 * time.Millisecond
	rows := seen(t)
	if len(rows) != len(watched) {
		t.Errorf("docs/retries-clients.md has %d SDKs, want %d", len(rows), len(watched))
	}
	for _, a := range rows {
		client, known := watched[a.sdk]
		if !known {
			t.Errorf("%s is not recognised", a.sdk)
			continue
		}
		row := sdk.Of(client)
		if want := sends(row); !slices.Equal(a.sends, want) {
			t.Errorf("%s was seen to send %q, its row %s has %q", a.sdk, a.sends, row.Name, want)
		}
		for n, text := range a.waits {
			wait, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
			if err != nil {
				t.Fatalf("%s: %v", a.sdk, err)
			}
			if least, longest := row.BackOff.Wait(n + 1); wait < least || wait > longest+late {
				t.Errorf("%s was seen to wait %v before retry %d, its row %s has %v to %v", a.sdk, wait, n+1, row.Name, least, longest)
			}
		}
	}
}

// sends are the fields that an SDK sends by itself, as docs/retries-clients.md has them.
func sends(row *sdk.Client) (fields []string) {
	if row.Identifier != 0 {
		fields = append(fields, sdk.Identifying(row.Identifier).Name)
	}
	if row.Counter != "" {
		fields = append(fields, row.Counter)
	}
	if row == sdk.Of(sdk.LangChain) {
		fields = append(fields, "x-stainless-retry-count (always 0)")
	}
	return fields
}
