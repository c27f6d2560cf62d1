"""What is known of a class, in terms of the slices of a volume."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.engine.supervision.knowledge import as_bright


def slices():
    """Two slices of 32 x 32 cells: a body that gets brighter to the right, with a bright and a dark spot in it."""
    grey = np.tile(np.linspace(0.3, 0.7, 32, dtype=np.float32), (2, 32, 1))
    body = np.zeros((2, 32, 32), bool)
    body[:, 4:28, 2:30] = True
    grey[~body] = 0
    grey[:, 10:13, 6:9] += 0.15
    grey[:, 10:13, 22:25] -= 0.15
    return grey, body


def test_cells_are_compared_with_what_is_around_them():
    grey, body = slices()
    bright = as_bright(grey, body, "brighter")
    assert bright[:, 11, 7].min() > 0.9  # darker than the other side of the body, but not than its surroundings
    assert bright[:, 11, 23].max() < 0.1
    assert np.allclose(bright + as_bright(grey, body, "darker"), 1, atol=1e-6)


def test_what_is_no_body_says_nothing():
    grey, body = slices()
    assert np.allclose(as_bright(grey, body, "darker")[~body], 0.5)
    other = np.where(body, grey, 1)  # whatever lies around the body
    assert np.allclose(as_bright(other, body, "darker")[body], as_bright(grey, body, "darker")[body], atol=1e-6)


@pytest.mark.parametrize("body", [np.zeros((1, 8, 8), bool), np.ones((1, 8, 8), bool)])
def test_of_slices_that_are_all_alike_nothing_is_likelier(body):
    assert np.allclose(as_bright(np.full((1, 8, 8), 0.4, np.float32), body, "brighter"), 0.5, atol=0.01)
