"""What an edit of a mask, or a word about it, makes of the labels of its volume. Neither Qt nor MRML.

A slice that was edited in view is drawn, all its pixels are known. Of another one that the same edit changed only the
changed pixels are known: it is touched, which in labels is the state ``scribbled``, as that of a slice with scribbles.
What was known as a whole before stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import UNKNOWN, PaintedSlice, State
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.tag_words import tagOf

MACHINE, FINE, TOUCHED, DRAWN = "machine", "fine", "touched", "drawn"
_WORDS = {"drawn": DRAWN, "fine": FINE, "scribbled": TOUCHED}


@dataclass(frozen=True)
class SliceEdit:
    """What became of one class on one slice.

    Attributes
    ----------
    className : str
    index : int
    before : numpy.ndarray or None
        bool, rows x columns; None where nobody knows what it was.
    now : numpy.ndarray
    isShown : bool
        Whether a view showed the slice then.
    isMachine : bool
        Whether it is the machine's mask again.
    """

    className: str
    index: int
    before: np.ndarray | None
    now: np.ndarray
    isShown: bool = False
    isMachine: bool = False


def stateOf(painted: PaintedSlice | None) -> str:
    """Return the state of a slice by what is painted there: `MACHINE`, `FINE`, `TOUCHED` or `DRAWN`."""
    return MACHINE if painted is None else _WORDS[painted.state]


def statesOf(labels: VolumeLabels | None, className: str) -> dict[int, str]:
    """Return slice -> state of a class, of all slices that are not as the machine drew them unseen."""
    if labels is None:
        return {}
    return {index: stateOf(painted) for index, painted in PAINTED.slices(labels, className).items()}


def takeEdit(labels: VolumeLabels, edit: SliceEdit) -> None:
    """Put an edit into labels.

    What is drawn where the slice was tagged absent makes it present; a present one that was emptied is absent.
    """
    painted = PAINTED.slices(labels, edit.className).get(edit.index)
    if edit.isMachine:
        _takeBack(labels, edit, painted)
        return
    if edit.isShown or (painted is not None and painted.is_whole):
        PAINTED.put(labels, edit.className, edit.index, "drawn", edit.now)
    else:
        _put(labels, edit, _pixelsOf(painted, edit.now.shape), edit.now)
    _retag(labels, edit)


def drawEmpty(labels: VolumeLabels, edit: SliceEdit) -> None:
    """Put a slice that was emptied: drawn without the class, and absent, whatever it was tagged."""
    takeEdit(labels, edit)
    labels.set(edit.className, edit.index, ABSENT)


def callFine(labels: VolumeLabels, className: str, index: int, maskOf: Callable[[int], np.ndarray]) -> None:
    """Take the mask of a slice (bool) for right: what was touched is drawn then, what is known already stays."""
    painted = PAINTED.slices(labels, className).get(index)
    if painted is None or not painted.is_whole:
        state: State = "fine" if painted is None else "drawn"
        PAINTED.put(labels, className, index, state, maskOf(index))


def callNotFine(labels: VolumeLabels, className: str, indices: Iterable[int]) -> None:
    """Take back that slices were said to be fine; corrections stay."""
    found = PAINTED.slices(labels, className)
    for index in indices:
        if index in found and found[index].state == "fine":
            PAINTED.take(labels, className, index)


def callRight(labels: VolumeLabels, className: str, index: int, maskOf: Callable[[int], np.ndarray]) -> None:
    """Say of a slice that was touched that all of it is right."""
    painted = PAINTED.slices(labels, className).get(index)
    if painted is not None and not painted.is_whole:
        PAINTED.put(labels, className, index, "drawn", maskOf(index))


def putScribbles(
    labels: VolumeLabels, className: str, index: int, pixels: np.ndarray, gone: np.ndarray | None = None
) -> None:
    """Put scribbles on a slice of which not all is known already.

    Parameters
    ----------
    labels : VolumeLabels
    className : str
    index : int
    pixels : numpy.ndarray
        uint8, rows x columns: 1 shows the class, 0 does not, 255 says nothing.
    gone : numpy.ndarray, optional
        bool: pixels of scribbles that were taken away.
    """
    painted = PAINTED.slices(labels, className).get(index)
    if painted is not None and painted.is_whole:
        return
    known = _pixelsOf(painted, pixels.shape)
    if gone is not None:
        known[gone] = UNKNOWN
    known = np.where(pixels == UNKNOWN, known, pixels)
    PAINTED.put(labels, className, index, "scribbled", known)


def _takeBack(labels: VolumeLabels, edit: SliceEdit, painted: PaintedSlice | None) -> None:
    """The slice is the machine's again: what was said by drawing on it is said no longer, scribbles elsewhere are."""
    if painted is None:
        return
    if painted.is_whole or edit.before is None:
        PAINTED.take(labels, edit.className, edit.index)
        return
    pixels = _pixelsOf(painted, edit.now.shape)
    pixels[edit.before ^ edit.now] = UNKNOWN
    PAINTED.put(labels, edit.className, edit.index, "scribbled", pixels)


def _put(labels: VolumeLabels, edit: SliceEdit, pixels: np.ndarray, now: np.ndarray) -> None:
    # Where nobody knows what changed all of it is kept: what a reader left there must not be lost.
    changed = np.ones(now.shape, bool) if edit.before is None else edit.before ^ now
    pixels[changed] = now[changed]
    PAINTED.put(labels, edit.className, edit.index, "scribbled", pixels)


def _retag(labels: VolumeLabels, edit: SliceEdit) -> None:
    tag, isEmpty = tagOf(labels, edit.className, edit.index), not edit.now.any()
    added = edit.now if edit.before is None else edit.now & ~edit.before
    if tag == ABSENT and added.any():
        labels.set(edit.className, edit.index, PRESENT)
    elif tag == PRESENT and isEmpty and edit.isShown:
        labels.set(edit.className, edit.index, ABSENT)


def _pixelsOf(painted: PaintedSlice | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, UNKNOWN, np.uint8) if painted is None else painted.pixels.copy()


def slicesByClass(edits: Iterable[SliceEdit]) -> Mapping[str, list[int]]:
    """Return class -> slices of edits."""
    found: dict[str, list[int]] = {}
    for edit in edits:
        found.setdefault(edit.className, []).append(edit.index)
    return found
