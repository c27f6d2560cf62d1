"""Fixtures for tests of the whole module: see Testing/flows/driver.py."""

from __future__ import annotations

import pytest


@pytest.fixture
def driver(host, fresh_settings, user, tmp_path):
    """A user with the module closed; `driver.open(...)` opens it."""
    from flows.driver import Driver

    made = Driver(host, user, tmp_path)
    yield made
    made.close()
    # What `guarded` shows where something failed that no user could put right.
    assert not [text for text in host.dialogs.texts if "went wrong" in text]


@pytest.fixture
def palette_of():
    """A context in which the application is light or dark, as Slicer's own styles are."""
    import contextlib

    import qt

    roles = {
        "Window": "#353535", "WindowText": "#ffffff", "Base": "#232323", "AlternateBase": "#353535", "Text": "#ffffff",
        "Button": "#353535", "ButtonText": "#ffffff", "ToolTipBase": "#353535", "ToolTipText": "#ffffff",
        "Highlight": "#2a82da", "HighlightedText": "#ffffff", "Link": "#2a82da",
    }  # fmt: skip

    @contextlib.contextmanager
    def shown(dark):
        before = qt.QApplication.palette()
        palette = qt.QPalette(before)
        for role, color in roles.items() if dark else ():
            palette.setColor(getattr(qt.QPalette, role), qt.QColor(color))
        qt.QApplication.setPalette(palette)
        try:
            yield
        finally:
            qt.QApplication.setPalette(before)

    return shown


@pytest.fixture
def window(host):
    """The main window, shown."""
    host.slicer.util.mainWindow().show()
    yield host.slicer.util.mainWindow()
    host.slicer.util.mainWindow().hide()


@pytest.fixture
def work(driver, window):
    """The module with a volume whose slice 20 is shown; answers of the model that one gives."""
    from flows.driver import fake_worker

    node, _first, _last = driver.phantom()
    driver.open(fake_worker())
    driver.choose(node)
    driver.unfold("tags")
    driver.go_to(20)
    driver.asked = []
    driver.panel("tags").marks.useModel(lambda *question: driver.asked.append(question))
    return driver
