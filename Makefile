# The few commands that everybody needs. `make run` and `make test` work on a fresh machine.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Test processes: one more than cores, because live tests wait for much of their time; eight at most. Each has a
# PostgreSQL of its own. WORKERS=0 is one process, for debuggers.
WORKERS ?= $(shell expr 1 + $$(getconf _NPROCESSORS_ONLN))

.PHONY: run venv dev check test bench bench-peers docs pictures deb settings man lock clean

run: venv
	@exec $(BIN)/mailkeep up $(ARGS)

venv: $(VENV)/.runtime

dev: $(VENV)/.dev

$(VENV)/.runtime: locks/runtime.txt pyproject.toml
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV) || \
	  { rm -rf $(VENV); echo "No environment could be made: on Debian, install python3-venv."; exit 1; }
	@echo "Installing Mailkeep's libraries into $(VENV) ..."
	@$(BIN)/pip --disable-pip-version-check install --quiet --require-hashes -r locks/runtime.txt
	@$(BIN)/pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: locks/dev.txt $(VENV)/.runtime
	@$(BIN)/pip --disable-pip-version-check install --quiet --require-hashes -r locks/dev.txt
	@touch $@

check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Bytecode is kept, whatever the environment says: hosts and commands start by the hundred, each a third of a second
# slower without.
test: dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS) --maxprocesses 8 --dist worksteal $(ARGS)

# Measure one server: make bench ARGS="fetch --port 2143 --tls starttls"; ARGS="--help" lists what there is.
bench: dev
	@$(BIN)/python -m bench $(ARGS)

# Mailkeep beside Debian's Dovecot and Postfix, in one run: ARGS="--quick" is shorter. Needs root.
bench-peers: dev
	@$(BIN)/python -m bench.peers $(ARGS)

# The documentation as pages, in site/. Fails on a broken link.
docs: $(VENV)/.docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "The pages are in site/index.html."

$(VENV)/.docs: locks/docs.txt $(VENV)/.runtime
	@$(BIN)/pip --disable-pip-version-check install --quiet --require-hashes -r locks/docs.txt
	@touch $@

# docs/pictures, out of the tests that take them. Needs what the live tests need, and ImageMagick.
pictures: dev
	MAILKEEP_PICTURES=docs/pictures MAILKEEP_REQUIRE_CLIENTS=1 $(BIN)/pytest -q -k "not postgres" \
	  tests/live/test_pictures.py tests/live/test_thunderbird.py

# dist/mailkeep_VERSION_ARCHITECTURE.deb, for the Debian release that this Python is from. Needs dpkg-deb.
deb: venv
	@deploy/debian/build

# docs/settings.md, out of the settings' code.
settings: venv
	@$(BIN)/mailkeep settings --markdown > docs/settings.md

# docs/mailkeep.1, out of the commands' help.
man: venv
	@$(BIN)/mailkeep man > docs/mailkeep.1

# Needs uv; writes versions and hashes only, no registry address.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate --group pyproject.toml:lock pyproject.toml -o locks/runtime.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate -c locks/runtime.txt --group pyproject.toml:otel -o locks/otel.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate -c locks/runtime.txt --group pyproject.toml:objects -o locks/objects.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate -c locks/runtime.txt -c locks/otel.txt -c locks/objects.txt --group pyproject.toml:dev \
	  -o locks/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate -c locks/runtime.txt -c locks/dev.txt --group pyproject.toml:docs -o locks/docs.txt

clean:
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist build
