"""The bar offers what a crash left behind: three buttons, seen only then; and nothing blocks the window."""

from __future__ import annotations

import numpy as np
import pytest
import qt
from flows.driver import fake_worker

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.steps import runToEnd
from WeakMedSAMLib.frontend.labels.recovery.unsaved_files import UnsavedFiles
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf, identitySteps

BUTTONS = ("restoreButton", "laterButton", "discardButton")


@pytest.fixture
def crashed(driver, window):
    """The module with a volume of which a crash left labels behind."""
    node, _first, _last = driver.phantom()
    key, count = runToEnd(identitySteps(node)), len(arrayOf(node))
    labels = VolumeLabels("volume", key, n_slices=count, size=arrayOf(node).shape[::-1])
    labels.tag_range("Lesion", 10, 14)
    files = UnsavedFiles(folders.unsavedLabelsFolder)
    files.want(ClassTable.from_names(["Lesion"]), {key: labels})
    files.write()
    files._held.close()
    driver.open(fake_worker())
    driver.choose(node)
    driver.wait(lambda: driver.logic.labels.offer._work is None)
    driver.host.settle(0.1)
    driver.left = files.folder / f"{key}.json"
    return driver


def present(driver):
    return driver.logic.labels.ofCurrent().counts("Lesion").present


def test_restore(crashed):
    assert crashed.ui("bar", "unsavedFrame").visible
    text = crashed.ui("bar", "unsavedLabel").text
    assert "slices tagged: " in text
    assert "has labels" not in text
    crashed.go_to(3)
    crashed.press("P")
    assert "The volume has labels: slices tagged: 1." in crashed.ui("bar", "unsavedLabel").text
    crashed.click("bar", "restoreButton")
    assert present(crashed) == 5
    assert not crashed.ui("bar", "unsavedFrame").visible
    crashed.press("Z")
    assert present(crashed) == 1
    crashed.press("Y")
    assert present(crashed) == 5
    assert crashed.logic.state.isInCohort(crashed.logic.state.currentVolume)


def test_discard_asks(crashed):
    crashed.host.dialogs.answer(qt.QMessageBox.No)
    crashed.click("bar", "discardButton")
    assert crashed.ui("bar", "unsavedFrame").visible
    assert crashed.left.exists()
    crashed.host.dialogs.answer(qt.QMessageBox.Yes)
    crashed.click("bar", "discardButton")
    assert "cannot be undone" in crashed.host.dialogs.texts[-1]
    assert not crashed.ui("bar", "unsavedFrame").visible
    assert not crashed.left.exists()
    assert present(crashed) == 0


def test_later(crashed):
    crashed.click("bar", "laterButton")
    assert not crashed.ui("bar", "unsavedFrame").visible
    assert crashed.left.exists()
    crashed.close()
    assert crashed.left.exists()


def test_it_fits_a_narrow_panel(crashed):
    crashed.widget.panel.widget.resize(420, 700)
    crashed.host.settle(0.1)
    bar = crashed.panel("bar").widget
    assert bar.minimumSizeHint.width() <= 420
    for name in BUTTONS:
        button = crashed.ui("bar", name)
        assert button.toolTip
        right = button.mapTo(bar, qt.QPoint(button.width, 0)).x()
        assert 0 < right <= bar.width


def test_nothing_is_seen_of_it_without_a_crash(driver, window):
    node, first, last = driver.phantom()
    driver.open(fake_worker())
    driver.tag(node, first, last)
    assert not driver.ui("bar", "unsavedFrame").visible


@pytest.mark.alone
def test_painted_slices_are_kept_while_the_window_answers(driver, window, allowance):
    rng = np.random.default_rng(0)
    array = rng.integers(0, 400, (150, 384, 384)).astype(np.int16)
    node = driver.host.slicer.util.addVolumeFromArray(array, np.eye(4), "large")
    node.CreateDefaultDisplayNodes()
    driver.host.slicer.util.setSliceViewerLayers(background=node, fit=True)
    driver.open(fake_worker())
    driver.choose(node)
    unsaved, key = driver.logic.labels.unsaved, driver.logic.currentKey()
    pixels = rng.random((384, 384)) < 0.5

    def change(labels):
        for index in range(150):
            PAINTED.put(labels, "Lesion", index, "drawn", np.roll(pixels, index))

    driver.logic.session.edit("draw", key, change)
    driver.host.settle(0.3)
    with driver.longest_block() as block:
        unsaved.look()
        driver.wait(lambda: unsaved._work is None)
    (path,) = folders.unsavedLabelsFolder().rglob("*.json")
    print(f"\n150 drawn slices of 384 x 384, {path.stat().st_size / 1e6:.1f} MB: blocked {block}")
    assert block.own_ms < 50 * allowance
