"""Scores as the published code counts them: slice by slice, in pixels of a 256 x 256 frame.

From ``utils/metrics.py``, ``eval.py`` and ``brats/dataset.py`` of https://github.com/wanghr64/WeakMedSAM: every slice
of every test patient counts once; a slice that is empty in both masks counts as 1 in Dice and Jaccard; distances are
taken only on slices where both masks have something. These figures say little about patients (`scoring` does), and are
here because published ones can be compared with nothing else.

Its ASSD and HD95 are no surface distances: masks come as 1 x H x W into a three-dimensional erosion, which takes away
every pixel, so that the "border" is the whole mask, and all pixels that both masks share count as distance 0. They
are reported as they are (``region``), and beside them as they were meant (``contour``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt

from WeakMedSAMLib.engine.parts.metrics import crop_to_masks, slice_dice, slice_jaccard

FRAME = 256
_GREY_LEVELS = 255


@dataclass(frozen=True, eq=False)
class PublishedScore:
    """Scores of one class in one volume, one value a slice; distances in pixels of the frame.

    Attributes
    ----------
    dice, jaccard : numpy.ndarray
        1 where both masks are empty.
    region_assd_px, region_hd95_px : numpy.ndarray
        As the published code computes them; NaN where a mask is empty.
    contour_assd_px, contour_hd95_px : numpy.ndarray
        The same between contours; NaN where a mask is empty.
    empty_truth, both_empty : numpy.ndarray
        bool.
    trimmed : bool
        Slices were cut to what the scan shows, as the published code does; without the scan they are whole.
    """

    dice: np.ndarray
    jaccard: np.ndarray
    region_assd_px: np.ndarray
    region_hd95_px: np.ndarray
    contour_assd_px: np.ndarray
    contour_hd95_px: np.ndarray
    empty_truth: np.ndarray
    both_empty: np.ndarray
    trimmed: bool


FIGURES = tuple(field.name for field in fields(PublishedScore))[:6]


def published_score(prediction: np.ndarray, truth: np.ndarray, image: np.ndarray | None = None) -> PublishedScore:
    """Score a mask slice by slice as the published code does.

    Parameters
    ----------
    prediction, truth : numpy.ndarray
        bool, slices x rows x columns.
    image : numpy.ndarray, optional
        The scan, of the same shape: slices are cut to what it shows.
    """
    boxes = _content_boxes(image) if image is not None else [(slice(None), slice(None))] * len(truth)
    predicted, true = (_frame(mask, boxes) for mask in (prediction, truth))
    distances = np.array([_distances(*pair) for pair in zip(predicted, true, strict=True)]).reshape(-1, 4)
    empty_truth = np.logical_not(true.any(axis=(1, 2)))
    return PublishedScore(
        slice_dice(predicted, true, both_empty=1.0),
        slice_jaccard(predicted, true, both_empty=1.0),
        distances[:, 0],
        distances[:, 1],
        distances[:, 2],
        distances[:, 3],
        empty_truth=empty_truth,
        both_empty=empty_truth & ~predicted.any(axis=(1, 2)),
        trimmed=image is not None,
    )


def _content_boxes(image: np.ndarray) -> list[tuple[slice, slice]]:
    """For every slice the smallest box outside which it has the grey level of its first pixel, of 256 levels."""
    low, high = float(image.min()), float(image.max())
    scale = _GREY_LEVELS / (high - low) if high > low else 0.0
    boxes = []
    for plane in image:
        grey = ((plane.astype(np.float32) - low) * scale).astype(np.uint8)
        shown = grey != grey[0, 0]
        rows, columns = (np.flatnonzero(shown.any(axis=axis)) for axis in (1, 0))
        if len(rows):
            boxes.append((slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)))
        else:
            boxes.append((slice(None), slice(None)))
    return boxes


def _frame(masks: np.ndarray, boxes: Sequence[tuple[slice, slice]]) -> np.ndarray:
    """Every slice cut to its box and brought to FRAME x FRAME by the nearest pixel; the aspect ratio is not kept."""
    framed = np.zeros((len(masks), FRAME, FRAME), bool)
    for index, (mask, box) in enumerate(zip(masks, boxes, strict=True)):
        cut = mask[box]
        rows, columns = (((np.arange(FRAME) + 0.5) * size / FRAME).astype(int) for size in cut.shape)
        framed[index] = cut[rows[:, None], columns]
    return framed


def _distances(prediction: np.ndarray, truth: np.ndarray) -> tuple[float, ...]:
    """ASSD and HD95 between the regions, and between the contours, of one slice; NaN if a mask is empty."""
    if not (prediction.any() and truth.any()):
        return (np.nan,) * 4
    prediction, truth = crop_to_masks(prediction, truth)
    contours = (mask & ~binary_erosion(mask) for mask in (prediction, truth))
    return (*_assd_and_hd95(prediction, truth), *_assd_and_hd95(*contours))


def _assd_and_hd95(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Mean of the two directed means; 95th percentile of both directions put together."""
    there, back = distance_transform_edt(~other)[one], distance_transform_edt(~one)[other]
    return (there.mean() + back.mean()) / 2, float(np.percentile(np.concatenate([there, back]), 95))
