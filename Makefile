# make run   builds everything and starts the demo hospital: make run ADDR=127.0.0.1:8008 DATA=./demo-data
# make test  everything that a change must pass (what .ci/run runs)
# make lint  formatting and lints only
# make soak  plays 500 staff who lose devices and stay away, 20,000 encrypted messages: make soak SOAK_PEOPLE=100 SOAK_MESSAGES=4000
# make bench measures and writes docs/performance.md: make bench PEER=synapse SIZE=full ROUNDS=3
# make bench-web measures the web app and writes docs/performance/web.md
# make bench-bad-network lets two people write for ten minutes on a very bad network (docs/performance/bad-network.md)
# make profile draws a flame graph of sends and syncs and counts the instructions of a send

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ADDR ?= 127.0.0.1:8008
DATA ?= ./demo-data

# A release for `run`, the development profile for every test; the whole workspace each time, so that nothing is built
# twice with other features.
TARGET ?= $(CURDIR)/target
SOAK_PEOPLE ?= 500
SOAK_MESSAGES ?= 20000
SOAK_SECONDS ?= 7200
DEV_BIN := $(TARGET)/debug/wardline
export CARGO_TARGET_DIR := $(TARGET)
export CARGO_TERM_COLOR ?= auto
# A clone that is built once has no use for what incremental builds keep, which is more than the build itself.
ifeq ($(CI),true)
export CARGO_INCREMENTAL := 0
endif

.PHONY: help
help: ## What can be made
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

.NOTPARALLEL:

.PHONY: run
run: tools-run web
	cargo build --locked --release -p wardline
	$(TARGET)/release/wardline demo --data "$(DATA)" --listen "$(ADDR)"

.PHONY: tools-run
tools-run:
	@scripts/need cargo cc node

# --- the web app -------------------------------------------------------------------------------------------------

web/node_modules/.package-lock.json: web/package-lock.json
	@scripts/need node
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: web
web: web/node_modules/.package-lock.json
	cd web && npm run build

# --- tests -------------------------------------------------------------------------------------------------------

.PHONY: test
test: tools lint test-web test-rust conformance csapi scim fhir browser
	@echo "All tests passed."

.PHONY: tools
tools:
	@scripts/need cargo cc c++ node chromium python

.PHONY: lint
lint: lint-rust lint-web

.PHONY: lint-rust
lint-rust:
	cargo fmt --all --check
	cd fuzz && cargo fmt --check && CARGO_TARGET_DIR="$(TARGET)/fuzz" cargo check --locked --bins
	cd conformance && cargo fmt --check && CARGO_TARGET_DIR="$(TARGET)/conformance" cargo clippy --locked --tests -- -D warnings
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; \
	else echo "cargo-deny is not installed: licences, bans and sources not checked"; fi

.PHONY: lint-web
lint-web: web/node_modules/.package-lock.json
	cd web && npm run lint && npm run typecheck
	cd conformance/js && ../../web/node_modules/.bin/oxfmt -c ../../web/.oxfmtrc.json --check *.mjs

.PHONY: test-web
test-web: web
	cd web && npm run test && npm run size

.PHONY: test-rust
test-rust:
	scripts/test-rust

.PHONY: dev-binary
dev-binary:
	cargo build --locked --workspace --bins

conformance/js/node_modules/.package-lock.json: conformance/js/package-lock.json
	@scripts/need node
	cd conformance/js && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: conformance
conformance: dev-binary conformance/js/node_modules/.package-lock.json web/node_modules/.package-lock.json
	cd conformance && WARDLINE_BIN="$(DEV_BIN)" CARGO_TARGET_DIR="$(TARGET)/conformance" cargo test --locked
	cd conformance/js && WARDLINE_BIN="$(DEV_BIN)" npm test

# The client-server API as conformance suites ask for it, from outside: make csapi CHECK='part of a title'
.PHONY: csapi
csapi: dev-binary
	@scripts/need python
	scripts/test-csapi "$(DEV_BIN)" $(if $(CHECK),"$(CHECK)")

# The key soak at full size; `make conformance` plays a short one.
.PHONY: soak
soak: dev-binary
	cd conformance && WARDLINE_BIN="$(DEV_BIN)" CARGO_TARGET_DIR="$(TARGET)/conformance" \
	SOAK_PEOPLE=$(SOAK_PEOPLE) SOAK_MESSAGES=$(SOAK_MESSAGES) SOAK_SECONDS=$(SOAK_SECONDS) \
	cargo test --locked soak -- --nocapture

.PHONY: scim
scim: dev-binary
	@scripts/need python
	TARGET="$(TARGET)" scripts/test-scim "$(DEV_BIN)"

.PHONY: fhir
fhir: dev-binary
	@scripts/need python
	TARGET="$(TARGET)" scripts/test-fhir "$(DEV_BIN)"

.PHONY: browser
browser: tools web dev-binary
	@scripts/need turn
	cd web && WARDLINE_BIN="$(DEV_BIN)" node --test --test-timeout=600000 --test-concurrency=1 --test-reporter=spec e2e/*.test.mjs

# --- measuring ---------------------------------------------------------------------------------------------------

.PHONY: bench
bench:
	@scripts/need cargo cc
	scripts/bench/run

# The web app's figures, in Chromium, against the release server: make bench-web MESSAGES=50000
MESSAGES ?= 50000
.PHONY: bench-web
bench-web: tools web
	cargo build --locked --release -p wardline
	cd web && WARDLINE_BIN="$(TARGET)/release/wardline" MESSAGES=$(MESSAGES) node e2e/figures.mjs

# Ten minutes of two people on a very bad network; says how long messages took, and fails where anything is lost, doubled or disordered
.PHONY: bench-bad-network
bench-bad-network: tools web
	cargo build --locked --release -p wardline
	cd web && WARDLINE_BIN="$(TARGET)/release/wardline" node e2e/bad-network.mjs

.PHONY: profile
profile:
	@scripts/need cargo cc
	scripts/bench/profile
