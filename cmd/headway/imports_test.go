package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/headway-sidecar/headway"

// rooms lists every package of the module, and the packages of the module that it may
// import. It is the table of docs/architecture.md as data.
var rooms = map[string][]string{
	"proxy/exchange":              {},
	"proxy/exchange/exchangetest": {"proxy/exchange"},
	"proxy/exchange/golden":       {},
	"proxy/dialect":               {"proxy/exchange"},
	"proxy/dialect/frame":         {},
	"proxy/dialect/dialecttest":   {"proxy/dialect", "proxy/exchange"},
	"proxy/dialect/reading":       {"proxy/dialect", "proxy/dialect/frame", "proxy/exchange"},
	"proxy/dialect/anthropic":     {"proxy/dialect", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/bedrock":       {"proxy/dialect", "proxy/dialect/anthropic", "proxy/dialect/compatible", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/cohere":        {"proxy/dialect", "proxy/dialect/compatible", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/gemini":        {"proxy/dialect", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/live":          {"proxy/dialect", "proxy/dialect/frame", "proxy/dialect/gemini", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/llamacpp":      {"proxy/dialect", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/ollama":        {"proxy/dialect", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/sagemaker":     {"proxy/dialect", "proxy/dialect/compatible", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/sglang":        {"proxy/dialect", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/tgi":           {"proxy/dialect", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/triton":        {"proxy/dialect", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/compatible":    {"proxy/dialect", "proxy/dialect/frame", "proxy/dialect/reading"},
	"proxy/dialect/openai":        {"proxy/dialect", "proxy/dialect/compatible", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/dialect/realtime":      {"proxy/dialect", "proxy/dialect/compatible", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/dialect/responses", "proxy/exchange"},
	"proxy/dialect/responses":     {"proxy/dialect", "proxy/dialect/compatible", "proxy/dialect/frame", "proxy/dialect/reading", "proxy/exchange"},
	"proxy/sdk":                   {"proxy/exchange"},
	"proxy/tap":                   {"proxy/dialect", "proxy/dialect/frame", "proxy/exchange", "proxy/sdk"},
	"proxy/poller":                {},
	"proxy/sockets":               {"proxy/poller"},
	"proxy":                       {"proxy/tap", "proxy/exchange", "proxy/poller", "proxy/sockets"},
	"proxy/pause":                 {"proxy/exchange"},
	"proxy/chain":                 {"proxy/exchange", "proxy/sdk"},
	"proxy/promptcache":           {"proxy/exchange"},
	"proxy/turn":                  {"proxy/exchange", "proxy/sdk"},
	"proxy/redirect":              {},
	"proxy/transparent":           {"proxy/tap", "proxy/exchange", "proxy/poller", "proxy/sockets"},

	"slo/spelling": {},
	"slo/strict":   {"slo/spelling"},

	"probe/canary":    {"probe", "proxy/dialect/frame", "proxy/exchange"},
	"probe/prober":    {"probe", "probe/canary", "proxy/exchange", "proxy/tap"},
	"probe/probefile": {"probe", "probe/canary", "probe/baseline", "slo/strict"},

	"slo":          {"proxy/exchange", "slo/spelling", "slo/strict"},
	"slo/rules":    {"slo"},
	"slo/openslo":  {"slo", "slo/rules", "proxy/exchange", "slo/spelling"},
	"slo/sloth":    {"slo", "slo/rules"},
	"slo/pyrra":    {"slo", "slo/rules"},
	"slo/price":    {"proxy/exchange", "slo/strict"},
	"slo/scaling":  {"proxy/exchange"},
	"slo/loadtest": {"slo", "proxy/exchange", "slo/spelling"},
	"slo/slotest":  {"slo", "proxy/exchange/golden"},

	"probe":                     {"proxy/exchange"},
	"probe/modelsim":            {},
	"probe/lease":               {},
	"probe/overhead":            {},
	"probe/baseline":            {"probe/junit"},
	"probe/junit":               {},
	"probe/drift":               {"probe/baseline"},
	"probe/watch":               {"probe", "probe/baseline", "probe/baseline/production", "probe/drift", "proxy/exchange"},
	"probe/baseline/importer":   {"probe/baseline", "exporter/capture", "proxy/exchange"},
	"probe/baseline/production": {"probe/baseline", "exporter/capture", "exporter/capture/report", "proxy/exchange"},

	"dashboards/live": {},

	"exporter":                   {"proxy/exchange"},
	"exporter/exportertest":      {"exporter", "proxy/exchange"},
	"exporter/sampling":          {"proxy/exchange"},
	"exporter/series":            {"exporter"},
	"exporter/prometheus":        {"exporter", "exporter/series", "proxy/exchange"},
	"exporter/capture":           {"proxy/exchange"},
	"exporter/capture/report":    {"exporter/capture", "probe/baseline", "slo", "proxy/exchange"},
	"exporter/capture/hindsight": {"exporter", "exporter/capture", "exporter/capture/report", "slo", "proxy/exchange"},
	"exporter/otlp/spans":        {"exporter", "proxy/exchange"},
	"exporter/otlp/metrics":      {"exporter", "exporter/series", "proxy/exchange"},

	"exporter/otlp/delivery": {},

	"dashboards": {"exporter", "exporter/prometheus"},

	"cmd/headway-bench": {},
	"cmd/headway":       {"*"},

	"cmd/headway-injector": {"cmd/internal/build", "cmd/internal/config", "cmd/internal/injector", "probe/lease"},

	"cmd/internal/build":    {"exporter"},
	"cmd/internal/sdks":     {},
	"cmd/internal/pod":      {"cmd/internal/config", "proxy/exchange"},
	"cmd/internal/injector": {"cmd/internal/build", "cmd/internal/config", "cmd/internal/pod", "cmd/internal/sdks", "proxy", "proxy/exchange", "slo/spelling"},
	"cmd/internal/live":     {"proxy/chain", "proxy/exchange", "proxy/turn", "slo"},
	"cmd/internal/pictures": {"slo/rules", "probe/baseline"},
	"cmd/internal/config":   {"probe/baseline", "slo/spelling", "cmd/internal/build", "proxy", "proxy/exchange", "proxy/tap", "exporter", "exporter/prometheus", "exporter/otlp/delivery", "slo", "slo/openslo", "slo/price", "slo/rules", "slo/strict", "probe", "probe/drift", "probe/lease", "probe/probefile"},
	"cmd/internal/sidecar": {
		"cmd/internal/build", "cmd/internal/config", "cmd/internal/live",
		"dashboards/live",
		"exporter", "exporter/capture", "exporter/otlp/delivery", "exporter/otlp/metrics", "exporter/otlp/spans", "exporter/prometheus", "exporter/sampling",
		"probe", "probe/baseline", "probe/lease", "probe/prober", "probe/watch",
		"proxy", "proxy/chain", "proxy/exchange", "proxy/poller", "proxy/promptcache", "proxy/sockets", "proxy/tap", "proxy/transparent",
		"proxy/pause",
		"proxy/turn",
		"proxy/dialect", "proxy/dialect/anthropic", "proxy/dialect/bedrock", "proxy/dialect/cohere", "proxy/dialect/gemini", "proxy/dialect/live", "proxy/dialect/llamacpp", "proxy/dialect/ollama", "proxy/dialect/openai", "proxy/dialect/realtime", "proxy/dialect/responses", "proxy/dialect/sagemaker", "proxy/dialect/sglang", "proxy/dialect/tgi", "proxy/dialect/triton",
		"slo", "slo/price", "slo/rules", "slo/scaling", "slo/strict",
	},

	"cmd/internal/interop":            {"probe/modelsim"},
	"cmd/internal/interop/attack":     {"cmd/internal/interop"},
	"cmd/internal/interop/dashboards": {"cmd/internal/interop"},
	"cmd/internal/interop/life":       {"cmd/internal/interop"},
}

// libraries says which packages alone may import a library from outside.
var libraries = map[string][]string{
	"github.com/valyala/fasthttp":               {"proxy"},
	"github.com/prometheus/client_golang":       {"exporter/prometheus", "cmd/internal/injector"},
	"github.com/prometheus/client_model":        {"exporter/prometheus", "cmd/internal/interop/dashboards"},
	"github.com/prometheus/prometheus":          {"cmd/internal/interop/dashboards"},
	"google.golang.org/protobuf":                {"exporter/prometheus"},
	"github.com/caarlos0/env":                   {"cmd/internal/config", "cmd/internal/injector"},
	"github.com/klauspost/compress":             {"proxy/dialect/frame", "proxy/tap", "cmd/internal/interop/attack", "exporter/prometheus", "exporter/otlp/delivery"},
	"github.com/andybalholm/brotli":             {"proxy/tap", "cmd/internal/interop/attack"},
	"golang.org/x/sys":                          {"cmd/headway-bench", "cmd/internal/interop", "cmd/internal/interop/attack", "cmd/internal/sidecar", "proxy/poller"},
	"github.com/coder/websocket":                {"probe/modelsim"},
	"github.com/pires/go-proxyproto":            {"proxy"},
	"github.com/google/nftables":                {"proxy/redirect"},
	"github.com/mdlayher/netlink":               {"proxy/redirect"},
	"golang.org/x/net":                          {"cmd/internal/config"},
	"golang.org/x/sync":                         {"cmd/headway"},
	"golang.org/x/term":                         {"cmd/headway", "cmd/internal/config", "cmd/internal/live"},
	"go.yaml.in/yaml/v4":                        {"slo", "slo/strict", "slo/rules", "slo/openslo", "slo/sloth", "slo/pyrra", "slo/price", "probe/baseline/importer", "probe/probefile"},
	"github.com/grafana/grafana-foundation-sdk": {"dashboards"},

	"go.opentelemetry.io/otel":                  {"exporter/otlp/metrics", "cmd/internal/sidecar"},
	"go.opentelemetry.io/collector/pdata":       {"exporter/otlp/delivery", "exporter/otlp/metrics", "exporter/otlp/spans"},
	"google.golang.org/grpc":                    {"exporter/otlp/delivery"},
	"google.golang.org/genproto/googleapis/rpc": {"exporter/otlp/delivery"},

	"k8s.io/api":          {"cmd/internal/pod", "cmd/internal/injector"},
	"k8s.io/apimachinery": {"cmd/internal/pod", "cmd/internal/injector"},
	"k8s.io/client-go":    {"cmd/internal/injector"},
	"sigs.k8s.io/yaml":    {"cmd/internal/injector"},

	"github.com/KimMachineGun/automemlimit":  {"cmd/internal/sidecar"},
	"github.com/prometheus/common":           {"exporter/prometheus", "cmd/internal/interop/dashboards"},
	"github.com/prometheus/exporter-toolkit": {"cmd/headway", "cmd/internal/config", "cmd/internal/sidecar"},
	"go.yaml.in/yaml/v2":                     {"cmd/headway", "cmd/internal/config", "cmd/internal/sidecar"},
}

type listed struct {
	ImportPath, Dir, Name, Doc string
	GoFiles, Imports           []string
}

// packages lists the module's packages as the go command sees them.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module+"/")
		all = append(all, p)
	}
}

func TestEveryPackageHasARoomAndImportsDownwards(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		seen[p.ImportPath] = true
		allowed, ok := rooms[p.ImportPath]
		if !ok {
			t.Errorf("%s is in no room of docs/architecture.md", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if own, ok := strings.CutPrefix(imported, module+"/"); ok && !slices.Contains(allowed, own) && !slices.Contains(allowed, "*") {
				t.Errorf("%s must not import %s", p.ImportPath, own)
			}
		}
	}
	for room := range rooms {
		if !seen[room] {
			t.Errorf("room %s is empty", room)
		}
	}
}

func TestLibrariesStayInTheirRooms(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") || strings.HasPrefix(imported, module) {
				continue
			}
			if !permitted(p.ImportPath, imported) {
				t.Errorf("%s must not import %s", p.ImportPath, imported)
			}
		}
	}
}

func permitted(room, imported string) bool {
	for library, rooms := range libraries {
		if (imported == library || strings.HasPrefix(imported, library+"/")) && slices.Contains(rooms, room) {
			return true
		}
	}
	return false
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		name := path.Base(p.ImportPath)
		if !strings.HasPrefix(p.Doc, "Package "+name+" ") && !strings.HasPrefix(p.Doc, "Command "+name+" ") {
			t.Errorf("%s: its comment begins with %q", p.ImportPath, p.Doc)
		}
		documented := 0
		for _, file := range p.GoFiles {
			if parseFile(t, p, file).Doc != nil {
				documented++
			}
		}
		if documented != 1 {
			t.Errorf("%s has %d package comments", p.ImportPath, documented)
		}
	}
}

// Only commands read the environment and end the process. The harness of tests is not
// part of the program: it starts processes, and gives them its environment.
func TestOnlyCommandsTouchTheProcess(t *testing.T) {
	forbidden := []string{"os.Exit", "os.Getenv", "os.LookupEnv", "os.Environ", "log.Fatal", "log.Fatalf", "signal.Notify"}
	for _, p := range packages(t) {
		if p.Name == "main" || p.ImportPath == "cmd/internal/interop" {
			continue
		}
		for _, file := range p.GoFiles {
			ast.Inspect(parseFile(t, p, file), func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && slices.Contains(forbidden, x.Name+"."+s.Sel.Name) {
						t.Errorf("%s/%s uses %s.%s", p.ImportPath, file, x.Name, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func parseFile(t *testing.T, p listed, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
