"""What to do while boxes and points are placed: in full for the panel, short for the corner of the view."""

from __future__ import annotations

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.marks.mark_finding import NOT, POINT, Mark
from WeakMedSAMLib.frontend.labels.marks.mark_words import markInWords, slicesInWords

CORNERS, EXTREMES = 2, 4


def clickInWords(kind: str, className: str, clicked: int, count: int) -> str:
    """Return where to click next.

    Parameters
    ----------
    kind : str
        `BOX`, `POINT` or `NOT`.
    className : str
    clicked, count : int
        How many clicks there were, and how many it takes.
    """
    if kind == POINT:
        return _("Click on '{name}'. Tagging keys are off.").format(name=className)
    if kind == NOT:
        return _("Click on what is not '{name}'. Tagging keys are off.").format(name=className)
    if count == EXTREMES:
        text = _("Click on the outermost points of '{name}': {clicked} of {count}. Tagging keys are off.")
        return text.format(name=className, clicked=clicked, count=count)
    first, second = _("Click on a corner of the box around '{name}'."), _("Click on the opposite corner.")
    return (second if clicked else first).format(name=className) + " " + _("Tagging keys are off.")


def placedInWords(mark: Mark, other: Box | None, labels: VolumeLabels) -> str:
    """Return what can be done with what was placed; `other` is a box with which it may be joined."""
    text = _("New {mark}: take it, or leave it.").format(mark=markInWords(mark, labels))
    if other is None:
        return text
    join = _("Or join it with that of slice {slices} to one box in 3-D.")
    return f"{text} {join.format(slices=slicesInWords(other, labels))}"


def clickInCorner(kind: str, clicked: int, count: int) -> str:
    """Return where to click next, short."""
    if kind == POINT:
        return _("point: click on it")
    if kind == NOT:
        return _("not: click on what it is not")
    if count == EXTREMES:
        text = _("box: outermost points, {clicked} of {count}")
        return text.format(clicked=clicked, count=count)
    return _("box: click on the opposite corner") if clicked else _("box: click on a corner")


def placedInCorner(mark: Mark, other: Box | None, labels: VolumeLabels) -> list[str]:
    """Return what was placed, and with what it may be joined, short."""
    word = _("new box") if isinstance(mark, Box) else _("new point")
    join = _("Shift+Enter: join with slice {slices}")
    return [word] if other is None else [word, join.format(slices=slicesInWords(other, labels))]


def keysInCorner(canTake: bool, isPlaced: bool) -> str:
    """Return what the keys Enter and Esc do now."""
    leave = _("Esc: take back") if isPlaced else _("Esc: leave")
    return _("Enter: take, {leave}").format(leave=leave) if canTake else leave
