"""What is drawn on when one corrects: masks of a run, or a volume that has none yet."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.frontend.results.correcting.given import Corrections
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.segment_tags import isOwn
from WeakMedSAMLib.frontend.results.unmasked import Unmasked


def startOf(kept: Corrections | None, subject: ReviewSubject | None) -> tuple[Unmasked | None, str]:
    """Return the volume that has no masks yet and can be drawn on; else None, and why not, for the user."""
    if kept is None or (subject is not None and subject.segmentIds):
        return None, _("There are no masks.")
    if subject is not None and subject.result is not None:
        return None, _("Load the masks into the scene first.")
    return kept.unmasked()


def nodesOf(subject: ReviewSubject | None) -> tuple[Any, ...]:
    """Return what tells masks of one volume from those of another; empty without masks."""
    if subject is None or not subject.segmentIds:
        return ()
    return subject.record.runId, subject.volumeId, subject.segmentationNode, subject.volumeNode


def overwrites(subject: ReviewSubject, segmentId: str) -> bool:
    """Say whether what is drawn is taken from other masks: not from the user's own, and not where classes may share."""
    classes, name = ClassTable.from_json(subject.record.classes), subject.className(segmentId)
    others = [each for each in classes.names if each != name]
    isShared = name in classes.names and any(classes.may_share(name, each) for each in others)
    return isOwn(subject.segmentationNode) and not isShared


def problemOf(subject: ReviewSubject | None, segmentId: str, corrections: Corrections | None) -> str:
    """Say why masks cannot be drawn on; empty if they can."""
    if subject is None or not subject.segmentIds or subject.segmentationNode is None:
        return startOf(corrections, subject)[1] or _("There are no masks.")
    if subject.segmentationNode.GetScene() is None:
        return _("There are no masks.")
    if subject.volumeNode is None or subject.volumeNode.GetScene() is None:
        return _("The volume of this mask is not in the scene.")
    return "" if segmentId in subject.segmentIds else _("Choose a mask first.")


def scribbleTip(shows: bool, hasMasks: bool) -> str:
    """Return what a button of scribbles is for."""
    if not hasMasks:
        text = _("Paint a few strokes where the class is, or all of it")
        return text if shows else _("Paint a few strokes where the class is not")
    if shows:
        return _("Paint a few strokes where the class is; its outline is not needed. Press it again to draw on masks.")
    return _("Paint a few strokes where the class is not. Press it again to draw on masks.")
