"""Corrections given back to the machine, out of the run folder; and slices that are said to be absent."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from flows.strokes import disc

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED

SHAPE = (20, 40, 50)


@pytest.fixture
def drawn(corrected):
    """Slices 8 and 9 drawn on, slice 4 fine; `machine` has the masks before."""
    bench = corrected()
    bench.machine = {name: bench.voxels(name) for name in bench.ids}
    bench.told = []
    bench.corrections.told.connect(bench.told.append)
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8) | disc(SHAPE, 9))
    bench.settle()
    bench.corrections.markFine(4, True)
    return bench


def give(bench, *span, names=None):
    bench.corrections.giveBack(*span, names)
    bench.host.waitUntil(lambda: bench.corrections._giving is None)
    bench.settle()


def test_a_slice_is_given_back_with_the_mask_that_the_machine_drew(drawn):
    corrected = drawn.voxels("organ")
    give(drawn, 8, 8)
    assert np.array_equal(drawn.voxels("organ")[8], drawn.machine["organ"][8])
    assert np.array_equal(drawn.voxels("organ")[9], corrected[9])
    assert dict(drawn.corrections.states("organ")) == {4: "fine", 9: "touched"}
    assert drawn.session.undoText == "give slice 8 of 'organ' back"
    drawn.session.undo()
    drawn.settle()
    assert np.array_equal(drawn.voxels("organ"), corrected)
    assert dict(drawn.corrections.states("organ")) == {4: "fine", 8: "drawn", 9: "touched"}
    drawn.session.redo()
    drawn.settle()
    assert np.array_equal(drawn.voxels("organ")[8], drawn.machine["organ"][8])


def test_all_of_a_volume_or_of_some_classes_is_given_back(drawn):
    give(drawn, 0, 19, names=["Läsion"])
    assert not drawn.corrections.states("Läsion")
    assert len(drawn.corrections.states("organ")) == 3
    give(drawn, 19, 0)
    assert not drawn.corrections.states("organ")
    for name, mask in drawn.machine.items():
        assert np.array_equal(drawn.voxels(name), mask)
    assert not drawn.told


def test_what_is_given_back_goes_by_the_threshold_of_now(drawn, lib):
    result, editor = drawn.run.result.volumes["000"], drawn.threshold("organ")
    editor.apply(0.2)
    editor.finish()
    drawn.settle()
    give(drawn, 0, 19)
    probabilities = lib.end(lib.raw.readSteps(result.probabilities[7])).array
    assert np.array_equal(drawn.voxels("organ"), probabilities >= 51)


def test_a_wrong_correction_given_back_takes_its_tag_along(drawn):
    drawn.session.setTag(drawn.key, "organ", 2, ABSENT)
    drawn.show(2)
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 2))
    drawn.settle()
    assert drawn.session.tag(drawn.key, "organ", 2) == PRESENT
    give(drawn, 2, 2)
    # The machine drew nothing there: that it is present nobody says any more.
    assert drawn.session.tag(drawn.key, "organ", 2) == UNTAGGED
    assert drawn.corrections.stateOf("organ", 2) == "machine"


def test_without_the_run_folder_the_masks_stay_as_the_machines(drawn):
    corrected = drawn.voxels("organ")
    shutil.rmtree(drawn.run.folder)
    give(drawn, 0, 19)
    assert not drawn.corrections.states("organ")
    assert np.array_equal(drawn.voxels("organ"), corrected)
    assert "stay as they are" in drawn.told[0]
    assert drawn.run.folder.name in drawn.told[0]
    # That is what is compared with from now on.
    drawn.show(8)
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 8, at=(4, 4)))
    drawn.settle()
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 8, at=(4, 4)), "Remove")
    drawn.settle()
    assert not drawn.corrections.states("organ")


@pytest.mark.parametrize("geometry", [np.diag([1.0, 1.2, -2, 1]), "oblique"], ids=["left", "oblique"])
def test_slices_of_a_turned_volume_get_the_mask_of_their_own(corrected, geometry, tmp_path):
    bench = corrected(geometry=geometry)
    bench.show(6)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 6, at=(4, 4)))
    bench.settle()
    bench.host.slicer.util.saveScene(str(tmp_path / "x.mrb"))
    bench.host.closeScene()
    bench.host.slicer.util.loadScene(str(tmp_path / "x.mrb"))
    bench.host.settle(0.4)
    bench.find()
    (index,) = bench.corrections.states("organ")
    give(bench, index, index)
    values = bench.lib.end(bench.lib.raw.readSteps(bench.run.result.volumes["000"].labels)).array
    isReversed = index != 6
    mask = (values == 7)[:: -1 if isReversed else 1]
    assert isReversed == (not isinstance(geometry, str))
    assert np.array_equal(bench.mask("organ"), mask)


def test_a_slice_is_drawn_empty_which_makes_it_absent(drawn):
    drawn.session.setTag(drawn.key, "organ", 8, PRESENT)
    drawn.corrections.empty("organ", 8)
    drawn.settle()
    assert not drawn.voxels("organ")[8].any()
    assert drawn.session.tag(drawn.key, "organ", 8) == ABSENT
    assert drawn.corrections.stateOf("organ", 8) == "drawn"
    assert drawn.labels.presence("organ")[8] == ABSENT
    drawn.session.undo()
    drawn.settle()
    assert drawn.voxels("organ")[8].any()
    assert drawn.session.tag(drawn.key, "organ", 8) == PRESENT


def test_a_slice_is_drawn_by_a_script(drawn):
    mask = disc(SHAPE, 12, radius=3)[12]
    before = drawn.voxels("organ")
    drawn.corrections.draw("organ", 12, mask)
    assert np.array_equal(drawn.voxels("organ")[12], mask)
    drawn.settle()
    assert drawn.corrections.stateOf("organ", 12) == "drawn"
    assert drawn.session.undoText == "draw slice 12 of 'organ'"
    drawn.session.undo()
    assert np.array_equal(drawn.voxels("organ"), before)
    drawn.settle()
    assert drawn.corrections.stateOf("organ", 12) == "machine"
    with pytest.raises(UserError) as caught:
        drawn.corrections.draw("organ", 20, mask)
    assert caught.value.code == "slice_out_of_range"
