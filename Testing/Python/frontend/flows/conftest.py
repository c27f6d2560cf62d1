"""Fixtures for tests of the whole module: see Testing/flows/driver.py."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[4]

if all(importlib.util.find_spec(name) for name in ("PySide6", "vtk", "slicer")):
    for folder in (_ROOT, _ROOT / "Testing"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    from host.host import start

    # The tests import the frontend at their head, and that needs qt and slicer.
    start()
else:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def driver(host, scene, user, tmp_path):
    """A user with the module closed; `driver.open(...)` opens it."""
    from flows.driver import Driver

    made = Driver(host, user, tmp_path)
    yield made
    made.close()
