# Everything a person types. Bare `make` prints the list.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
RUN := .venv/bin/python
READY := .venv/.ready
SUPERSET_READY := .venv-superset/.ready
NOTEBOOK_READY := .venv-notebook/.ready

.PHONY: warehouse alerts page test-browser superset notebook screenshots test-superset help setup demo act1 act2 act3 act4 act5 run test lint format reset bench docs-quality chaos soak

help: ## Print this list
	@echo "Smart Factory lakehouse: make <target>"
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' Makefile

$(READY): requirements/bootstrap.txt requirements/dev.txt scripts/setup.py
	@$(PYTHON) scripts/setup.py
	@touch $(READY)

.venv-%/.ready: requirements/%.txt scripts/setup_environment.py $(READY)
	@$(RUN) scripts/setup_environment.py $*

setup: $(READY) ## Python packages into .venv/, Delta's jars into .jars/ (other targets call it when due)

demo: $(READY) ## All acts in a row, checked; leaves nothing listening
	@$(RUN) -m demo all

act1: $(READY) ## Generate: sensor readings land as JSON files
	@$(RUN) -m demo act1

act2: $(READY) ## Happy path: one update from landing files to gold
	@$(RUN) -m demo act2

act3: $(READY) ## Fault tolerance: only new files, late data, a schema change
	@$(RUN) -m demo act3

act4: $(READY) ## Monitoring and alerting: calm, overheating, calm again
	@$(RUN) -m demo act4

act5: $(READY) ## Recap, with figures from the event log
	@$(RUN) -m demo act5

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
test: $(READY) ## All tests that need neither Docker nor a browser (WORKERS=4 on a larger machine)
	@$(RUN) -m pytest --numprocesses $(or $(WORKERS),2) --dist loadfile

test-superset: $(SUPERSET_READY) $(NOTEBOOK_READY) ## Dashboards and SQL Lab against a real Superset and warehouse
	@$(RUN) -m pytest tests/superset -m superset

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

reset: $(READY) ## Delete the lakehouse, after asking (YES=1 does not ask)
	@$(RUN) -m demo reset $(if $(YES),--yes)

BENCH_READY := .venv/.bench-ready

$(BENCH_READY): $(READY) requirements/bench.txt
	@.venv/bin/uv pip install --quiet --python $(RUN) --require-hashes -r requirements/bench.txt
	@touch $(BENCH_READY)

bench: $(BENCH_READY) ## The benchmark, under an hour (QUICK=1: small, a few minutes)
	@$(RUN) -m bench $(if $(QUICK),--quick)
