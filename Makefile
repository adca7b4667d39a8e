# Citizen App: `make run` to see it, `make test` to trust it, `make check` for the whole gate.
PORT ?= 8000
PYTHON ?= python3
WORKERS ?= auto
STRIPE_PORT ?= 8420
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Compiled modules and rewritten assertions are kept: to do without them costs each test process ten seconds.
unexport PYTHONDONTWRITEBYTECODE
# Production settings for the deployment check: values of the right shape that open nothing.
DEPLOYED := PRODUCTION=true HTTPS=true TRUSTED_PROXIES=1 ALLOWED_HOSTS=citizen.example REDIS_URL=redis://127.0.0.1:6379/9 \
	BROKER_URL=amqp://guest:guest@127.0.0.1:5672// EMAIL_URL=smtp://mail.citizen.example:587 \
	SECRET_KEY=check-only-$(shell printf 'k%.0s' $$(seq 60)) SERVER_KEY=check-only-$(shell printf 's%.0s' $$(seq 60))

.PHONY: help run migrate seed test test-postgresql test-browser test-faults test-stripe-live test-analysis check check-static format bench openapi clean

help:
	@echo "make run              the product on http://127.0.0.1:$(PORT) with sample data (SQLite, no services)"
	@echo "STRIPE_DEMO=1 make run  the same with billing on, against a stand-in for Stripe on port $(STRIPE_PORT)"
	@echo "make test             the tests (SQLite)"
	@echo "make test-postgresql  those of them that ask a database, on PostgreSQL (DATABASE_URL)"
	@echo "make test-browser     the pages in headless Chromium"
	@echo "make test-faults      a running server that is killed, and one whose codes are guessed"
	@echo "make test-stripe-live the main flows at Stripe itself, in a sandbox (STRIPE_TEST_KEY; skipped without)"
	@echo "make test-analysis    the tests of learning, with scikit-learn"
	@echo "make check            the whole gate: format, lint, imports, types, migrations, deployment, API, tests"
	@echo "make bench            the measurements of docs/performance.md"
	@echo "make migrate          apply the migrations"

# -- The virtual environment: one stamp per requirements file, so that a second run installs nothing ----------------
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Citizen App needs Python 3.11 or newer (set PYTHON=...)."; exit 1; }
	@echo "Making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	@echo "Installing what the product runs on (about a minute the first time) ..."
	@$(BIN)/pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	@echo "Installing what tests and checks need ..."
	@$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime

# -- To see it ---------------------------------------------------------------------------------------------------------
migrate: $(VENV)/.runtime
	@echo "Applying migrations ..."
	@$(BIN)/python manage.py migrate --verbosity 0

seed: migrate
	@PORT=$(PORT) $(BIN)/python manage.py seed_demo

IS_FREE = $(BIN)/python -c 'import socket, sys; sys.exit(socket.socket().connect_ex(("127.0.0.1", $(1))) == 0)' || \
	{ echo "Something already serves on port $(1): stop it, or choose another with $(2)=..."; exit 1; }

# STRIPE_DEMO=1: billing against the stand-in, served beside the product. It ends when its parent has ended (the
# shell, that is Granian after `exec`), so that nobody has to signal a whole process group.
ifeq ($(STRIPE_DEMO),1)
DRAWN = $(shell $(BIN)/python -c 'import secrets; print("whsec_" + secrets.token_hex(16))')
BESIDE = $(call IS_FREE,$(STRIPE_PORT),STRIPE_PORT); \
	export STRIPE_API_KEY=sk_test_standin STRIPE_API_BASE=http://127.0.0.1:$(STRIPE_PORT) STRIPE_LIVEMODE=false; \
	export STRIPE_WEBHOOK_SECRETS=$(DRAWN) STRIPE_CONNECT_WEBHOOK_SECRETS=$(DRAWN); \
	$(BIN)/python manage.py stripe_standin --port $(STRIPE_PORT) --app http://127.0.0.1:$(PORT) --with-parent & \
	$(BIN)/python manage.py stripe_setup --wait 30 || exit 1;
endif

run: seed
	@$(call IS_FREE,$(PORT),PORT)
	@$(BESIDE) echo "Serving on http://127.0.0.1:$(PORT) in a moment  (Ctrl-C stops it)"; \
	OIDC_ISSUER=$${OIDC_ISSUER:-http://127.0.0.1:$(PORT)/o} exec $(BIN)/granian --interface wsgi --host 127.0.0.1 --port $(PORT) --workers 1 --blocking-threads 16 \
		--no-ws --log-level error citizen_app.wsgi:application

# -- To trust it -------------------------------------------------------------------------------------------------------
test: $(VENV)/.development
	@echo "Running the tests on SQLite ..."
	@env -u DATABASE_URL $(BIN)/pytest -n $(WORKERS) --dist worksteal -q

test-postgresql: $(VENV)/.development
	@test -n "$(DATABASE_URL)" || { echo "Set DATABASE_URL=postgres://user@host:5432/name"; exit 1; }
	@echo "Running the tests on PostgreSQL ..."
	@DATABASE_URL=$(DATABASE_URL) $(BIN)/pytest -n $(WORKERS) --dist worksteal -q

test-browser: $(VENV)/.development
	@echo "Opening the pages in headless Chromium ..."
	@$(BIN)/pytest -q -p no:randomly -o 'norecursedirs=.*' tests/browser

test-faults: $(VENV)/.development
	@echo "Killing a server in the middle of its work, and guessing codes at one ..."
	@$(BIN)/pytest -q -p no:randomly -o 'norecursedirs=.*' tests/faults

test-stripe-live: $(VENV)/.development
	@echo "Going through the main flows at Stripe itself, in the sandbox of STRIPE_TEST_KEY ..."
	@env -u DATABASE_URL $(BIN)/pytest -q -rs -p no:randomly -o 'norecursedirs=.*' --allow-hosts=127.0.0.1,::1,localhost,api.stripe.com \
		tests/live

$(VENV)/.analysis: requirements-analysis.txt $(VENV)/.development
	@echo "Installing what learning needs ..."
	@$(BIN)/pip install --quiet -r requirements-analysis.txt
	@touch $@

test-analysis: $(VENV)/.analysis
	@echo "Running the tests of learning ..."
	@env -u DATABASE_URL $(BIN)/pytest -q -rs tests/scores/learning

check-static: $(VENV)/.development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(DEPLOYED) $(BIN)/python manage.py check --deploy --fail-level WARNING

check: check-static test

format: $(VENV)/.development
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

openapi: $(VENV)/.development
	$(BIN)/python manage.py export_openapi

bench: $(VENV)/.development
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) var staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis
