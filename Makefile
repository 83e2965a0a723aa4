# Everything a person types. Bare `make` prints the list.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
RUN := .venv/bin/python
READY := .venv/.ready
SUPERSET_READY := .venv-superset/.ready
NOTEBOOK_READY := .venv-notebook/.ready
# Acts play on the running stack, if there is one; STACK=local or STACK=compose says otherwise.
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

.PHONY: warehouse alerts page test-browser test-slow superset notebook screenshots test-superset help setup demo act1 act2 act3 act4 act5 run test lint format reset bench docs-quality chaos soak up down test-compose

help: ## Print this list
	@echo "Smart Factory lakehouse: make <target>"
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' Makefile

$(READY): requirements/bootstrap.txt requirements/dev.txt scripts/setup.py
	@$(PYTHON) scripts/setup.py
	@touch $(READY)

.venv-%/.ready: requirements/%.txt scripts/setup_environment.py $(READY)
	@$(RUN) scripts/setup_environment.py $*

setup: $(READY) ## Python packages into .venv/, Delta's jars into .jars/ (other targets call it when due)

demo: $(PLAY_READY) ## All acts in a row, checked; leaves nothing listening
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

run: $(READY) ## One triggered update
	@$(RUN) -m pipeline run

warehouse: $(READY) ## The SQL warehouse at 127.0.0.1:10000, for reading alone, until Ctrl-C
	@$(RUN) -m pipeline warehouse

alerts: $(READY) ## Evaluate the alerts on schedule through the SQL warehouse, until Ctrl-C
	@$(RUN) -m alerts watch

page: $(READY) ## The pipeline page at http://127.0.0.1:8000: the live graph, and Start
	@$(RUN) -m pipeline page

superset: $(SUPERSET_READY) ## Dashboards and SQL Lab at http://localhost:8088, with the SQL warehouse if none answers
	@.venv-superset/bin/python superset/serve.py

notebook: $(NOTEBOOK_READY) ## The notebook sensor_analysis in JupyterLab; it asks the SQL warehouse
	@.venv-notebook/bin/jupyter lab notebooks/sensor_analysis.ipynb

screenshots: $(SUPERSET_READY) ## Pictures of the pipeline page and both dashboards into docs/images/, from a plant of their own
	@$(RUN) -m scripts.page_screenshots
	@$(RUN) scripts/screenshots.py

docs-quality: $(READY) ## Data Docs: Great Expectations' pages of suites and last verdicts
	@$(RUN) -m pipeline data-docs

# Two processes keep two cores busy; each has a Spark session of its own, of about 2 GB.
test: $(READY) ## The tests of minutes: each part and the whole line once (WORKERS=4 on a larger machine)
	@$(RUN) -m pytest --numprocesses $(or $(WORKERS),2) --dist loadfile

test-slow: $(READY) ## The tests with many updates or servers: kills, damage, replay, reprocessing, the warehouse's clients
	@$(RUN) -m pytest -m slow --numprocesses $(or $(WORKERS),2) --dist loadfile

test-superset: $(SUPERSET_READY) $(NOTEBOOK_READY) ## Dashboards and SQL Lab against a real Superset and warehouse
	@$(RUN) -m pytest tests/superset -m "superset or browser"

test-browser: $(READY) ## The pipeline page in a headless Chromium; skipped, and said so, where there is none
	@$(RUN) -m pytest tests/page -m browser -rs

chaos: $(READY) ## Kill updates at chosen and random moments and check every promise (N=50 SEED=7)
	@N=$(or $(N),14) SEED=$(or $(SEED),1) $(RUN) -m pytest -m chaos tests/chaos

soak: $(READY) ## Continuous mode under load: freshness and memory (MINUTES=5 RATE=2000)
	@MINUTES=$(or $(MINUTES),5) RATE=$(or $(RATE),2000) $(RUN) -m pytest -m bench tests/chaos/test_soak.py

lint: $(READY) ## ruff, mypy and the house rules
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(RUN) scripts/house_rules.py

format: $(READY) ## Format and fix what can be fixed
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

up: ## The whole demo in Docker, built and waited for; acts then play on it
	@docker compose up --build --detach --wait
	@scripts/where_to_look

down: ## End the stack; all data stays in its volumes
	@docker compose --profile demo down

test-compose: $(READY) ## The stack in Docker: acts, dashboards, alert, restarts, kills
	@$(RUN) -m pytest tests/compose -m compose

reset: $(PLAY_READY) ## Delete the lakehouse, after asking (YES=1 does not ask); with STACK=compose the stack and its volumes
ifeq ($(STACK),compose)
	@$(if $(YES),,read -rp "End the stack and delete all its volumes? [y/N] " answer && [ "$$answer" = y ] &&) \
		docker compose --profile demo down --volumes
else
	@$(RUN) -m demo reset $(if $(YES),--yes)
endif

BENCH_READY := .venv/.bench-ready

$(BENCH_READY): $(READY) requirements/bench.txt
	@.venv/bin/uv pip install --quiet --python $(RUN) --require-hashes -r requirements/bench.txt
	@touch $(BENCH_READY)

bench: $(BENCH_READY) ## The benchmark, one to two hours (QUICK=1: small, a few minutes; OUTPUT=folder)
	@$(RUN) -m bench $(if $(QUICK),--quick) $(if $(OUTPUT),--output $(OUTPUT))
