"""Painted slices in words, as strip and tips say them. Neither Qt nor MRML."""

from __future__ import annotations

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels


def statesOf(labels: VolumeLabels, className: str) -> dict[int, str]:
    """Return slice -> ``"drawn"``, ``"fine"`` or ``"scribbled"``, of the slices that are painted."""
    return {index: painted.state for index, painted in PAINTED.slices(labels, className).items()}


def stateInWords(labels: VolumeLabels, className: str, index: int) -> str:
    """Return what is painted of a class on a slice; empty if nothing is."""
    texts = {
        "drawn": _("drawn or corrected: all of it is known"),
        "fine": _("found to be fine: all of it is known"),
        "scribbled": _("touched: only what was changed there is known"),
    }
    return texts.get(statesOf(labels, className).get(index, ""), "")


def countsInWords(labels: VolumeLabels, className: str) -> str:
    """Return on how many slices a class was drawn, drawn empty, or scribbled."""
    found = PAINTED.slices(labels, className).values()
    drawn = sum(1 for one in found if one.is_whole and one.shows)
    empty = sum(1 for one in found if one.is_whole and not one.shows)
    text = _("'{name}': slices drawn: {drawn}; drawn empty, so absent: {empty}; with scribbles: {scribbled}.")
    return text.format(name=className, drawn=drawn, empty=empty, scribbled=len(found) - drawn - empty)
