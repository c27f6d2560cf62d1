"""Undo and redo across an update, with two volumes."""

from __future__ import annotations

import pytest
from flows.strokes import disc

from WeakMedSAMLib.contract.errors import UserError

SHAPE = (20, 40, 50)


@pytest.fixture
def two(corrected):
    """Two volumes with masks, and the undo of the bar."""
    from WeakMedSAMLib.frontend.bar.undo import Undo

    benches = [corrected(name=name) for name in ("A", "B")]
    logic = benches[0].logic

    def masks():
        return next((each.node for each in benches if each.volume is logic.state.currentVolume), None)

    undo = Undo(logic.session, logic.history, masks, logic.currentKey)
    yield *benches, undo
    undo.cleanup()


def go_to(bench):
    bench.logic.state.currentVolume = bench.volume
    bench.logic.views.showVolume(bench.volume, "Red")
    bench.settle()


def test_undo_in_one_volume_takes_nothing_from_under_an_update_of_another_one(two):
    a, b, undo = two
    new, asIs = disc(SHAPE, 0, radius=2, at=(8, 8))[0], b.voxels("organ")
    go_to(a)
    a.show(8)
    a.editor.stroke(a.ids["organ"], disc(SHAPE, 8))
    a.settle()
    drawn = a.voxels("organ")
    a.corrections.putUpdate({"organ": dict.fromkeys(range(4, 13), new)})
    a.settle()
    updated = a.voxels("organ")
    assert (updated != drawn).any()
    go_to(b)
    # What was done last to B is the table of classes, which A was corrected by since.
    with pytest.raises(UserError, match="something was done since: A"):
        undo.undo()
    b.show(3)
    b.editor.stroke(b.ids["organ"], disc(SHAPE, 3))
    b.settle()
    edited = b.voxels("organ")
    # In A: the update first, then the correction that it was told; B keeps what was drawn after both.
    go_to(a)
    assert [undo.undo(), undo.undo()] == ["update the masks", "correct slice 8 of 'organ'"]
    a.settle()
    assert not a.corrections.states("organ")
    assert not (a.voxels("organ") == drawn).all()
    assert (b.voxels("organ") == edited).all()
    go_to(b)
    assert undo.undo() == "correct slice 3 of 'organ'"
    b.settle()
    assert (b.voxels("organ") == asIs).all()
    # And forward again, each by itself, in the order in which it was done.
    go_to(a)
    assert [undo.redo(), undo.redo(), undo.redo()] == ["correct slice 8 of 'organ'", "update the masks", ""]
    a.settle()
    assert (a.voxels("organ") == updated).all()
    assert dict(a.corrections.states("organ")) == {8: "drawn"}
    go_to(b)
    assert undo.redo() == "correct slice 3 of 'organ'"
    b.settle()
    assert (b.voxels("organ") == edited).all()
