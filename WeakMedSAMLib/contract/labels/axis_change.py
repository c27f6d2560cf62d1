"""The labels of a volume with its slices counted along another axis: what was said of voxels stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.labels.marks import MarkKind
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import UNKNOWN, PaintedSlice, Slices, State
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels, label_kinds


def along(labels: VolumeLabels, axis: str) -> VolumeLabels:
    """Return the labels of a volume with slices along another axis.

    Points, and boxes in 3-D, lie at voxels and stay as they are; a box of one slice says nothing of slices across it,
    and is left out. Of painted slices every pixel stays known: a slice across them is scribbled, and drawn or fine only
    where all of its pixels are known. Slice tags, and kinds that this version does not know, are of slices that are
    none any more, and are left out.

    Parameters
    ----------
    labels : VolumeLabels
        Not changed.
    axis : {"i", "j", "k"}

    Raises
    ------
    ValueError
        If the size of the volume is not settled.
    """
    if labels.axis == axis:
        return labels
    if labels.size is None:
        raise ValueError(f"the size of {labels.name!r} is not settled")
    kept = {name: said for name, said in labels.further.items() if isinstance(label_kinds().get(name), MarkKind)}
    turned: dict[str, Any] = {"axis": axis, "n_slices": labels.size[AXES.index(axis)], "further": kept}
    result = replace(labels, states={}, rest_is_absent={}, by_rest={}, **turned)
    BOXES.put(result, [box for box in BOXES.marks(labels) if not is_of_slice(box, labels.axis)])
    for name, slices in PAINTED.said(labels).items():
        PAINTED.put_slices(result, name, _across(slices, labels, axis))
    return result


def is_of_slice(box: Box, axis: str) -> bool:
    """Say whether a box is one slice deep along an axis: then it is of that slice, else in 3-D."""
    along_axis = AXES.index(axis)
    return box.first[along_axis] == box.last[along_axis]


def _across(slices: Slices, labels: VolumeLabels, axis: str) -> Mapping[int, PaintedSlice]:
    """Return what is known of a class by slices along another axis."""
    pixels = {index: painted.pixels for index, painted in slices.items()}
    across = slices_across(pixels, (labels.size or ())[::-1], labels.axis, axis, np.uint8(UNKNOWN))
    state: State = "fine" if all(painted.state == "fine" for painted in slices.values()) else "drawn"
    found = {}
    for index, plane in enumerate(across):
        is_known = plane != UNKNOWN
        if is_known.all():
            found[index] = PaintedSlice.of(state, plane)
        elif is_known.any():
            found[index] = PaintedSlice.of("scribbled", plane)
    return found


def slices_across(
    planes: Mapping[int, np.ndarray], shape: tuple[int, ...], axis: str, other: str, rest: np.generic
) -> np.ndarray:
    """Return all slices along another axis of a volume of which some slices are known.

    Parameters
    ----------
    planes : mapping
        Slice along `axis` -> rows x columns.
    shape : tuple of int
        Of the volume, k x j x i.
    axis, other : {"i", "j", "k"}
    rest : numpy scalar
        Of all other slices.

    Returns
    -------
    numpy.ndarray
        Slices along `other` x rows x columns, of the type of `rest`.
    """
    whole = np.full(shape, rest, rest.dtype)
    known = np.moveaxis(whole, 2 - AXES.index(axis), 0)
    for index, plane in planes.items():
        known[index] = plane
    return np.moveaxis(whole, 2 - AXES.index(other), 0)
