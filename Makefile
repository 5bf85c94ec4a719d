# `make` lists what can be made. Everything lives in .venv, built from the pinned packages in requirements/.

PYTHON ?= python3
WORKERS ?= 2

BIN := .venv/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet
PINNED := $(INSTALL) --require-hashes --no-deps -r

ifneq ($(wildcard ../shared/data),)
export GRADUS_DATA ?= $(abspath ../shared/data)
endif

# Two processes of tests, each on one thread; threads of several processes would wait for each other.
test test-all: export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help train test test-all check format bench bench-latency bench-recipes ward lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

train: .venv/runtime.stamp ## train LeNet-5 on handwritten digits; ARGS="..." goes to `gradus train`
	@$(BIN)/gradus train $(ARGS)

test: .venv/dev.stamp ## run the tests; ARGS="..." goes to pytest, WORKERS=0 uses one process
	@$(BIN)/pytest -q -n $(WORKERS) $(ARGS)

test-all: .venv/dev.stamp ## run every test, the slow ones and, where there is a GPU, its own too
	@$(BIN)/pytest -q -n $(WORKERS) -m "" $(ARGS)

check: .venv/dev.stamp ## check formatting, lint, types, import order and the examples in docstrings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q --doctest-modules src/gradus

format: .venv/dev.stamp ## format the code and mend what lint can mend
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

bench: .venv/bench.stamp .venv/dev.stamp ## measure the loop, the inspector, the catalogue beside others, and which ways pay
	$(BIN)/python -m benchmarks.training_loop
	$(BIN)/python -m benchmarks.settings
	$(BIN)/python -m benchmarks.optimizers
	$(BIN)/python -m benchmarks.doctor_cost
	$(BIN)/python -m benchmarks.inspectors
	$(BIN)/python -m benchmarks.catalogue
	$(BIN)/python -m benchmarks.rtrl
	$(BIN)/python -m benchmarks.recurrent
	$(BIN)/python -m benchmarks.character_model
	$(BIN)/python -m benchmarks.glimpse

ward: .venv/runtime.stamp ## run the doctor over faulty and healthy programs; ARGS="--half reported", ARGS="--check gaps identical"
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.ward $(ARGS)

bench-latency: .venv/runtime.stamp ## predict how long networks take here, and measure it; needs a quiet machine
	$(BIN)/python -m benchmarks.latency $(ARGS)

bench-recipes: .venv/runtime.stamp ## train every shipped recipe over several seeds and write docs/results.md
	$(BIN)/python -m benchmarks.recipes $(ARGS)

.venv/runtime.stamp: pyproject.toml requirements/lock.txt requirements/torch.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("gradus needs Python 3.11 or newer, \
	and $(PYTHON) is %d.%d: try make PYTHON=python3.12" % v[:2])'
	@echo "Setting up .venv: it downloads torch and others, which takes minutes the first time"
	@$(PYTHON) -m venv .venv
	@$(PINNED) requirements/lock.txt
	@$(INSTALL) -r requirements/torch.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# torchvision does not import beside a CPU torch, and what finds it would try: so it lies where only tests look.
.venv/dev.stamp: requirements/dev.txt requirements/peers.txt .venv/runtime.stamp
	@$(PINNED) $<
	@rm -rf .venv/peers
	@$(PINNED) requirements/peers.txt --target .venv/peers
	@touch $@

.venv/bench.stamp: requirements/bench.txt .venv/runtime.stamp
	@$(PINNED) $<
	@touch $@

# Keeps the pins it can; `make lock UPGRADE=--upgrade` moves all of them to the newest versions that fit together.
COMPILE = .venv-lock/bin/uv pip compile --quiet $(UPGRADE) pyproject.toml -c requirements/torch.txt
not_in_lock = $$(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' requirements/lock.txt)

lock: ## pin the packages anew after a change in pyproject.toml
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv; }
	$(COMPILE) -o requirements/lock.txt
	$(COMPILE) -o requirements/dev.txt --extra dev -c requirements/lock.txt $(not_in_lock)
	$(COMPILE) -o requirements/bench.txt --extra bench -c requirements/lock.txt -c requirements/dev.txt $(not_in_lock)
	$(COMPILE) -o requirements/peers.txt --extra peers -c requirements/lock.txt -c requirements/dev.txt \
		$(not_in_lock) $$(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' requirements/dev.txt)
	@! grep -E '^(cuda|nvidia|triton)' requirements/*.txt

clean: ## remove what can be made again; runs stay
	rm -rf .venv .venv-lock build dist src/*.egg-info .*_cache .hypothesis
	find src tests benchmarks examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
