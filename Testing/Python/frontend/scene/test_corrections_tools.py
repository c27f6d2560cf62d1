"""Every tool of the Segment Editor counts as an edit of the slices that it changed, and of no other."""

from __future__ import annotations

import numpy as np
import pytest
from flows.editor_tools import Tools
from flows.strokes import disc
from scipy import ndimage

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED

SHAPE = (20, 40, 50)
SHOWN = 8


def brush(bench, tools):
    """A stroke on the slice in view."""
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, SHOWN, at=(4, 4)))


def sphere(bench, tools):
    """A stroke with a ball for a brush, which reaches other slices."""
    k, j, i = np.ogrid[tuple(map(slice, SHAPE))]
    bench.editor.stroke(bench.ids["organ"], (k - SHOWN) ** 2 + (j - 6) ** 2 + (i - 6) ** 2 <= 9)


def across(bench, tools):
    """A stroke in another view."""
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 6, axis=1, radius=3))


def erase(bench, tools):
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, SHOWN, radius=9), "Remove")


def smoothing(bench, tools):
    tools.smooth(bench.ids["organ"])


def islands(bench, tools):
    tools.keep_largest_island(bench.ids["organ"])


def threshold(bench, tools):
    tools.threshold(bench.ids["organ"], 400, 500)


@pytest.fixture
def bench(corrected):
    made = corrected()
    made.show(SHOWN)
    # Crumbs that Smoothing and Islands remove; as if the machine had made them.
    with made.corrections.writing():
        for index, at in ((SHOWN, (3, 40)), (2, (30, 44)), (17, (5, 5))):
            made.editor.stroke(made.ids["organ"], disc(SHAPE, index, radius=0, at=at))
    made.settle()
    assert not made.corrections.states("organ")
    return made


@pytest.mark.parametrize("tool", [brush, sphere, across, erase, smoothing, islands, threshold])
def test_a_tool_is_an_edit_of_the_slices_that_it_changed(bench, tool):
    before = bench.voxels("organ")
    tool(bench, Tools(bench.editor))
    bench.settle()
    after = bench.voxels("organ")
    changed = before ^ after
    slices = set(np.flatnonzero(changed.any(axis=(1, 2))).tolist())
    assert slices
    assert dict(bench.corrections.states("organ")) == {at: "drawn" if at == SHOWN else "touched" for at in slices}
    assert bench.corrections.pending == len(slices)
    for index, painted in PAINTED.slices(bench.labels, "organ").items():
        known = painted.pixels != 255
        assert np.array_equal(known, np.full(SHAPE[1:], True) if index == SHOWN else changed[index])
        assert np.array_equal(painted.pixels[known] == 1, after[index][known])
    # One step, voxels and labels together.
    bench.undo_and_redo("organ", before, after)
    assert {*bench.corrections.states("organ")} == slices


def test_the_tools_do_what_those_of_slicer_do(bench):
    tools, organ = Tools(bench.editor), bench.ids["organ"]
    before = bench.voxels("organ")
    assert ndimage.label(before)[1] == 4
    islands(bench, tools)
    largest = bench.voxels("organ")
    assert ndimage.label(largest)[1] == 1
    assert not (largest & ~before).any()
    bench.editor.undo()
    assert np.array_equal(bench.voxels("organ"), before)
    tools.smooth(organ)
    # What is missing of the median is what no voxel of the volume can be: its border.
    assert np.array_equal(bench.voxels("organ"), ndimage.median_filter(before.astype(np.uint8), 3, mode="constant") > 0)
    threshold(bench, tools)
    values = bench.lib.volumes.arrayOf(bench.volume)
    assert np.array_equal(bench.voxels("organ"), (values >= 400) & (values <= 500))
