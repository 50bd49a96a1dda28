.PHONY: help build image chart release release-dry test lint generate check interop interop-all fuzz demo screenshots bench decoding bench-drift

GOLANGCI_LINT_VERSION := v2.15.0
CYCLONEDX_VERSION := v1.10.0
GORELEASER_VERSION := v2.14.3
HELM_VERSION := $(shell sed -n 's/^helm_version=/v/p' .ci/interop/install)
# A release has a tag, and its builds tell it. Without a tag the go command tells the commit, where it can.
VERSION ?= $(shell git describe --tags --match 'v*' 2>/dev/null)
# The tag grpcnotrace leaves the templates of gRPC's trace pages out, and with them methods that nothing calls: 11 MB.
BUILD := -tags grpcnotrace -trimpath -buildvcs=auto -ldflags '-s -w -X github.com/headway-sidecar/headway/cmd/internal/build.version=$(VERSION)'
TOOLS := $(CURDIR)/.tools
GOLANGCI_LINT := $(TOOLS)/bin/golangci-lint
CYCLONEDX := $(TOOLS)/bin/cyclonedx-gomod
GORELEASER := $(TOOLS)/bin/goreleaser
HELM := $(TOOLS)/bin/helm

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/headway, bin/headway-injector and bin/headway-bench
	@echo 'building bin/; the first time that takes some minutes, with a line for each package'
	CGO_ENABLED=0 go build -v $(BUILD) -o bin/ ./cmd/...

image: bin/headway-image.amd64.cdx.json bin/headway-image.arm64.cdx.json bin/headway-injector-image.amd64.cdx.json bin/headway-injector-image.arm64.cdx.json ## build bin/headway-image.tar and bin/headway-injector-image.tar, OCI images for amd64 and arm64, without a container engine; and the lists of their parts (SBOM)
	VERSION='$(VERSION)' deploy/image headway amd64 arm64
	VERSION='$(VERSION)' deploy/image headway-injector amd64 arm64

bin/image/%/headway: .FORCE
	CGO_ENABLED=0 GOOS=linux GOARCH=$* go build $(BUILD) -o $@ ./cmd/headway

bin/image/%/headway-injector: .FORCE
	CGO_ENABLED=0 GOOS=linux GOARCH=$* go build $(BUILD) -o $@ ./cmd/headway-injector

# The list of the modules in a program, as CycloneDX, read from the program itself. The same program gives the same list.
PARTS = GOOS=linux GOARCH=$* $(CYCLONEDX) bin -json -std -noserial -notimestamp -version '$(VERSION)' -output $@ $<

bin/headway-image.%.cdx.json: bin/image/%/headway $(CYCLONEDX)
	$(PARTS)

bin/headway-injector-image.%.cdx.json: bin/image/%/headway-injector $(CYCLONEDX)
	$(PARTS)

$(CYCLONEDX):
	GOBIN=$(TOOLS)/bin go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)

# Make would delete them as intermediate files.
.PRECIOUS: bin/image/%/headway

.FORCE:

chart: $(HELM) ## package the chart as bin/headway-chart.tgz, for the release VERSION
	$(HELM) package deploy/helm/headway --version '$(VERSION:v%=%)' --app-version '$(VERSION)' --destination bin
	mv 'bin/headway-$(VERSION:v%=%).tgz' bin/headway-chart.tgz

$(HELM):
	GOBIN=$(TOOLS)/bin go install helm.sh/helm/v3/cmd/helm@$(HELM_VERSION)

release: $(GORELEASER) ## publish the release that the tag at this commit names; needs GITHUB_TOKEN, buildah, and skopeo and helm logged in to ghcr.io
	$(GORELEASER) release --clean

release-dry: $(GORELEASER) ## make all that a release has in dist/ and bin/, and publish nothing
	$(GORELEASER) release --clean --snapshot --skip=publish

$(GORELEASER):
	GOBIN=$(TOOLS)/bin go install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)

test: ## the quick tests; they need Go and make only
	go test ./...

lint: $(GOLANGCI_LINT) ## golangci-lint; the first run installs it into .tools
	$(GOLANGCI_LINT) run

$(GOLANGCI_LINT):
	GOBIN=$(TOOLS)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

generate: ## rewrite the generated files: docs/metrics.md, golden files
	go generate ./...

check: lint ## all checks that CI runs beside the quick tests
	go mod tidy -diff
	go vet -tags interop ./...
	go test -race -count=1 ./...
	$(MAKE) interop

interop: ## run headway with official SDKs, load-test tools, a real Prometheus, Collector and Jaeger; installs them into .tools
	.ci/interop/install
	go test -tags interop -count=1 -p 1 -timeout 20m -run Interop -v ./cmd/internal/interop/...

interop-all: ## the interop test of load-test tools, with Locust, SGLang, k6 and JMeter too, the tests with Helm and a real Kubernetes API server, and the dashboards of a large fleet
	.ci/interop/install all
	HEADWAY_TEST_LOADTOOLS=all go test -tags interop -count=1 -timeout 20m -run InteropFresh -v ./cmd/internal/interop/baseline
	HEADWAY_TEST_RELEASE=1 go test -tags interop -count=1 -timeout 30m -run InteropRelease -v ./cmd/internal/interop/release
	HEADWAY_TEST_KUBERNETES=1 go test -tags interop -count=1 -p 1 -timeout 20m -run InteropKubernetes -v ./cmd/internal/interop/...
	HEADWAY_TEST_FLEET=1 go test -tags interop -count=1 -timeout 20m -run InteropFleet -v ./cmd/internal/interop/dashboards

fuzz: ## run every fuzz target for FUZZTIME, 30s by default, and print how many inputs each tried
	.ci/fuzz

demo: build ## watch headway time live token streams; Ctrl-C ends the demo
	bin/headway demo

screenshots: build ## draw the pictures in docs/dashboards.md and docs/live.md, with Chromium
	.ci/screenshots/run

bench: build ## compare the cost of headway, nginx and HAProxy, each on one core
	bin/headway-bench

decoding: ## measure how long each dialect takes for an event; rewrites the table in docs/performance.md
	.ci/decoding

bench-drift: ## simulate how soon drift is noticed and how often falsely; rewrites the tables in docs/drift.md
	go test ./probe/drift -count=1 -timeout 30m -run 'Delays|FalseAlarms' -v -runs 5000 -months 2000 -update
