"""Outlines of masks over slices."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.engine.data.geometry import plane_axes
from WeakMedSAMLib.frontend.labels.marks.model_answers import PLANES
from WeakMedSAMLib.frontend.scene.slice_outlines import Outline, SliceOutlines, edgesOf
from WeakMedSAMLib.frontend.scene.slice_views import jumpToSlice, sliceNodeOf


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_rows_and_columns_are_those_of_the_engine(axis):
    assert PLANES[axis] == plane_axes(axis)


def test_edges_go_round_every_pixel_of_a_mask():
    mask = np.zeros((4, 5), bool)
    mask[1, 2] = True
    lines = edgesOf(mask)
    assert {tuple(map(tuple, line)) for line in lines} == {
        ((0.5, 1.5), (0.5, 2.5)),
        ((1.5, 1.5), (1.5, 2.5)),
        ((0.5, 1.5), (1.5, 1.5)),
        ((0.5, 2.5), (1.5, 2.5)),
    }
    # At the border of the slice, too; a hole has edges of its own.
    assert len(edgesOf(np.ones((4, 5), bool))) == 2 * (4 + 5)
    hole = np.ones((5, 5), bool)
    hole[2, 2] = False
    assert len(edgesOf(hole)) == 20 + 4
    assert edgesOf(np.zeros((3, 3), bool)).shape == (0, 2, 2)


def test_an_outline_is_seen_on_its_slice_alone_and_leaves_nothing(make_volume, host):
    volume = make_volume(array=np.arange(12 * 32 * 40, dtype=np.int16).reshape(12, 32, 40) % 7, show=True)
    red = sliceNodeOf("Red")
    jumpToSlice(volume, red, "k", 5)
    before = host.sliceImage("Red")
    corners = np.array([[10, 8, 5], [30, 8, 5], [30, 24, 5], [10, 24, 5]], float)
    lines = np.stack([corners, np.roll(corners, -1, axis=0)], 1)
    outlines = SliceOutlines()
    outlines.show("box", Outline(volume, "k", 5, lines, (1.0, 0.0, 0.0)))
    assert outlines.viewsOf("box") == ["Red"]
    image = host.sliceImage("Red").astype(int)
    isRed = (image[..., 0] > 200) & (image[..., 1] < 60) & (image[..., 2] < 60)
    assert isRed.sum() > 100
    rows, columns = np.nonzero(isRed)
    to_view = np.linalg.inv([[red.GetXYToRAS().GetElement(r, c) for c in range(4)] for r in range(4)])
    pixels = (np.c_[corners, np.ones(4)] @ to_view.T)[:, :2]
    height = image.shape[0]
    assert abs(columns.min() - pixels[:, 0].min()) <= 3
    assert abs(columns.max() - pixels[:, 0].max()) <= 3
    assert abs(rows.min() - (height - 1 - pixels[:, 1].max())) <= 3
    assert abs(rows.max() - (height - 1 - pixels[:, 1].min())) <= 3
    jumpToSlice(volume, red, "k", 6)
    outlines.draw()
    assert outlines.viewsOf("box") == []
    jumpToSlice(volume, red, "k", 5)
    outlines.draw()
    assert outlines.viewsOf("box") == ["Red"]
    outlines.clear()
    np.testing.assert_array_equal(host.sliceImage("Red"), before)
