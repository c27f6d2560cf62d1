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


def update(bench, make_run):
    """An update by the labels of now: its masks have what was drawn, and another disc on slice 12."""
    labels = np.where(bench.voxels("organ"), 7, np.where(bench.voxels("Läsion"), 1, 0)).astype(np.uint8)
    labels[12][disc(SHAPE, 12, radius=2, at=(3, 3))[12]] = 7
    bench.update(make_run([bench.volume], labels), labels)
    return labels == 7


@pytest.fixture
def updated(drawn, make_run):
    """`drawn` and updated: the run of the update was told what was drawn."""
    drawn.updated = update(drawn, make_run)
    return drawn


def test_a_wrong_drawing_that_an_update_was_told_of_is_not_what_the_machine_drew(updated):
    give(updated, 8, 9)
    for index in (8, 9):
        assert np.array_equal(updated.voxels("organ")[index], updated.machine["organ"][index])
    assert dict(updated.corrections.states("organ")) == {4: "fine"}
    # What it was not told of it drew itself.
    updated.show(12)
    updated.editor.stroke(updated.ids["organ"], disc(SHAPE, 12))
    updated.settle()
    give(updated, 12, 12)
    assert np.array_equal(updated.voxels("organ")[12], updated.updated[12])
    assert not np.array_equal(updated.updated[12], updated.machine["organ"][12])
    assert not updated.told


def test_a_slice_that_was_emptied_by_mistake_loses_its_tag_after_an_update_too(drawn, make_run):
    drawn.corrections.empty("organ", 10)
    update(drawn, make_run)
    assert drawn.session.tag(drawn.key, "organ", 10) == ABSENT
    give(drawn, 10, 10)
    assert np.array_equal(drawn.voxels("organ")[10], drawn.machine["organ"][10])
    assert drawn.session.tag(drawn.key, "organ", 10) == UNTAGGED


def test_what_the_generated_masks_were_told_of_stays_until_the_next_update(updated):
    updated.corrections.empty("organ", 10)
    updated.corrections.empty("organ", 11)
    updated.tell(updated.run.folder)
    (folder,) = updated.logic.state.run(updated.record.runId).updates.values()
    updated.tell(updated.run.folder / "updates" / folder)
    corrected = updated.voxels("organ")
    give(updated, 8, 10)
    assert np.array_equal(updated.voxels("organ"), corrected)
    assert dict(updated.corrections.states("organ")) == {4: "fine", 11: "drawn"}
    assert updated.session.tag(updated.key, "organ", 10) == UNTAGGED
    assert updated.session.tag(updated.key, "organ", 11) == ABSENT
    assert "8-10" in updated.told[0]
    assert "next Update" in updated.told[0]
    # They are the machine's from now on.
    assert updated.corrections.watch.isMachine("organ", 10)
    updated.session.undo()
    updated.settle()
    assert updated.session.tag(updated.key, "organ", 10) == ABSENT
    assert updated.corrections.stateOf("organ", 10) == "drawn"


def test_slices_that_a_run_was_told_of_are_counted_as_the_volume_is_now(corrected, lib):
    from WeakMedSAMLib.frontend.results.machine_masks import toldSteps

    bench = corrected()
    bench.corrections.draw("organ", 3, disc(SHAPE, 3)[3])
    bench.tell(bench.run.folder)
    found = lib.end(toldSteps(bench.run.folder, bench.labels, "k"))
    assert [*found[7]] == [3]
    assert not found[1]
    turned = lib.end(toldSteps(bench.run.folder, bench.labels, "k", isReversed=True))
    assert [*turned[7]] == [16]
    across = lib.end(toldSteps(bench.run.folder, bench.labels, "i"))
    assert [*across[7]] == [*range(SHAPE[2])]
    assert across[7][20].state == "scribbled"
    assert not lib.end(toldSteps(bench.run.folder / "gone", bench.labels, "k"))
