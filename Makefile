# Every target works from a clean checkout: it sets up what it needs first.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.built
RUST := $(shell find parsers -name target -prune -o -path parsers/fuzz -prune -o \( -name '*.rs' -o -name Cargo.toml \) -print 2>/dev/null)
CARGO := cd parsers && cargo
DEMO := demo-store
WEB := sensor/console/web
VENDOR := sensor/console/static/vendor/manifest.json

.PHONY: setup demo screenshots test lint bench bench-kill bench-grid bench-live bench-day bench-fleet bench-outage bench-ledger evaluate plant plant-live format golden sbom audit-deps evasion fuzz fuzz-long clean bench-resume bench-carve bench-large
.DEFAULT_GOAL := setup

setup: $(STAMP) $(VENDOR)

$(VENV)/.python: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "driftspan needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@command -v cargo >/dev/null || { echo "driftspan needs cargo (Rust 1.88 or newer): install it with rustup or your distribution"; exit 1; }
	@bash tests/setup/debian.sh
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade -c constraints.txt pip maturin
	touch $@

$(STAMP): $(VENV)/.python $(RUST)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[test,lint]'
	touch $@

# Without npm there is no console to look at; everything else works, and it says so.
$(VENDOR): $(wildcard $(WEB)/*.*) | $(STAMP)
	-@$(BIN)/python $(WEB)/assets.py

demo: $(STAMP) $(VENDOR)
	@bash tests/setup/demo.sh $(BIN)/driftspan $(DEMO)

screenshots: $(STAMP) $(VENDOR)
	@bash tests/setup/debian.sh screenshots
	$(BIN)/python -m tests.browser.screenshots

test: lint $(VENDOR)
	$(CARGO) test --workspace --locked --quiet
	$(BIN)/pytest -n 2 --dist loadfile -q

lint: $(STAMP)
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked --quiet -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m mypy.stubtest parsers._native
	$(BIN)/python tests/setup/licences.py

plant: $(STAMP)
	@bash tests/setup/debian.sh plant
	$(BIN)/pip install --quiet -c constraints.txt -e '.[plant]'
	$(BIN)/python pcaps/plant/record.py

plant-live: $(STAMP)
	@bash tests/setup/debian.sh plant
	$(BIN)/pip install --quiet -c constraints.txt -e '.[plant]'
	$(BIN)/python pcaps/plant/live.py

format: $(STAMP)
	$(CARGO) fmt --all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python tests/bench/bench.py
	$(BIN)/python tests/bench/parts.py
	$(BIN)/python -m tests.bench.wire
	$(BIN)/python tests/bench/floods.py
	$(BIN)/python tests/bench/baselines.py
	$(BIN)/python tests/bench/correlate.py
	$(BIN)/python tests/bench/large_file.py

bench-live: $(STAMP)
	$(BIN)/python -m tests.bench.live

bench-grid: $(STAMP)
	$(BIN)/python tests/bench/grid.py

bench-day: $(STAMP)
	$(BIN)/python tests/bench/day_long.py

bench-resume: $(STAMP)
	$(BIN)/python tests/bench/cases.py resume

bench-carve: $(STAMP)
	$(BIN)/python tests/bench/cases.py carve

bench-large: $(STAMP)
	$(BIN)/python tests/bench/cases.py large

bench-kill: $(STAMP)
	$(BIN)/python tests/bench/kills.py

# A real server: what fifty sensors cost it, and ten minutes of traffic while it is away.
bench-fleet: $(STAMP)
	$(BIN)/python tests/bench/fleet.py

bench-outage: $(STAMP)
	$(BIN)/python tests/bench/outage.py

# Ten thousand random edits, how fast a store is verified, and what the ledger costs a replay.
bench-ledger: $(STAMP)
	$(BIN)/python tests/bench/ledger.py

evaluate: $(STAMP)
	$(BIN)/python -m tests.evaluate --write

# What a build is made of, as CycloneDX; and what is known against it, which only the Internet knows.
sbom: $(STAMP)
	@bash tests/setup/sbom.sh $(VENV)

audit-deps: $(STAMP)
	@bash tests/setup/audit.sh

golden: $(STAMP)
	$(BIN)/pytest -q tests/golden tests/sensor/export --update-golden

# docs/evasion.md, as measured.
evasion: $(STAMP)
	$(BIN)/python -m tests.evasion.page

# Ten minutes for all targets, after proof that bugs put in on purpose are found; fuzz-long: 24 CPU minutes for each.
fuzz: $(STAMP)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz.campaign --minutes 10

fuzz-long: $(STAMP)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz.campaign --cpu-minutes 24

clean:
	rm -rf $(VENV) sbom $(DEMO) $(DEMO)-* parsers/target parsers/fuzz/target $(dir $(VENDOR))
