"""Fixtures for tests of the whole module: see Testing/flows/driver.py."""

from __future__ import annotations

import pytest


@pytest.fixture
def driver(host, scene, user, tmp_path):
    """A user with the module closed; `driver.open(...)` opens it."""
    from flows.driver import Driver

    made = Driver(host, user, tmp_path)
    yield made
    made.close()
    # What `guarded` shows where something failed that no user could put right.
    assert not [text for text in host.dialogs.texts if "went wrong" in text]
