"""Connected pieces of masks, and the boxes around them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_MIN_PIXELS = 30
_MIN_SHARE = 0.1  # of the largest piece
_SAME_BOX = 0.8  # intersection over union


def component_boxes(mask: np.ndarray, most: int = 3, margin: int = 2) -> np.ndarray:
    """Boxes around the largest pieces of a mask.

    Parameters
    ----------
    mask : numpy.ndarray
        H x W, bool.
    most : int
        Boxes at most. Pieces below 30 pixels or a tenth of the largest get none, except that the largest always does.
    margin : int
        Pixels added on every side.

    Returns
    -------
    numpy.ndarray
        N x 4, float32: x0, y0, x1, y1, the last pixels included.
    """
    pieces, count = ndimage.label(mask)
    if count == 0:
        return np.zeros((0, 4), np.float32)
    spans = ndimage.find_objects(pieces)
    height, width = mask.shape
    return np.array(
        [_box(spans[number - 1], margin, height, width) for number in large_pieces(pieces, most)], np.float32
    )


def large_pieces(pieces: np.ndarray, most: int = 8) -> list[int]:
    """Numbers of the largest pieces of a numbered H x W mask that has any, so many at most, the largest first.

    Those below 30 pixels or a tenth of the largest are left out, but never the largest.
    """
    sizes = np.bincount(pieces.ravel())[1:]
    order = np.argsort(-sizes, kind="stable")[:most]
    least = max(_MIN_PIXELS, _MIN_SHARE * sizes[order[0]])
    return [int(i) + 1 for i in order if i == order[0] or sizes[i] >= least]


def _box(span: tuple[slice, slice], margin: int, height: int, width: int) -> list[int]:
    rows, columns = span
    left, top = max(0, columns.start - margin), max(0, rows.start - margin)
    return [left, top, min(width - 1, columns.stop - 1 + margin), min(height - 1, rows.stop - 1 + margin)]


def grown_box(mask: np.ndarray, margin: int) -> tuple[float, float, float, float]:
    """Box (x0, y0, x1, y1) around an H x W mask that is not empty, grown by `margin` pixels on every side."""
    (span,) = ndimage.find_objects(mask.astype(np.uint8))
    x0, y0, x1, y1 = map(float, _box(span, margin, *mask.shape))
    return x0, y0, x1, y1


def piece_that_meets(mask: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The connected piece of an H x W mask that has most in common with another one, the largest if none has any."""
    pieces, count = ndimage.label(mask)
    if count <= 1:
        return mask
    common, sizes = (np.bincount(pieces.ravel(), weights, count + 1)[1:] for weights in (other.ravel(), None))
    best = 1 + int(np.lexsort((sizes, common))[-1])
    return pieces == best


def inner_part(mask: np.ndarray, share: float) -> np.ndarray:
    """The pixels of an H x W mask that lie farthest from its border: `share` of them, one at least; none of none.

    Of pixels that lie as far all are taken, so that of what is thin it may be more.
    """
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    count = round(share * int(mask.sum())) or 1
    return mask & (depth >= np.partition(depth, -count, axis=None)[-count])


def distinct_boxes(boxes: np.ndarray) -> np.ndarray:
    """Without those that nearly repeat an earlier one (intersection over union above 0.8): N x 4."""
    kept: list[np.ndarray] = []
    for box in boxes:
        if all(_overlap(box, other) <= _SAME_BOX for other in kept):
            kept.append(box)
    return np.array(kept, np.float32).reshape(-1, 4)


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    common = max(0.0, width) * max(0.0, height)
    return common / (_area(a) + _area(b) - common)


def _area(box: np.ndarray) -> float:
    return float((box[2] - box[0] + 1) * (box[3] - box[1] + 1))


def heaviest_piece(mask: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The piece of an S x h x w mask with the largest sum of the weights (S) of its slices; all of an empty one."""
    pieces, count = ndimage.label(mask, np.ones((3, 3, 3), bool))
    if count <= 1:
        return mask
    weighed = np.broadcast_to(weights[:, None, None], mask.shape)
    heavy = np.bincount(pieces.ravel(), weighed.ravel())
    return np.asarray(pieces == 1 + int(heavy[1:].argmax()))


def drop_small_pieces(mask: np.ndarray, min_share: float) -> np.ndarray:
    """A 3-D mask without the pieces smaller than `min_share` of the largest; diagonal neighbours hang together."""
    pieces, count = ndimage.label(mask, np.ones((3, 3, 3), bool))
    if count <= 1:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return (sizes >= min_share * sizes.max())[pieces] & mask
