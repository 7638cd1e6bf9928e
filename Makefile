# Slipway: `make up` brings up a platform on this machine, `make test` proves everything.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CGO_ENABLED := 0
export GOFLAGS     := -trimpath -buildvcs=false

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
TAGS    := embed_components
PACKAGES := ./...
# Tools that only check the code have a module of their own, so that Slipway's stays small.
STATICCHECK := $(GO) tool -modfile=tools/go.mod staticcheck
# It repeats at the end what failed, and why: the whole-platform tests print for half an hour.
GOTESTSUM   := $(GO) tool -modfile=tools/go.mod gotestsum --format standard-verbose --hide-summary skipped --

# NO_INSTALL=1 refuses to install host packages and lists what is missing instead.
INSTALL := $(if $(NO_INSTALL),--no-install,)
# ARGS goes to the command: make up ARGS="-f my/platform.yaml"
ARGS ?=

##@ Use
.PHONY: help
help: ## List these targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: build ## Bring up the platform: build the CLI, install missing host packages (NO_INSTALL=1 refuses), run `slipway up`
	bin/slipway host install $(INSTALL)
	bin/slipway up $(ARGS)

.PHONY: down
down: build ## Stop the platform and keep its data
	bin/slipway down $(ARGS)

.PHONY: build
build: components/components.zip ## Build bin/slipway
	$(GO) build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/slipway ./cmd/slipway

components/components.zip: $(shell find components -mindepth 2 -type f 2>/dev/null)
	cd components && $(GO) run ./pack

# host-packages installs the Debian packages that a test needs, where they are missing.
define host-packages
for p in $(1); do dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || missing="$${missing:-} $$p"; done; \
if [ -n "$${missing:-}" ]; then \
  if [ -n "$(NO_INSTALL)" ]; then echo "this machine lacks, for these tests:$$missing"; exit 1; fi; \
  echo "installing$$missing for these tests"; \
  { apt-get install -y -qq --no-install-recommends $$missing || { apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; }; } >/dev/null; \
fi
endef

##@ Check
.PHONY: test
test: fmt-check vet lint generate-check unit web-check web-browser integration catalogue e2e ## Everything; what CI runs

.PHONY: fmt-check
fmt-check: ## Every Go file is formatted
	@files=$$(git ls-files --cached --others --exclude-standard '*.go' | xargs -r gofmt -l); \
	if [ -n "$$files" ]; then echo "not formatted; run gofmt -w on:"; echo "$$files"; exit 1; fi

.PHONY: vet
vet: ## go vet
	$(GO) vet $(PACKAGES)
	$(GO) vet -tags e2e,catalogue,integration,faults,keycloak ./...

.PHONY: lint
lint: ## staticcheck
	$(STATICCHECK) $(PACKAGES)
	$(STATICCHECK) -tags e2e,catalogue,integration,faults,keycloak ./...

.PHONY: unit
unit: ## Unit tests
	$(GO) test $(PACKAGES)

# The console's pages. The platform builds what it serves by a recipe (components/console-pages); these
# targets are for who works on them, with the same versions of Node and pnpm.
PNPM = cd web && npm exec --yes --package node@22.23.3 --package pnpm@10.33.0 -- pnpm
web/node_modules/.modules.yaml: web/package.json web/pnpm-lock.yaml
	@command -v npm >/dev/null || { $(call host-packages,npm); }
	$(PNPM) install --frozen-lockfile --ignore-scripts
	@touch $@

.PHONY: web
web: web/node_modules/.modules.yaml ## Build the console's pages into web/dist (SLIPWAY_WEB=web/dist bin/slipway server serves them)
	$(PNPM) build

.PHONY: web-check
web-check: web/node_modules/.modules.yaml ## The console's types, style and unit tests
	$(PNPM) check
	$(PNPM) test

.PHONY: web-browser
web-browser: web ## Every page of the console in a real browser, with axe, before an invented platform
	@$(call host-packages,chromium)
	$(PNPM) test:browser

# What integration tests run comes from Slipway's own supply, unless the environment names it.
SUPPLIED := $(CURDIR)/build/test
EXTRACT   = bin/slipway images extract --supply build

.PHONY: integration
integration: build ## Tests against a real API server, etcd, node and Git server, which are built where they are not cached (PACKAGES=./internal/deliver/... for a part)
	bin/slipway host install $(INSTALL)
ifeq ($(SLIPWAY_TEST_KUBE),)
	$(EXTRACT) kubernetes $(SUPPLIED)/kubernetes
endif
ifeq ($(and $(SLIPWAY_TEST_GITEA),$(SLIPWAY_TEST_GITEA_FILES)),)
	$(EXTRACT) gitea $(SUPPLIED)/gitea
endif
ifeq ($(SLIPWAY_TEST_COSIGN),)
	$(EXTRACT) ci-cosign $(SUPPLIED)/ci-cosign
endif
ifeq ($(SLIPWAY_TEST_SYFT),)
	$(EXTRACT) ci-syft $(SUPPLIED)/ci-syft
endif
	SLIPWAY_TEST_KUBE="$${SLIPWAY_TEST_KUBE:-$(SUPPLIED)/kubernetes/usr/bin/kube}" \
	SLIPWAY_TEST_COSIGN="$${SLIPWAY_TEST_COSIGN:-$(SUPPLIED)/ci-cosign/usr/bin/cosign-verify}" \
	SLIPWAY_TEST_SYFT="$${SLIPWAY_TEST_SYFT:-$(SUPPLIED)/ci-syft/usr/bin/syft-listing}" \
	SLIPWAY_TEST_GITEA="$${SLIPWAY_TEST_GITEA:-$(SUPPLIED)/gitea/usr/bin/gitea}" \
	SLIPWAY_TEST_GITEA_FILES="$${SLIPWAY_TEST_GITEA_FILES:-$(SUPPLIED)/gitea/usr/share/gitea}" \
	$(GO) test -tags integration -count=1 -timeout 60m -p 1 $(if $(filter ./...,$(PACKAGES)),./internal/...,$(PACKAGES))

.PHONY: keycloak
keycloak: ## The identity adapter against a Keycloak that runs already (SLIPWAY_TEST_KEYCLOAK, SLIPWAY_TEST_KEYCLOAK_PASSWORD)
	$(GO) test -tags keycloak -count=1 ./internal/deliver/keycloak

.PHONY: catalogue
catalogue: build ## Every tool, recipe and blueprint loads, renders and meets its contract
	bin/slipway tools lint
	$(GO) test -tags catalogue -count=1 -timeout 30m ./test/catalogue/...

.PHONY: e2e
e2e: build web/node_modules/.modules.yaml ## The whole platform on a real embedded node, and the golden path with the console in a browser (RUN=TestPlatform/git-push for a part of it)
	bin/slipway host install $(INSTALL)
	@$(call host-packages,chromium libnss3-tools)
	$(GOTESTSUM) -tags e2e -count=1 -timeout 80m -run '$(or $(RUN),TestPlatform|TestGoldenPath)' ./test/e2e

.PHONY: pictures
pictures: build web/node_modules/.modules.yaml ## Take the pictures of docs/images/console anew, from a platform that is brought up for it
	bin/slipway host install $(INSTALL)
	@$(call host-packages,chromium libnss3-tools)
	SHOW=$(CURDIR)/docs/images/console $(GOTESTSUM) -tags e2e -count=1 -timeout 60m -run 'TestGoldenPath/console-in-a-browser' ./test/e2e

.PHONY: bench
bench: build ## The numbers of docs/performance.md, measured (COLD=1 adds the cold ones, PUSH=10 measures ten pushes instead)
	$(GO) run ./test/perf $(if $(COLD),-cold) $(if $(PUSH),-push $(PUSH)) $(if $(JSON),-json '$(JSON)')

##@ Generate
.PHONY: generate
generate: ## Write what is generated: schemas, reference pages
	$(GO) generate ./...

.PHONY: generate-check
generate-check: ## What is generated is up to date
	@before=$$(git status --porcelain -- schemas docs/reference); $(MAKE) --no-print-directory generate >/dev/null; \
	after=$$(git status --porcelain -- schemas docs/reference); \
	if [ "$$before" != "$$after" ]; then echo "generated files were out of date; commit these:"; git status --porcelain -- schemas docs/reference; exit 1; fi

.PHONY: docs
docs: generate ## Write the reference pages

.PHONY: clean
clean: ## Remove what was built here
	rm -rf bin build components/components.zip
