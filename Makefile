# Every target sets up what it needs; repeated, the set-up is skipped.
#   PYTHON=...     the interpreter to make .venv with (found by itself otherwise)
#   PIP_ARGS=...   further options for pip, such as --find-links or --extra-index-url for a CPU build of torch
#   SLICER=5.12    the version of 3D Slicer that `make package` is for; SYSTEM=linux the system for `make wheelhouse`
#   BENCH_DATA=... folder of <case>_image.nii.gz and <case>_mask.nii.gz for `make bench`
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.weakmedsam-installed
PYTHON ?=
PIP_ARGS ?=
PYTEST_ARGS ?=
BENCH_DATA ?= ../shared/data/lgg_flair
BENCH_ARGS ?=
FUZZ_SECONDS ?= 600
FUZZ_SEED ?= 1
SLICER ?= 5.12
MACOS_REVISION ?=
SYSTEM ?= linux
WHEELHOUSE_ARGS ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt $(PIP_ARGS)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench screenshots translations docs package wheelhouse lock audit lists clean fuzz

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv and install everything into it

# The pinned torch goes in alone and first, so that no other requirement can bring another build of it.
$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || .ci/make-venv $(VENV) $(PYTHON)
	@echo "Installing into $(VENV) (minutes the first time)"
	@$(PIP) torch
	@$(PIP) --editable ".[demo,dev]"
	@touch $@

demo: $(STAMP) ## Segment the lungs of a real chest CT from slice tags, into demo_output/
	$(BIN)/weakmedsam demo --out demo_output

test: lint ## Lint, then run every test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(STAMP) ## Style, formatting, types, and the walls between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## Measure speed, and accuracy on BENCH_DATA, into bench_output/
	$(BIN)/weakmedsam benchmark speed --out bench_output/speed.json
	$(BIN)/weakmedsam benchmark accuracy $(BENCH_DATA) --labels 1 --out bench_output/accuracy.json $(BENCH_ARGS)

fuzz: $(STAMP) ## Spoiled inputs for every reader, for FUZZ_SECONDS (600)
	$(BIN)/python Testing/fuzz/fuzz.py --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)

screenshots: $(STAMP) ## Draw every state of the Slicer panel into Resources/screenshots/ (minutes)
	$(BIN)/python Testing/screenshots/make_screenshots.py --out Resources/screenshots

translations: $(STAMP) ## Collect the module's texts into Resources/Translations/
	$(BIN)/python Utilities/translations.py

docs: $(STAMP) ## Build the documentation site into docs_output/
	@$(PIP) --editable ".[docs]"
	$(BIN)/mkdocs build

package: $(STAMP) ## Make the extension's archive and the engine's wheel in dist/ (SLICER=5.12, MACOS_REVISION=...)
	$(BIN)/python Utilities/package.py --out dist --slicer $(SLICER) --macos-revision "$(MACOS_REVISION)"

wheelhouse: $(STAMP) ## Download the wheels for a Slicer without internet (SYSTEM=linux, windows, macos, macos-intel)
	@$(PIP) uv
	$(BIN)/python Utilities/wheelhouse.py --out wheelhouse/$(SYSTEM) --system $(SYSTEM) $(WHEELHOUSE_ARGS) $(PIP_ARGS)

lock: $(STAMP) ## Pin all that development needs, with hashes, in requirements-dev.lock
	@$(PIP) uv
	$(BIN)/python Utilities/lock.py

audit: $(STAMP) ## List the licences of everything installed, and known vulnerabilities (pip-audit)
	$(BIN)/python Utilities/audit.py

lists: $(STAMP) ## Write the names of all files into the CMake lists of the module
	$(BIN)/python Utilities/list_files.py

clean: ## Remove what was made here; the feature cache stays (weakmedsam cache clear)
	rm -rf $(VENV) demo_output bench_output docs_output build dist wheelhouse *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
