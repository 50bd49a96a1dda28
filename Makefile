.PHONY: help build test lint generate check interop demo bench

GOLANGCI_LINT_VERSION := v2.15.0
TOOLS := $(CURDIR)/.tools
GOLANGCI_LINT := $(TOOLS)/bin/golangci-lint

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/headway and bin/headway-bench
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/ ./cmd/...

test: ## the quick tests: Go and make are all they need
	go test ./...

lint: $(GOLANGCI_LINT) ## golangci-lint, installed into .tools on first use
	$(GOLANGCI_LINT) run

$(GOLANGCI_LINT):
	GOBIN=$(TOOLS)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

generate: ## rewrite what is generated: docs/metrics.md, golden files
	go generate ./...

check: lint ## what CI runs beside the quick tests
	go mod tidy -diff
	go vet -tags interop ./...
	go test -race -count=1 ./...
	$(MAKE) interop

interop: ## official SDKs, a real Prometheus, Collector and Jaeger against headway; installs them into .tools
	.ci/interop/install
	go test -tags interop -count=1 -p 1 -timeout 20m -run Interop -v ./cmd/internal/interop/...

demo: build ## watch headway time live token streams; Ctrl-C ends it
	bin/headway demo

bench: build ## headway beside nginx and HAProxy, on one core each
	bin/headway-bench
