# Every command that people type. `make` alone prints the list.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
RUN := .venv/bin/python
READY := .venv/.ready
SUPERSET_READY := .venv-superset/.ready
NOTEBOOK_READY := .venv-notebook/.ready
# Acts play on the Docker stack if it is running; STACK=local or STACK=compose overrides that.
ifneq ($(filter demo act% reset,$(MAKECMDGOALS)),)
STACK ?= $(shell docker compose ps --status running --services 2>/dev/null | grep -qx pipeline && echo compose || echo local)
endif
ifeq ($(STACK),compose)
PLAY := docker compose run --rm demo
PLAY_READY :=
else
PLAY := $(RUN) -m demo
PLAY_READY := $(READY)
endif

.PHONY: warehouse alerts page test-browser test-slow superset notebook screenshots test-superset help setup doctor docs demo act1 act2 act3 act4 act5 run test lint format reset bench docs-quality chaos property soak up down test-compose test-cluster test-object-store

help: ## Print this list
	@echo "Smart Factory lakehouse: make <target>"
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' Makefile

$(READY): requirements/bootstrap.txt requirements/dev.txt scripts/setup.py
	@$(PYTHON) -m scripts.setup
	@touch $(READY)

.venv-%/.ready: requirements/%.txt scripts/setup_environment.py $(READY)
	@$(RUN) -m scripts.setup_environment $*

setup: $(READY) ## Install Python packages into .venv/ and Delta's jars into .jars/ (other targets call it when needed)

doctor: ## Check Python, Java, memory, disk, ports, Docker and network, a line each
	@$(PYTHON) -m scripts.doctor

demo: $(PLAY_READY) ## Play all acts in a row and check each; leaves no process behind
	@$(PLAY) all

act1: $(PLAY_READY) ## Generate: sensor readings land as JSON files
	@$(PLAY) act1

act2: $(PLAY_READY) ## Happy path: one update from landing files to gold
	@$(PLAY) act2

act3: $(PLAY_READY) ## Fault tolerance: only new files, late data, a schema change
	@$(PLAY) act3

act4: $(PLAY_READY) ## Monitoring and alerting: calm, overheating, calm again
	@$(PLAY) act4

act5: $(PLAY_READY) ## Recap, with figures from the event log
	@$(PLAY) act5

run: $(READY) ## Run one triggered update
	@$(RUN) -m pipeline run

warehouse: $(READY) ## Serve the read-only SQL warehouse at 127.0.0.1:10000, until Ctrl-C
	@$(RUN) -m pipeline warehouse

alerts: $(READY) ## Evaluate the alerts on schedule through the SQL warehouse, until Ctrl-C
	@$(RUN) -m alerts watch

page: $(READY) ## Serve the pipeline page at http://127.0.0.1:8000: the live graph, and Start
	@$(RUN) -m pipeline page

superset: $(SUPERSET_READY) ## Serve dashboards and SQL Lab at http://localhost:8088, and the SQL warehouse if none is running
	@.venv-superset/bin/python superset/serve.py

notebook: $(NOTEBOOK_READY) ## Open the notebook sensor_analysis in JupyterLab; it queries the SQL warehouse
	@.venv-notebook/bin/jupyter lab notebooks/sensor_analysis.ipynb

screenshots: $(SUPERSET_READY) ## Take pictures of the pipeline page and both dashboards into docs/images/, with a plant of their own
	@$(RUN) -m scripts.page_screenshots
	@$(RUN) scripts/screenshots.py

docs-quality: $(READY) ## Build Data Docs: Great Expectations' pages of the suites and the last verdicts
	@$(RUN) -m pipeline data-docs

# Two processes keep two cores busy. Each has a Spark session of about 2 GB.
test: $(READY) ## Test each part and the whole pipeline once, in minutes (WORKERS=4 on a larger machine)
	@$(RUN) -m pytest --numprocesses $(or $(WORKERS),2) --dist loadfile

test-slow: $(READY) ## Run the tests with many updates or servers: kills, damage, replay, reprocessing, the warehouse's clients
	@$(RUN) -m pytest -m slow --numprocesses $(or $(WORKERS),2) --dist loadfile

test-superset: $(SUPERSET_READY) $(NOTEBOOK_READY) ## Test dashboards and SQL Lab against a real Superset and warehouse
	@$(RUN) -m pytest tests/superset -m "superset or browser"

test-browser: $(READY) ## Test the pipeline page in a headless Chromium; skipped, with a message, if there is none
	@$(RUN) -m pytest tests/page -m browser -rs

chaos: $(READY) ## Kill updates at chosen and random moments and check every promise (N=50 SEED=7)
	@N=$(or $(N),14) SEED=$(or $(SEED),1) $(RUN) -m pytest -m chaos tests/chaos

property: $(READY) ## Compare tables of generated queries with their queries, and go on where it was stopped (N=2000 SEED=7)
	@mkdir -p .cache
	@N=$(or $(N),200) SEED=$(or $(SEED),1) PROGRESS=.cache/property.json $(RUN) -m pytest -m slow tests/generated

soak: $(READY) ## Measure the continuous mode under load: freshness and memory (MINUTES=5 RATE=2000)
	@MINUTES=$(or $(MINUTES),5) RATE=$(or $(RATE),2000) $(RUN) -m pytest -m bench tests/chaos/test_soak.py

lint: $(READY) ## Check with ruff, mypy, the layers, the house rules and for plain English
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@.venv/bin/lint-imports --no-logo
	@$(RUN) scripts/house_rules.py
	@$(RUN) -m scripts.plain_english

format: $(READY) ## Format the code, and fix what ruff can fix
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

docs: .venv-docs/.ready ## Build this documentation as a site into site/, with every link checked
	@.venv-docs/bin/python -m scripts.docs_site

up: ## Build and start the whole demo in Docker; acts then play on it (CLUSTER=1: with a Spark cluster)
	@docker compose $(if $(CLUSTER),--profile cluster) up --build --detach --wait
	@scripts/where_to_look

down: ## Stop the stack; all data stays in its volumes
	@docker compose --profile demo --profile cluster down

test-cluster: $(READY) ## Test updates on a Spark cluster of processes on loopback, with kills (N=5 SEED=1)
	@N=$(or $(N),5) SEED=$(or $(SEED),1) $(RUN) -m pytest -m cluster tests/cluster

VERSITYGW := .cache/versitygw-1.8.0/versitygw

# An S3 server; building it takes some minutes, once.
$(VERSITYGW):
	@GOBIN="$(CURDIR)/$(@D)" go install github.com/versity/versitygw/cmd/versitygw@v1.8.0

test-object-store: $(READY) $(VERSITYGW) ## Test what is kept in an object store against a real S3 server, which needs Go once
	@$(RUN) -m pytest -m object_store tests/storage

test-compose: $(READY) ## Test the stack in Docker: acts, dashboards, alert, restarts, kills
	@$(RUN) -m pytest tests/compose -m compose

reset: $(PLAY_READY) ## Delete the lakehouse, after asking (YES=1 does not ask); STACK=compose deletes the stack and its volumes
ifeq ($(STACK),compose)
	@$(if $(YES),,read -rp "Stop the stack and delete all its volumes? [y/N] " answer && [ "$$answer" = y ] &&) \
		docker compose --profile demo --profile cluster down --volumes
else
	@$(RUN) -m demo reset $(if $(YES),--yes)
endif

BENCH_READY := .venv/.bench-ready

$(BENCH_READY): $(READY) requirements/bench.txt
	@.venv/bin/uv pip install --quiet --python $(RUN) --require-hashes -r requirements/bench.txt
	@touch $(BENCH_READY)

bench: $(BENCH_READY) ## Run the benchmark, one to two hours (QUICK=1: small, a few minutes; OUTPUT=folder)
	@$(RUN) -m bench $(if $(QUICK),--quick) $(if $(OUTPUT),--output $(OUTPUT))
