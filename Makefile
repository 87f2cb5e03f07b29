# Each target is a task of tools/__main__.py; where there is no make: python -m tools <target>
PYTHON ?= python3

.PHONY: setup lint test test-all powershell record-powershell sweep benchmark local down

setup:
	@$(PYTHON) -m tools setup

lint:
	@$(PYTHON) -m tools lint

# make test ARGS="-k configuration"
test:
	@$(PYTHON) -m tools test $(ARGS)

test-all:
	@$(PYTHON) -m tools test-all $(ARGS)

# SIMULATOR_POWERSHELL=/path/to/pwsh make powershell
powershell:
	@$(PYTHON) -m tools powershell

record-powershell:
	@$(PYTHON) -m tools record-powershell

# make sweep ARGS="--scenario destroy"
sweep:
	@$(PYTHON) -m tools sweep $(ARGS)

# make benchmark ARGS="--senders 100 --rounds 1"
benchmark:
	@$(PYTHON) -m tools benchmark $(ARGS)

local:
	@$(PYTHON) -m tools local

down:
	@$(PYTHON) -m tools down
