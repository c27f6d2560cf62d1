"""What a tight box says beside where its inside is: that the piece reaches all of its edges.

Every row and every column of a tight box meets what it was drawn around: Hsu et al., "Weakly supervised instance
segmentation using the bounding box tightness prior", NeurIPS 2019; Kervadec et al., "Bounding boxes for weakly
supervised segmentation: global constraints get close to full supervision", MIDL 2020. There it is a loss of training;
here it corrects what a decoder draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_MISSED = 0.1  # of the rows and of the columns, and one at least: a reader's box is off by a few per cent
# Odds are raised from this probability to one half at most: a loose box is not to be filled at any price.
_LEAST = 0.2
_UNSEEN = 0.7  # of the rows or of the columns: a decoder that reaches less of them has not seen the piece
_SLACK, _LEAST_SLACK = 0.03, 2  # of a side, and pixels at least: what a box may be too narrow by


def tightened(mask: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """Probabilities whose mask above one half fills a box that somebody drew tightly around it.

    As `widened`, without what lies beyond the box. Where that reaches less than 0.7 of the rows or of the columns, the
    decoder has not seen the piece, and the ellipse that touches the edges of the box takes its place.

    Parameters
    ----------
    mask : numpy.ndarray
        h x w probabilities, as a decoder drew them for the box.
    box : sequence of 4 floats
        x0, y0, x1, y1 in pixels of the mask, the last ones included.

    Returns
    -------
    numpy.ndarray
        h x w, float32.
    """
    rows, columns = _spans(mask, box)
    wide = widened(mask, box)
    if min((wide[rows, columns] > 0.5).any(axis).mean() for axis in (0, 1)) >= _UNSEEN:
        return cut_to(wide, box)
    result = np.zeros(mask.shape, np.float32)
    result[rows, columns] = _ellipse(rows.stop - rows.start, columns.stop - columns.start)
    return result


def cut_to(mask: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """Probabilities without what lies beyond a box by more than a reader's box may be too narrow.

    Parameters and what is returned as of `tightened`.
    """
    rows, columns = _spans(mask, box)
    near, result = (_with_slack(rows, mask.shape[0]), _with_slack(columns, mask.shape[1])), np.zeros_like(mask)
    result[near] = mask[near]
    return result


def widened(mask: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """Probabilities with their odds raised until the mask above one half meets 0.9 of the rows and columns of a box.

    Raised fourfold at most: from 0.2 to one half. Parameters and what is returned as of `tightened`.
    """
    met = max(_met(mask[_spans(mask, box)]), _LEAST)
    return np.asarray(mask * (1 - met) / (mask * (1 - met) + (1 - mask) * met), np.float32)


def _met(inside: np.ndarray) -> float:
    """The probability that all rows and columns reach but for those that may miss; one half if they reach more."""
    reached = [inside.max(axis) for axis in (0, 1)]
    missed = [min(1.0, max(_MISSED, 1 / len(one))) for one in reached]
    return float(min(0.5, *map(np.quantile, reached, missed)))


def _spans(mask: np.ndarray, box: Sequence[float]) -> tuple[slice, slice]:
    """Rows and columns of the pixels in a box, one of each at least."""
    height, width = mask.shape
    return _span(box[1], box[3], height), _span(box[0], box[2], width)


def _span(first: float, last: float, size: int) -> slice:
    start = int(np.clip(round(first), 0, size - 1))
    return slice(start, int(np.clip(round(last), start, size - 1)) + 1)


def _with_slack(span: slice, size: int) -> slice:
    slack = max(_LEAST_SLACK, round(_SLACK * (span.stop - span.start)))
    return slice(max(0, span.start - slack), min(size, span.stop + slack))


def _ellipse(height: int, width: int) -> np.ndarray:
    """Whether pixels lie in the ellipse that touches the edges: height x width, bool."""
    down, across = (np.abs(np.arange(n) - (n - 1) / 2) / (n / 2) for n in (height, width))
    return np.asarray(down[:, None] ** 2 + across[None, :] ** 2 <= 1)
