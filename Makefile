# `make help` lists the targets. Each one makes and fills .venv by itself, with the versions in constraints.txt and
# through pip as it is set up on your machine.
PYTHON ?= python3
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
TREE := src tests docs $(wildcard benchmarks)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint test-long test-slow test-browser bench calibration predictions adequacy docs constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  PYTHON=python3.12 chooses the interpreter (3.11 or newer), WORKERS=4 the processes of the tests"

demo: $(VENV)/.for-run ## run the 100-hour esketamine trial and write its report
	@$(BIN)/letheon simulate examples/sigtermans2009.yaml --out runs/demo
	@echo "Open $$(ls runs/demo/*.html) in a browser."

test: lint ## lint and types, then all tests that are quick and need nothing special
	@echo "Left out are long, slow, browser and gpu tests: make test-long, test-slow, test-browser, $(BIN)/pytest -m gpu"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lint: $(VENV)/.for-test ## ruff (style and format) and basedpyright (types)
	@$(BIN)/ruff check $(TREE)
	@$(BIN)/ruff format --check $(TREE)
	@$(BIN)/basedpyright

test-long: $(VENV)/.for-test ## the tests that take more than ten seconds, mostly to compile
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "long and not slow"

test-slow: $(VENV)/.for-test ## the tests that take minutes
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m slow

test-browser: $(VENV)/.for-test ## the tests that drive the system's Chromium
	@$(BIN)/python -m pytest -m browser

bench: $(VENV)/.peers ## time the simulator against general ODE solvers; those that cannot be installed are left out
	@$(BIN)/python -m benchmarks

calibration: $(VENV)/.for-test ## fit both pain models anew, weigh them, and ship what comes out (an hour and a half; stops and goes on)
	@$(BIN)/letheon calibrate --out calibration
	@for model in memory slow_site; do \
	  cp calibration/$$model/$$model.csv calibration/$$model/$$model.toml src/letheon/library/posterior/ && \
	  cp calibration/$$model/calibration.json docs/calibration/$$model.json || exit 1; done
	@$(BIN)/letheon validate --sensitivity --json > calibration/validation.json
	@cp calibration/validation.json docs/calibration/
	@$(BIN)/python -m letheon.study.validate.weights calibration docs/calibration/validation.json \
	  docs/calibration/weights.json src/letheon/library/posterior/weights.toml
	@$(BIN)/python -m letheon.study.validate.met docs/calibration/validation.json src/letheon/library/posterior/met.toml
	@$(BIN)/python docs/making/generate.py calibration validation support

predictions: $(VENV)/.for-test ## predict trials without results anew, under today's date, into docs/predictions
	@$(BIN)/python docs/making/predict.py

adequacy: $(VENV)/.for-test ## recover known truths, and tell the two mechanisms apart (an hour; stops and goes on)
	@$(BIN)/python -m letheon.study.calibrate.adequacy adequacy
	@cp adequacy/adequacy.json docs/calibration/
	@$(BIN)/python docs/making/generate.py adequacy

docs: $(VENV)/.for-docs ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html in a browser."

constraints: $(VENV)/.for-dev ## resolve constraints.txt anew, for every Python and system at once
	@$(BIN)/uv pip compile pyproject.toml --universal --all-extras --python-version 3.11 --upgrade --no-annotate \
	  --custom-compile-command "make constraints" --quiet --output-file constraints.txt
	@! grep -n '://' constraints.txt || { echo "constraints.txt names an address: see the lines above." >&2; exit 1; }

clean: ## remove .venv and everything that can be made again, but no run folder
	@rm -rf $(VENV) build dist site .pytest_cache .ruff_cache .hypothesis
	@find src tests $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.for-run: EXTRAS =
$(VENV)/.for-test: EXTRAS = [all,test]
$(VENV)/.for-bench: EXTRAS = [bench]
$(VENV)/.for-docs: EXTRAS = [docs,query]
$(VENV)/.for-dev: EXTRAS = [dev]

$(VENV)/.for-%: $(VENV)/.made pyproject.toml constraints.txt
	@echo "preparing $(VENV) for $* (the first time: a few minutes)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.$(EXTRAS)'
	@touch $@

# each by itself, so that one that cannot be built keeps no other away; the benchmark names those that are missing
$(VENV)/.peers: $(VENV)/.for-bench
	@for peer in libroadrunner numba numbalsoda; do \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt $$peer >/dev/null 2>&1 || \
	    echo "$$peer could not be installed: the benchmark goes on without it."; done
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Letheon needs Python 3.11 or newer; '$(PYTHON)' says: $$($(PYTHON) -V 2>&1 | head -n 1)." \
	    "Name another, as in: make demo PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
