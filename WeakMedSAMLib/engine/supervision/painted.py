"""What painted labels mean for learning: their pixels are known, and their slices show the class or do not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.painted import KIND
from WeakMedSAMLib.contract.labels.painted_slice import Slices, plane_of
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.supervision.knowledge import classes_that_share
from WeakMedSAMLib.engine.supervision.known_pixels import UNKNOWN, KnownPixels, first_known
from WeakMedSAMLib.engine.supervision.supervision import Supervision


def supervise(labels: VolumeLabels, classes: ClassTable) -> Supervision:
    """Return what is painted of a settled volume; `UserError` ``unknown_class``.

    Where classes exclude each other, slices that are drawn or fine count more than scribbles of another class.
    """
    painted = {classes.index(name): found for name, found in KIND.said(labels).items()}
    presence = np.full((labels.n_slices or 0, len(classes)), UNTAGGED, np.int8)
    confirmed = presence.copy()
    for column, found in painted.items():
        for index, one in found.items():
            presence[index, column] = one.says
            if one.is_whole:
                confirmed[index, column] = one.says
    whole, scribbled = (
        {
            column: {at: one for at, one in found.items() if one.is_whole == is_whole}
            for column, found in painted.items()
        }
        for is_whole in (True, False)
    )
    shape = (len(classes), *(plane_of(labels) if painted else ()))
    parts = [_known(slices, shape) for slices in (whole, scribbled)]
    known = first_known(parts, classes_that_share(classes))
    return Supervision(presence, known, painted=_hash(painted), confirmed=confirmed)


def _known(painted: Mapping[int, Slices], shape: tuple[int, ...]) -> KnownPixels:
    """The pixels of slices by column of the class; `shape` is classes, rows and columns."""

    def draw(index: int) -> np.ndarray:
        pixels = np.full(shape, UNKNOWN, np.uint8)
        for column, found in painted.items():
            if index in found:
                pixels[column] = found[index].pixels
        return pixels

    return KnownPixels((index for found in painted.values() for index in found), draw)


def _hash(painted: Mapping[int, Slices]) -> str:
    """Of columns, slices and pixels, whatever their order; empty if there are none."""
    digest = hashlib.sha256()
    for column, found in sorted(painted.items()):
        for index, one in sorted(found.items()):
            digest.update(f"{column} {index} {one.shape} {one.is_whole} ".encode() + one.pixels.tobytes())
    return digest.hexdigest() if painted else ""
