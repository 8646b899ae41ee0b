# Everything that is done with this repository. `make` lists it.
# Needs Python 3.11 or newer and a C compiler; Go is taken from the machine or fetched (scripts/go).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
GO     := scripts/go -C sidecar-go
GO_SRC := $(shell find sidecar-go -name '*.go') sidecar-go/go.mod sidecar-go/go.sum
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' sentinel/__init__.py)
CONFIG ?=
PREVIOUS ?=
COMPOSE ?= docker compose

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: $(VENV)/ready bin/sentinel-sidecar bin/simtailnet ## Build everything: .venv/bin/sentinel-py, bin/sentinel-sidecar, bin/simtailnet

.PHONY: demo
demo: build ## Watch a simulated tailnet change, for about a minute (Ctrl-C ends it)
	@exec $(BIN)/sentinel-py demo

.PHONY: run
run: build ## Watch your own tailnet (SENTINEL_TAILSCALE_AUTH_KEY=…, or follow the login URL)
	@exec $(BIN)/sentinel-py serve $(if $(CONFIG),--config $(CONFIG))

.PHONY: test
test: build ## Everything that must hold: Python and Go, lint, types, layers, generated files
	@scripts/check

.PHONY: unit
unit: $(VENV)/ready ## Only the unit tests
	@$(BIN)/python -m pytest -q tests/unit

.PHONY: crash
crash: build ## The long forms: kills at every boundary, storage faults, the model, secrets; takes hours
	@$(BIN)/python -m pytest -q -m long --timeout 14400 tests/contracts tests/crash tests/crash_edge tests/crash_storage tests/model

.PHONY: containers
containers: $(VENV)/ready ## Build the images and try them; needs a container engine (COMPOSE="docker compose")
	@COMPOSE="$(COMPOSE)" $(BIN)/python -m pytest -q -m long tests/containers

.PHONY: mixed
mixed: build ## Pair this sidecar and service with those of another release (PREVIOUS=v1.2.3; else the newest tag)
	@PREVIOUS="$(PREVIOUS)" $(BIN)/python -m pytest -q -m long tests/mixed

.PHONY: bench
bench: build ## Measure and print tables; takes a few minutes
	@for program in tests/bench/bench_*.py; do $(BIN)/python $$program || exit 1; done

.PHONY: fmt
fmt: $(VENV)/ready ## Format Python and Go
	@$(BIN)/ruff check -q --fix .
	@$(BIN)/ruff format -q .
	@$$(scripts/go env GOROOT)/bin/gofmt -w $$(git ls-files -co --exclude-standard 'sidecar-go/*.go' | grep -v /gen/)

.PHONY: proto
proto: $(VENV)/ready ## Generate both sides of the wire from proto/
	@scripts/proto

.PHONY: docs
docs: $(VENV)/ready ## Generate the reference pages and the configuration's schema
	@$(BIN)/python scripts/docs

.PHONY: lock
lock: ## Resolve the pinned dependencies anew (requirements/*.txt)
	@scripts/lock

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf $(VENV) .tools bin dist

$(VENV)/ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up $(VENV) (once, a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

bin/%: $(GO_SRC)
	@echo "Building $@ (the first time takes a few minutes)"
	@mkdir -p bin
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o ../$@ ./cmd/$*
