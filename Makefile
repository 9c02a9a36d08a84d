# make run    a complete Sendoff on this machine: set-up, build, demo data
# make test   all tests, on a private Postgres and Redis
# make check  everything that is looked at without running the product
#
# Both make run and make test install what the machine lacks, see scripts/setup.sh.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/sendoff/sendoff/internal/version.version=$(VERSION)

# Arguments for run, bench and fault: make run ARGS="--listen 127.0.0.1:9000"
ARGS ?=

# Which Postgres, and which packages, make test takes; the connections of a pooler
# in between (none: no pooler).
PG ?=
PKGS ?= ./...
POOLER ?=

.PHONY: run build setup test check bench fault crossings clients teststack clean web client browser alerts

run: setup build
	bin/sendoff dev $(ARGS)

build: web/dist/app/index.html
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/sendoff ./cmd/sendoff

# The dashboard is built anew when its sources have changed.
WEB := $(shell find web/src web/public web/client/src web/scripts -type f) $(wildcard web/*.json web/*.ts web/*.html)

web/dist/app/index.html: $(WEB)
	@scripts/web.sh build

# The dashboard with hot reload, in front of a running sendoff dev.
web:
	@scripts/web.sh dev

# The Go and the TypeScript client, generated from the description of the API.
OAPI := go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config client/oapi-codegen.yaml
client:
	@mkdir -p bin
	@go run ./internal/app/cmd/openapi >bin/openapi.json
	@$(OAPI) -o client/client.gen.go bin/openapi.json
	@scripts/web.sh client

setup:
	@scripts/setup.sh

# The servers of the tests; a test that finds none fails here, not skips.
teststack:
	@scripts/setup.sh test
	@go build -o bin/teststack ./internal/devstack/cmd/teststack

# make test PG=18 runs them on Postgres 18 (or 17), which npm brings; PKGS=./worker some of them;
# POOLER=4 through PgBouncer in transaction mode with four connections to each database.
test: teststack
	PATH="$(if $(PG),$$(scripts/setup.sh postgres $(PG)):)$$PATH" SENDOFF_TEST_REQUIRED=1 \
	  bin/teststack $(if $(POOLER),-pooler $(POOLER)) -- go test -race -shuffle=on -count=1 $(PKGS)

	$(if $(filter ./...,$(PKGS)),@$(MAKE) --no-print-directory browser)

# The dashboard in chromium; ARGS names a folder for screenshots.
browser: build
	@scripts/browser.sh $(ARGS)

# Cheapest first. A tool that prints findings and still exits 0 is made to fail.
check:
	@echo 'gofumpt';     out=$$(go tool gofumpt -l -extra .) && [ -z "$$out" ] || { echo "$$out"; exit 1; }
	@echo 'go vet';      go vet ./... && go vet -tags=fault ./...
	@echo 'go fix';      out=$$(go fix -diff ./...) && [ -z "$$out" ] || { echo "$$out"; exit 1; }
	@echo 'staticcheck'; go tool staticcheck -tags=fault ./...
	@echo 'errcheck';    go tool errcheck -tags=fault -exclude errcheck.txt ./...
	@echo 'nilness';     go vet -vettool="$$(go tool -n nilness)" ./...
	@echo 'deadcode';    out=$$(go tool deadcode -tags=fault -test ./...) && [ -z "$$out" ] || { echo "$$out"; exit 1; }
	@echo 'go mod tidy'; go mod tidy -diff
	@echo 'imports';     go test -count=1 -run TestImports ./internal/app
	@echo 'dashboard';   scripts/web.sh check
	@echo 'client';      mkdir -p bin && go run ./internal/app/cmd/openapi >bin/openapi.json && node web/scripts/client.mjs check && \
	  $(OAPI) -o bin/client.gen bin/openapi.json && cmp bin/client.gen client/client.gen.go || { echo 'run make client'; exit 1; }
	@echo 'redocly';     scripts/web.sh openapi
	@echo 'alerts';      scripts/alerts.sh
	@echo 'manifests';   cd deploy/check && go vet ./... && go test -count=1 ./...

bench: setup build
	bin/sendoff bench $(ARGS)

# The drills (sendoff drill) with SENDOFF_FAULT_MESSAGES messages each, 5000 (a run prints its
# seed, and make fault SEED=N repeats it), what only tests can set up, such as builds that end
# in the middle or lack a safeguard, and repeats of what such runs once found.
# make fault SEEDS=10 runs the drills that depend on a seed with ten, a line each, and all
# else once; make fault SEEDS=10 ARGS='-run TestSeeds' these alone.
SEEDS ?=
SEED ?=
fault: setup build teststack
	bin/teststack -- go test -count=1 -run 'UnknownID|RetryParked|SameStatusTwice' ./internal/store
	SENDOFF_TEST_REQUIRED=1 SENDOFF_PROMETHEUS="$$(scripts/alerts.sh prometheus)" \
	  $(if $(SEEDS),SENDOFF_FAULT_SEEDS=$(SEEDS)) $(if $(SEED),SENDOFF_FAULT_SEED=$(SEED)) \
	  bin/teststack -- go test -p 1 -count=1 -timeout 150m -tags=fault -v $(ARGS) ./internal/drill/... ./internal/fault/...

# The table of docs/reliability.md: every pooler, kind of Redis and TLS, on Postgres 15
# (or what the machine has), 17 and 18, with SENDOFF_FAULT_MESSAGES messages each, 5000.
crossings: setup build teststack
	for pg in '' 17 18; do \
	  PATH="$${pg:+$$(scripts/setup.sh postgres $$pg):}$$PATH" SENDOFF_TEST_REQUIRED=1 SENDOFF_FAULT_TABLE=1 \
	    go test -count=1 -timeout 60m -tags=fault -run TestTable -v $(ARGS) ./internal/fault || exit 1; \
	done

# The vendors' own samples and public client libraries; npm brings the latter.
clients: setup build
	scripts/clients/run.sh

# Every query of the alert rules and of the Grafana dashboard in a real Prometheus.
alerts: setup build
	@scripts/alerts.sh live

clean:
	rm -rf bin coverage.out
