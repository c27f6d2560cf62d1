"""What tests of packages and of the supply chain share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def utility():
    """utility("audit"): the script Utilities/audit.py as a module."""

    def load(name):
        spec = importlib.util.spec_from_file_location(f"weakmedsam_utility_{name}", ROOT / "Utilities" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return load
