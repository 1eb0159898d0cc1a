# `make help` lists the targets. Everything runs inside .venv, built from requirements.lock.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# One process more than processors: tests wait a third of their time for servers, databases and disks.
JOBS   ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# Many short processes are started here; each would compile the whole product anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check lock messages clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml package-lock.json hatch_build.py
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)  ## a small clinic on this machine: database, sandbox phones, console
	$(BIN)/reminders demo

test: $(STAMP)  ## every check and test, on SQLite and on a PostgreSQL the tests start themselves
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

check: $(STAMP)  ## formatting, types and import rules only
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

messages: $(STAMP)  ## collect the words to translate into locales/ and check the catalogues
	$(EXTRACT) -F babel.cfg "--header-comment=# Messages to patients; see docs/languages.md." -o locales/messages.pot .
	$(EXTRACT) -F babel-pages.cfg "--header-comment=# Pages for staff; see docs/languages.md." -o locales/pages.pot .
	$(UPDATE) -D messages -i locales/messages.pot
	$(UPDATE) -D pages -i locales/pages.pot
	$(BIN)/python -m pytest tests/texts tests/web/test_manage_words.py

EXTRACT = $(BIN)/pybabel -q extract -c Translators: -s --sort-by-file --add-location=file --project=reminders --version=1 \
          --msgid-bugs-address=CONTRIBUTING.md --last-translator=reminders
UPDATE  = $(BIN)/pybabel -q update -d locales --ignore-pot-creation-date --ignore-obsolete --previous

PIN := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
       --no-emit-index-url --no-emit-find-links

lock:  ## renew the lock files from pyproject.toml (needs uv)
	$(PIN) --extra dev --upgrade -o requirements.lock pyproject.toml requirements-build.in
	$(PIN) --constraint requirements.lock -o requirements-runtime.lock pyproject.toml
	$(PIN) --constraint requirements.lock -o requirements-build.lock requirements-build.in

clean:  ## remove the environment and caches
	rm -rf $(VENV) build dist node_modules reminders/web/static/built .mypy_cache .pytest_cache .ruff_cache .hypothesis
