"""What an edit of a mask, or a word about it, makes of the labels of its volume. Neither Qt nor MRML.

A slice that was edited in view is drawn, all its pixels are known. Of another one that the same edit changed only the
changed pixels are known: it is touched, which in labels is the state ``scribbled``, as that of a slice with scribbles.
What was known as a whole before stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import SHOWN, UNKNOWN, PaintedSlice
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.steps import Steps
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


def afterEdit(painted: PaintedSlice | None, edit: SliceEdit) -> PaintedSlice | None:
    """Return what is painted on a slice after an edit of it, beside what was before."""
    if edit.isMachine:
        return _givenUp(painted, edit)
    if edit.isShown or (painted is not None and painted.is_whole):
        return PaintedSlice.of("drawn", edit.now)
    # Where nobody knows what changed all of it is kept: what a reader left there must not be lost.
    changed = np.ones(edit.now.shape, bool) if edit.before is None else edit.before ^ edit.now
    pixels = _pixelsOf(painted, edit.now.shape)
    pixels[changed] = edit.now[changed]
    return _scribbled(pixels)


class Prepared:
    """What edits make of labels, made ready piece by piece; what changes meanwhile is made anew.

    Parameters
    ----------
    edits : list of SliceEdit
    """

    def __init__(self, edits: list[SliceEdit]) -> None:
        self.edits = edits
        self._after: dict[tuple[str, int], tuple[PaintedSlice | None, PaintedSlice | None]] = {}

    def steps(self, labels: VolumeLabels) -> Steps[None]:
        """Make it ready for labels as they are."""
        for edit in self.edits:
            painted = labels.further.get(PAINTED.name, {}).get(edit.className, {}).get(edit.index)
            self._after[edit.className, edit.index] = (painted, afterEdit(painted, edit))
            yield None

    def takeInto(self, labels: VolumeLabels) -> None:
        """Put the edits into labels.

        What is drawn where the slice was tagged absent makes it present; a present one that was emptied is absent.
        """
        found: dict[str, dict[int, PaintedSlice | None]] = {}
        for edit in self.edits:
            painted = labels.further.get(PAINTED.name, {}).get(edit.className, {}).get(edit.index)
            before, after = self._after.get((edit.className, edit.index), (None, None))
            isReady = (edit.className, edit.index) in self._after and before == painted
            found.setdefault(edit.className, {})[edit.index] = after if isReady else afterEdit(painted, edit)
            if not edit.isMachine:
                _retag(labels, edit)
        for name, slices in found.items():
            PAINTED.put_slices(labels, name, slices)


def withoutOverwritten(edits: list[SliceEdit]) -> list[SliceEdit]:
    """Return edits, those in view that are but what another class took told apart: only that is known of them."""
    return [replace(edit, isShown=False) if edit.isShown and _isOverwritten(edit, edits) else edit for edit in edits]


def drawn(labels: VolumeLabels, edit: SliceEdit) -> None:
    """Put one edit into labels."""
    Prepared([edit]).takeInto(labels)


def drawnEmpty(labels: VolumeLabels, edit: SliceEdit) -> None:
    """Put a slice that was emptied: drawn without the class, and absent, whatever it was tagged."""
    drawn(labels, edit)
    labels.set(edit.className, edit.index, ABSENT)


def besideKnown(painted: PaintedSlice | None, mask: np.ndarray) -> np.ndarray:
    """Return a mask (bool) of the machine with what is known on its slice in place of what it has there."""
    if painted is None:
        return mask
    pixels = painted.pixels
    return np.where(pixels == UNKNOWN, mask, pixels == SHOWN)


def besideTaken(
    told: PaintedSlice | None, painted: PaintedSlice | None, mask: np.ndarray, held: np.ndarray
) -> np.ndarray:
    """Return a mask of the machine as `besideKnown`, which was told of pixels that nobody says any more.

    Of these the mask says but what the machine was told: they stay as they are held (bool).
    """
    found = besideKnown(painted, mask)
    if told is None or told == painted:
        return found
    isTaken = told.pixels != UNKNOWN
    if painted is not None:
        isTaken &= painted.pixels == UNKNOWN
    return np.where(isTaken, held, found)


def callFine(labels: VolumeLabels, className: str, indices: Iterable[int], maskOf: Callable[[int], np.ndarray]) -> None:
    """Take the masks of slices (bool) for right: what was touched is drawn then, what is known already stays."""
    known, found = PAINTED.slices(labels, className), {}
    for index in indices:
        painted = known.get(index)
        if painted is None or not painted.is_whole:
            found[index] = PaintedSlice.of("fine" if painted is None else "drawn", maskOf(index))
    PAINTED.put_slices(labels, className, found)


def callNotFine(labels: VolumeLabels, className: str, indices: Iterable[int]) -> None:
    """Take back that slices were said to be fine; corrections stay."""
    known = PAINTED.slices(labels, className)
    gone = [index for index in indices if index in known and known[index].state == "fine"]
    PAINTED.put_slices(labels, className, dict.fromkeys(gone))


def callRight(labels: VolumeLabels, className: str, index: int, maskOf: Callable[[int], np.ndarray]) -> None:
    """Say of a slice that was touched that all of it is right."""
    painted = PAINTED.slices(labels, className).get(index)
    if painted is not None and not painted.is_whole:
        PAINTED.put(labels, className, index, "drawn", maskOf(index))


def putScribbles(labels: VolumeLabels, className: str, index: int, pixels: np.ndarray, gone: np.ndarray) -> None:
    """Put scribbles on a slice of which not all is known already.

    Parameters
    ----------
    labels : VolumeLabels
    className : str
    index : int
    pixels : numpy.ndarray
        uint8, rows x columns: 1 shows the class, 0 does not, 255 says nothing.
    gone : numpy.ndarray
        bool: pixels of scribbles that were taken away.
    """
    painted = PAINTED.slices(labels, className).get(index)
    if painted is None or not painted.is_whole:
        PAINTED.put(labels, className, index, "scribbled", _withScribbles(painted, pixels, gone))


def putAlone(labels: VolumeLabels, className: str, index: int, pixels: np.ndarray, gone: np.ndarray) -> None:
    """Put scribbles on a slice without masks, as of `putScribbles`; of one that is drawn they change what it shows."""
    painted = PAINTED.slices(labels, className).get(index)
    known = _withScribbles(painted, pixels, gone)
    if painted is not None and painted.is_whole:
        PAINTED.put(labels, className, index, "drawn", known == SHOWN)
    else:
        PAINTED.put(labels, className, index, "scribbled", known)


def callAll(labels: VolumeLabels, index: int) -> None:
    """Say that what was painted on a slice is all of each class that has scribbles there."""
    for name in PAINTED.class_names(labels):
        painted = PAINTED.slices(labels, name).get(index)
        if painted is not None and not painted.is_whole:
            PAINTED.put(labels, name, index, "drawn", painted.pixels == SHOWN)


def _isOverwritten(edit: SliceEdit, edits: Sequence[SliceEdit]) -> bool:
    if edit.before is None or (edit.now & ~edit.before).any():
        return False
    others = (each for each in edits if each.index == edit.index and each.className != edit.className)
    taken = np.zeros(edit.now.shape, bool)
    for other in others:
        taken |= other.now & ~(other.before if other.before is not None else np.zeros_like(taken))
    return bool(taken[edit.before & ~edit.now].all())


def _givenUp(painted: PaintedSlice | None, edit: SliceEdit) -> PaintedSlice | None:
    """The slice is the machine's again: what was said by drawing on it is said no longer, scribbles elsewhere are."""
    if painted is None or painted.is_whole or edit.before is None:
        return None
    pixels = _pixelsOf(painted, edit.now.shape)
    pixels[edit.before ^ edit.now] = UNKNOWN
    return _scribbled(pixels)


def _withScribbles(painted: PaintedSlice | None, pixels: np.ndarray, gone: np.ndarray) -> np.ndarray:
    known = _pixelsOf(painted, pixels.shape)
    known[gone] = UNKNOWN
    return np.where(pixels == UNKNOWN, known, pixels)


def _scribbled(pixels: np.ndarray) -> PaintedSlice | None:
    return PaintedSlice.of("scribbled", pixels) if (pixels != UNKNOWN).any() else None


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
