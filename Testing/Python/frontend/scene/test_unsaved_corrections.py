"""Corrections after a crash: their pixels come back into the masks of an older scene, and go with the labels."""

from __future__ import annotations

import numpy as np
import pytest
from flows.strokes import disc

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.labels.recovery.unsaved_files import UnsavedFiles


@pytest.fixture
def older(corrected, tmp_path):
    """The scene as it was saved before slices 8 and 12 were drawn, and Slicer crashed."""
    bench = corrected(geometry="lps")
    assert bench.host.slicer.util.saveScene(str(tmp_path / "older.mrb"))
    bench.machine = bench.mask("organ")
    for index in (8, 12):
        bench.show(index)
        bench.editor.stroke(bench.ids["organ"], disc(bench.shape, index))
        bench.settle()
    bench.known, bench.drawn = PAINTED.said(bench.labels), bench.mask("organ")
    files = UnsavedFiles(folders.unsavedLabelsFolder)
    files.want(bench.session.classes, {bench.key: bench.labels})
    files.write()
    bench.host.closeScene()
    files._held.close()
    bench.host.slicer.util.loadScene(str(tmp_path / "older.mrb"))
    bench.host.settle(0.4)
    bench.find()
    assert not bench.labels.further
    assert np.array_equal(bench.mask("organ"), bench.machine)
    return bench


def test_pixels_come_back_with_the_labels(older):
    offer = older.logic.labels.offer
    assert offer.found is not None
    offer.restore()
    older.settle()
    assert PAINTED.said(older.labels) == older.known
    assert older.corrections.states("organ") == {8: "drawn", 12: "drawn"}
    assert np.array_equal(older.mask("organ"), older.drawn)
    assert older.corrections.pending == 2
    older.session.undo()
    older.settle()
    assert not older.labels.further
    assert np.array_equal(older.mask("organ"), older.machine)
    older.session.redo()
    older.settle()
    assert PAINTED.said(older.labels) == older.known
    assert np.array_equal(older.mask("organ"), older.drawn)
    # What the machine drew there is known as before.
    older.corrections.giveBack(8, 8)
    older.host.waitUntil(lambda: older.corrections.states("organ") == {12: "drawn"})
    older.settle()
    assert np.array_equal(older.mask("organ")[8], older.machine[8])


def test_masks_are_not_needed(older):
    older.host.slicer.mrmlScene.RemoveNode(older.node)
    older.host.settle(0.1)
    older.logic.labels.offer.restore()
    assert PAINTED.said(older.labels) == older.known
    older.session.undo()
    assert not older.labels.further
