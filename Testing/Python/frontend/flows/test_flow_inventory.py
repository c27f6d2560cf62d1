"""Widgets, texts, tooltips and keys of the panel are what the committed list says."""

from __future__ import annotations

import re

from flows.driver import fake_worker
from inventory.compare import check
from inventory.panel import widgets


def at_rest(driver, panel):
    """Lines of the panel once nothing changes any more: volumes and results are read while the window answers."""
    before, lines = [], widgets(panel.widget)
    for _ in range(60):
        if lines == before:
            break
        driver.host.settle(0.5)
        before, lines = lines, widgets(panel.widget)
    return lines


def test_the_panel_is_as_listed(driver, make_volume, tmp_path):
    volume = make_volume(name="Brain")
    panel = driver.open(worker=fake_worker("--seconds", "0.3")).panel
    driver.host.waitUntil(lambda: "Slices as in" in driver.ui("volumes", "directionLabel").text, 30)
    lines = [f"at the start: {line}" for line in at_rest(driver, panel)]
    driver.tag(volume, 3, 6)
    driver.generate()
    assert driver.wait_for_end().status == "finished"
    lines += [f"after a run: {line}" for line in at_rest(driver, panel)]
    # Folders, times and amounts of memory are those of this computer and moment.
    check("panel", [re.sub(r"\d+", "0", line.replace(str(tmp_path), "<folder>")) for line in lines])
