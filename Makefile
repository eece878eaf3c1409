# Every command a user or contributor needs; each installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install run demo test lint lock corpus clean

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

install: $(VENV)/.installed

lock:  ## pin every dependency again; needs uv
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -c requirements.lock -o requirements-dev.lock

run: install  ## serve on this machine, with an embedded PostgreSQL
	$(BIN)/milepost serve --local --bind 127.0.0.1:8080

demo: install  ## real Packer builds, reported to the receiver of `make run`
	tests/system-packages.sh packer
	$(BIN)/milepost demo

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## everything
	tests/system-packages.sh packer shellcheck curl openssl
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest

corpus: $(VENV)/.dev  ## post a folder of payloads: make corpus DIR=path
	$(BIN)/python -m tests.corpus "$(DIR)"

clean:
	rm -rf $(VENV) build dist *.egg-info bench.json
