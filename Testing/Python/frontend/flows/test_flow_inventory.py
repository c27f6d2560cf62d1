"""Widgets, texts, tooltips and keys of the panel are what the committed list says."""

from __future__ import annotations

import re

from flows.driver import fake_worker
from inventory.compare import check
from inventory.panel import widgets


def test_the_panel_is_as_listed(driver, make_volume, tmp_path):
    volume = make_volume(name="Brain")
    panel = driver.open(worker=fake_worker("--seconds", "0.3")).panel
    driver.host.settle(1.0)
    before = widgets(panel.widget)
    driver.tag(volume, 3, 6)
    driver.generate()
    assert driver.wait_for_end().status == "finished"
    lines = [*(f"at the start: {line}" for line in before), *(f"after a run: {line}" for line in widgets(panel.widget))]
    # Folders, times and amounts of memory are those of this computer and moment.
    check("panel", [re.sub(r"\d+", "0", line.replace(str(tmp_path), "<folder>")) for line in lines])
