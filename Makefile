# Two commands on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test browsers pictures stills long lint bench load audit claims crosscheck lighthouse

run: .venv/ready
	$(BIN)/python -m app

# Dozens of processes start: they shall find each other's bytecode, even where none is wanted.
test: .venv/ready-dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder -m "not long and not browsers"

# Every figure and widget in Chromium, Firefox and WebKitGTK, with pictures into artefacts/browsers/.
# Installs those that are missing, as root on Debian; a minute or two for each engine.
browsers: .venv/ready-dev
	$(BIN)/python -m pytest -m browsers tests/browsers

# The page and a figure in each of its states, into artefacts/.
pictures: .venv/ready-dev
	$(BIN)/python -m pytest -m long tests/browser/test_pictures.py

# The pictures of figures and widgets that stand still, drawn anew from the recordings.
stills: .venv/ready-dev
	$(BIN)/python -m app record --stills

# What takes long, or measures: one after the other, on a machine that does nothing else.
long: .venv/ready-dev
	$(BIN)/python -m pytest --numprocesses 1 -m long

# The scripts' tools come from npm; without npm, they are skipped and the last command says so.
lint: .venv/ready-dev node_modules/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.support.node

bench: .venv/ready-dev
	$(BIN)/python -m bench

# Known holes in the versions of constraints.txt; needs the network.
audit: .venv/ready-dev
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

# Many readers, a class that clicks at once, runs with faults; half an hour of two idle processors.
load: .venv/ready-dev
	$(BIN)/python -m bench.streams
	$(BIN)/python -m bench.clicks
	$(BIN)/python -m bench.faults

# Judges every claim over 20 seeds; some 40 minutes on two processors.
claims: .venv/ready
	$(BIN)/python -m app claims --seed 2000 --seeds 20 --into docs/claims.md

# Every measure beside its definition, and the papers' networks; into docs/crosscheck.md.
crosscheck: .venv/ready-dev
	$(BIN)/python -m bench.crosscheck

# What Lighthouse says of the page, into docs/measurements.md; needs npm, and the network the first time.
lighthouse: .venv/ready-dev
	$(BIN)/python -m bench.lighthouse --into docs/measurements.md

.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/ready-dev: .venv/ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

node_modules/ready: package-lock.json
	! command -v npm >/dev/null || { npm ci && touch $@; }
