"""What was drawn as masks, as painted labels: which segment is which class, which slices count, what is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from WeakMedSAMLib.contract.labels.mrk_json import NOT
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import UNKNOWN
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

SHOWN_ALONE: Literal["shown"] = "shown"  # in place of slices: those that show the class
Chosen: TypeAlias = Sequence[int] | Literal["shown"]


@dataclass(frozen=True)
class ClassSegments:
    """A class, the segment that shows it, and the one that says where it is not; None where there is none.

    With the latter these are scribbles: of other pixels nothing is known.
    """

    name: str
    shows: str | None
    shows_not: str | None


def classes_of_segments(names: Sequence[str], known: Sequence[str]) -> Iterator[ClassSegments]:
    """Yield the classes of segments by their names, large and small letters being the same.

    Parameters
    ----------
    names : sequence of str
        Of the segments, none twice; ``not liver`` says where the liver is not, if that is a segment or a class.
    known : sequence of str
        The classes that there are, which keep their names.
    """
    called = {name.casefold(): name for name in (*names, *known)}
    segments = {name.casefold(): name for name in names}
    for key, name in called.items():
        opposite = segments.get(f"{NOT}{key}")
        is_opposite = key.startswith(NOT) and key[len(NOT) :] in called
        if (key in segments or opposite is not None) and not is_opposite:
            yield ClassSegments(name, segments.get(key), opposite)


def scribbles_unknown(shows: np.ndarray, shows_not: np.ndarray) -> np.ndarray:
    """Return the voxels of which scribbles say nothing: those of neither, and of both."""
    return np.asarray(shows == shows_not)


def put_painted(
    labels: VolumeLabels, masks: Mapping[str, np.ndarray], unknown: Mapping[str, np.ndarray], chosen: Chosen
) -> None:
    """Paint slices: those without an unknown pixel are drawn, of the others the known pixels are scribbles.

    Parameters
    ----------
    labels : VolumeLabels
        Of the volume, with its axis and size.
    masks, unknown : mapping of str to numpy.ndarray
        By class where it is, and where nothing is known: bool, k x j x i as the labels count voxels.
    chosen : sequence of int or {"shown"}
        The slices, or by class those with a pixel of it, or with unknown ones beside those that are known.

    Raises
    ------
    UserError
        ``slice_out_of_range``.
    """
    along = 2 - labels.axis_index
    for name, mask in masks.items():
        stack, hidden = np.moveaxis(mask, along, 0), np.moveaxis(unknown[name], along, 0)
        is_some = hidden.any((1, 2)) | stack.any((1, 2))
        for index in np.flatnonzero(is_some).tolist() if isinstance(chosen, str) else chosen:
            labels.require_slice(index)
            pixels = np.where(hidden[index], np.uint8(UNKNOWN), stack[index])
            PAINTED.put(labels, name, index, "scribbled" if hidden[index].any() else "drawn", pixels)
