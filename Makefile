# Everything Python runs in the environment .venv, which is made here.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := src tests benchmarks examples scripts
SCHEMA := $(BIN)/check-jsonschema --quiet --builtin-schema vendor.
C_FILES = $(shell find src tests -name '*.[ch]' -o -name '*.[ch]pp')
# Percent of the package's lines and branches that the quick tests reach at least.
COVERED := 87

# Hundreds of processes import the same modules: what Python has compiled of them is kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo results footprint docs test test-fast mutants lint types check-tests system-packages clean

demo: .venv/run.stamp  ## train digits in both modes, with a float baseline, and write a report
	$(BIN)/python examples/demo.py --out runs/demo

results: .venv/run.stamp  ## docs/results.md, its pictures and README's table, from runs that are kept
	$(BIN)/python -m benchmarks.results --jobs 2 $(if $(TIFED_DATA_DIR),--data-dir $(TIFED_DATA_DIR))

footprint: .venv/dev.stamp system-packages  ## docs/footprint.md: flash, RAM, stack, instructions
	$(BIN)/python -m benchmarks.footprint

test:  ## everything that has to pass; the tests run beside the rest
	$(MAKE) --jobs 2 lint check-tests types docs

lint: .venv/dev.stamp
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/zizmor --quiet --offline .
	$(SCHEMA)github-workflows .github/workflows/*.yml
	$(SCHEMA)github-issue-forms .github/ISSUE_TEMPLATE/b*.yml .github/ISSUE_TEMPLATE/feature.yml
	$(SCHEMA)citation-file-format CITATION.cff
	@$(BIN)/clang-format --dry-run --Werror $(C_FILES)
	BIN=$(BIN) scripts/lint_c
	$(BIN)/lint-imports

types: .venv/dev.stamp
	$(BIN)/mypy

docs: .venv/dev.stamp  ## the documentation as a site, build/site; a link that leads nowhere is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict  # --quiet would silence what --strict counts

check-tests: .venv/dev.stamp system-packages
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder --durations 20 \
		--cov --cov-report term --cov-fail-under $(COVERED)

mutants: .venv/dev.stamp  ## checks that keep strangers out, each taken away: does a test notice? (half an hour)
	$(BIN)/python -m benchmarks.mutation --checks

test-fast: .venv/dev.stamp  ## the tests that start no programs, compile nothing and do not wait
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder -m 'not slow'

system-packages:  ## Debian packages that tests need: installed if this is root, else named
	scripts/system_packages

# The extension is built again when one of its sources changes.
NATIVE := CMakeLists.txt $(wildcard src/tifed/core/*.[ch] src/tifed/native/host/*.[ch] \
	src/tifed/native/*.cpp src/tifed/native/*.hpp)

.venv/run.stamp: pyproject.toml $(NATIVE)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/dev.stamp: pyproject.toml $(NATIVE)  # alone, so that the extension is built once
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch .venv/run.stamp $@

clean:
	rm -rf .venv build dist runs .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache
