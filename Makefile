# `make help` lists the targets. Everything runs inside .venv, built from requirements.lock.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check lock messages clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)  ## a small clinic on this machine: database, sandbox phones, console
	$(BIN)/reminders demo

test: $(STAMP)  ## every check and test, on SQLite and on a PostgreSQL the tests start themselves
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(STAMP)  ## formatting, types and import rules only
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

messages: $(STAMP)  ## collect the words to translate into locales/ and check the catalogues
	$(BIN)/pybabel -q extract -F babel.cfg -c Translators: -s --sort-by-file --add-location=file --project=reminders \
	  --version=1 --msgid-bugs-address=CONTRIBUTING.md --last-translator=reminders \
	  "--header-comment=# Messages to patients; see docs/languages.md." -o locales/messages.pot .
	$(BIN)/pybabel -q update -i locales/messages.pot -d locales --ignore-pot-creation-date --ignore-obsolete --previous
	$(BIN)/python -m pytest tests/texts

PIN := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
       --no-emit-index-url --no-emit-find-links

lock:  ## renew the lock files from pyproject.toml (needs uv)
	$(PIN) --extra dev --upgrade -o requirements.lock pyproject.toml requirements-build.in
	$(PIN) --constraint requirements.lock -o requirements-runtime.lock pyproject.toml
	$(PIN) --constraint requirements.lock -o requirements-build.lock requirements-build.in

clean:  ## remove the environment and caches
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
