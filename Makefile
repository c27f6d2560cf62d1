# Every target sets up what it needs; repeated, the set-up is skipped.
#   PYTHON=...     the interpreter to make .venv with (found by itself otherwise)
#   WORKERS=3      how many tests run side by side, on two cores: they wait for Qt a quarter of their time; 0 for one after the other
#   PIP_ARGS=...   further options for pip, such as --find-links or --extra-index-url for a CPU build of torch
#   SLICER=5.12    the version of 3D Slicer that `make package` is for; SYSTEM=linux the system for `make wheelhouse`
#   BENCH_DATA=... folder of <case>_image.nii.gz and <case>_mask.nii.gz for `make bench`
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.weakmedsam-installed
PYTHON ?=
PIP_ARGS ?=
PYTEST_ARGS ?=
WORKERS ?= 3
BENCH_DATA ?= ../shared/data/lgg_flair
BENCH_ARGS ?= --cold --edit-rerun
FUZZ_SECONDS ?= 600
FUZZ_SEED ?= 1
SOAK_INPUTS ?= 2500
SLICER ?= 5.12
MACOS_REVISION ?=
SYSTEM ?= linux
WHEELHOUSE_ARGS ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt $(PIP_ARGS)

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak coverage lint bench gpu fuzz screenshots translations inventory docs package wheelhouse lock audit lists \
	count clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv and install everything into it

# The pinned torch goes in alone and first, so that no other requirement can bring another build of it.
$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV) (minutes the first time)"
	@$(PIP) torch
	@$(PIP) --editable ".[demo,dev]"
	@touch $@

$(BIN)/python:
	@.ci/make-venv $(VENV) $(PYTHON)

demo: $(STAMP) ## Segment the lungs of a real chest CT from slice tags, into demo_output/
	$(BIN)/weakmedsam demo --out demo_output

# Files of tests side by side, in their order: the last are many and short. One thread for each process: several with as
# many threads as cores would wait for each other.
SIDE_BY_SIDE := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# Tests with a limit of time go first, beside nothing else; pytest ends with 5 where Slicer's packages are missing.
test: lint ## Lint, then run every test but the long ones, WORKERS (3) at a time
	$(BIN)/python -m pytest Testing/Python/frontend -m "alone and not soak" || [ $$? -eq 5 ]
	$(SIDE_BY_SIDE) -m "not alone and not soak" $(PYTEST_ARGS)

soak: $(STAMP) ## The long tests, then SOAK_INPUTS (2500) spoiled inputs of each kind; 45 minutes at most
	$(BIN)/python -m pytest Testing/Python/frontend -m "alone and soak" || [ $$? -eq 5 ]
	$(SIDE_BY_SIDE) -m "soak and not alone"
	$(BIN)/python Testing/fuzz/fuzz.py --count $(SOAK_INPUTS) --seed 1

coverage: $(STAMP) ## Which lines of contract and engine all their tests reach, by file; fails under 90 %
	$(SIDE_BY_SIDE) Testing/Python/contract Testing/Python/engine -m "" \
		--cov --cov-report=term-missing --cov-fail-under=90 $(PYTEST_ARGS)

lint: $(STAMP) ## Style, formatting, types, and the walls between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## Measure speed, then accuracy on BENCH_DATA from nothing and after an edit (half an hour), into bench_output/
	$(BIN)/weakmedsam benchmark speed --out bench_output/speed.json
	$(BIN)/weakmedsam benchmark answers --out bench_output/answers.json
	$(BIN)/weakmedsam benchmark accuracy $(BENCH_DATA) --labels 1 --out bench_output/accuracy.json $(BENCH_ARGS)

gpu: $(STAMP) ## On a machine with an NVIDIA GPU, with a PyTorch for it: tests, speed, 10 volumes (minutes), into bench_output/
	$(BIN)/python -m pytest -rs Testing/Python/engine/test_on_cuda.py
	$(BIN)/weakmedsam benchmark speed --device cuda --out bench_output/gpu_speed.json
	$(BIN)/weakmedsam benchmark accuracy $(BENCH_DATA) --labels 1 --cases 10 --device cuda --out bench_output/gpu.json $(BENCH_ARGS)

fuzz: $(STAMP) ## Spoiled inputs for every reader, for FUZZ_SECONDS (600)
	$(BIN)/python Testing/fuzz/fuzz.py --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)

inventory: $(STAMP) ## Write anew the lists of what the program shows and leaves behind (Testing/inventory)
	INVENTORY=write $(BIN)/python -m pytest -q -m '' -k inventory Testing/Python/engine/test_inventory.py \
		Testing/Python/engine/test_published_pipeline.py \
		Testing/Python/frontend/flows/test_flow_inventory.py

screenshots: $(STAMP) ## Draw every state of the Slicer panel into Resources/screenshots/ (minutes)
	$(BIN)/python Testing/screenshots/make_screenshots.py --out Resources/screenshots

translations: $(STAMP) ## Collect the module's texts into Resources/Translations/
	$(BIN)/python Utilities/translations.py

docs: $(STAMP) ## Build the documentation site into docs_output/
	@$(PIP) --editable ".[docs]"
	$(BIN)/mkdocs build

package: $(STAMP) ## Make the extension's archive and the engine's wheel in dist/ (SLICER=5.12, MACOS_REVISION=...)
	$(BIN)/python Utilities/package.py --out dist --slicer $(SLICER) --macos-revision "$(MACOS_REVISION)"

wheelhouse: | $(BIN)/python ## Download the wheels for a Slicer without internet (SYSTEM=linux, windows, macos)
	@$(PIP) uv
	$(BIN)/python Utilities/wheelhouse.py --out wheelhouse/$(SYSTEM) --system $(SYSTEM) $(WHEELHOUSE_ARGS) $(PIP_ARGS)

lock: | $(BIN)/python ## Pin all that development needs, with hashes, in requirements-dev.lock
	@$(PIP) uv
	$(BIN)/python Utilities/lock.py

count: | $(BIN)/python ## Count the lines of code by room, without docstrings, comments and blanks
	@$(BIN)/python Utilities/count.py

audit: $(STAMP) ## List the licences of everything installed, and known vulnerabilities (pip-audit)
	$(BIN)/python Utilities/audit.py

lists: $(STAMP) ## Write the names of all files into the CMake lists of the module
	$(BIN)/python Utilities/list_files.py

clean: ## Remove what was made here; the feature cache stays (weakmedsam cache clear)
	rm -rf $(VENV) demo_output bench_output docs_output build dist wheelhouse *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
