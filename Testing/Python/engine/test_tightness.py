"""Masks that fill the tight boxes that they were drawn for."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.engine.parts.tightness import tightened, widened

BOX = (20, 10, 59, 29)  # 40 columns and 20 rows


def hill(peak, width=0.5):
    """Probabilities that fall off from the middle of the box to its edges."""
    y, x = np.mgrid[:64, :64]
    far = np.hypot((y - 19.5) / 10, (x - 39.5) / 20)
    return (peak * np.exp(-(far**2) / (2 * width**2))).astype(np.float32)


def met(mask, box=BOX):
    inside = mask[box[1] : box[3] + 1, box[0] : box[2] + 1] > 0.5
    return inside.any(1).mean(), inside.any(0).mean()


def test_a_mask_that_is_too_small_is_raised_until_it_reaches_the_edges():
    drawn = hill(0.9, 0.6)
    assert max(met(drawn)) < 0.9
    found = tightened(drawn, BOX)
    assert found.dtype == np.float32
    assert all(0.85 <= share <= 0.95 for share in met(found))
    order = np.argsort(drawn[drawn > 0.5], kind="stable")  # places keep their order
    assert (np.diff(found[drawn > 0.5][order]) >= -1e-6).all()


def test_a_mask_that_fills_its_box_stays_as_it_is():
    drawn = np.zeros((64, 64), np.float32)
    drawn[10:30, 20:60] = 0.8
    assert np.allclose(tightened(drawn, BOX), drawn, atol=1e-6)


def test_what_lies_beyond_the_box_is_cut_off_but_for_what_a_reader_may_be_off_by():
    drawn = np.full((64, 64), 0.9, np.float32)
    found = tightened(drawn, BOX)
    rows, columns = np.nonzero(found)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 31, 18, 61)


@pytest.mark.parametrize("drawn", [np.zeros((64, 64), np.float32), hill(0.5, 0.2)])
def test_where_the_decoder_saw_nothing_the_ellipse_takes_its_place(drawn):
    found = tightened(drawn, BOX) > 0.5
    assert found.sum() == pytest.approx(np.pi / 4 * 40 * 20, rel=0.03)
    assert met(found) == (1, 1)


def test_only_what_a_reader_drew_is_replaced_by_an_ellipse():
    assert not widened(np.zeros((64, 64), np.float32), BOX).any()
    faint = hill(0.3, 0.4)
    assert (widened(faint, BOX) > 0.5).sum() == (faint > 0.1).sum()  # raised ninefold, and no more


@pytest.mark.parametrize("box", [(5, 5, 5, 5), (0, 0, 63, 63), (-3, 60, 2, 70), (5.4, 5.4, 5.6, 5.6)])
def test_boxes_of_a_pixel_and_at_the_border(box):
    for drawn in (np.zeros((64, 64), np.float32), np.full((64, 64), 0.9, np.float32)):
        found = tightened(drawn, box)
        assert np.isfinite(found).all()
        assert (found > 0.5).any()
