"""Generate, correct, Update, export, save and open of a class that is inside of another: no voxel of either is lost."""

from __future__ import annotations

import numpy as np
import slicer
from flows.driver import fake_worker, segment_masks

from WeakMedSAMLib.contract.classes import ClassTable

TABLE = ClassTable.from_json([{"name": "Organ"}, {"name": "Cyst", "known": {"inside_of": "Organ"}}])


def test_a_class_inside_of_another_goes_all_the_way(driver, tmp_path):
    driver.open(worker=fake_worker("--seconds", "0.3"))
    logic = driver.logic
    logic.setClasses(TABLE)
    driver.volume, first, last = driver.phantom()
    driver.choose(driver.volume)
    logic.tagRange(driver.volume, "Organ", first, last)
    logic.tagRange(driver.volume, "Cyst", first, last - 1)
    logic.startRun([driver.volume])
    run = logic.waitForRun(60)
    assert run.status == "finished", run.message
    masks = driver.segments(run.runId)
    # The stand-in takes what is bright for both.
    assert masks["Cyst"].any()
    assert np.array_equal(masks["Cyst"] & masks["Organ"], masks["Cyst"])

    driver.widget.panel.goTo("review")
    driver.host.settle(0.3)
    drawn = {name: np.zeros_like(masks[name][first]) for name in TABLE.names}
    drawn["Organ"][1:12, 2:14] = drawn["Cyst"][2:9, 3:8] = True
    for name, plane in drawn.items():
        logic.corrections.draw(name, first, plane)
    driver.host.settle(0.2)
    logic.updateMasks(60)
    updated = driver.segments(run.runId)
    for name, plane in drawn.items():
        assert np.array_equal(updated[name][first], plane), name
    # The update of the stand-in draws more.
    for name in TABLE.names:
        assert updated[name].sum() > masks[name].sum()
    assert (updated["Cyst"] & updated["Organ"])[first + 1 : last].any()

    files = logic.exportMasks(run.runId, tmp_path)
    (path,) = (file for file in files if file.name.endswith(".seg.nrrd"))
    exported = slicer.util.loadSegmentation(str(path))
    for name, mask in segment_masks(exported, driver.volume).items():
        assert np.array_equal(mask, updated[name]), name
    assert slicer.util.saveScene(str(tmp_path / "s.mrb"))
    driver.host.closeScene()
    slicer.util.loadScene(str(tmp_path / "s.mrb"))
    driver.host.settle(0.3)
    opened = driver.segments(run.runId)
    for name, mask in updated.items():
        assert np.array_equal(opened[name], mask), name
