"""What is known of a class, in words."""

from __future__ import annotations

from slicer.i18n import tr as _


def sidesInWords() -> dict[str, str]:
    """Return the sides of the patient's body and what they are called."""
    return {"left": _("left"), "right": _("right"), "front": _("front"), "back": _("back")}


def sideInWords(side: str) -> str:
    """Return what a side is called."""
    return sidesInWords()[side]


def piecesInWords() -> dict[str, str]:
    """Return the numbers of pieces and what they are called."""
    return {"one": _("one"), "several": _("several")}


def brightnessInWords() -> dict[str, str]:
    """Return how a class may look beside what is around it, and what that is called."""
    return {"brighter": _("brighter than around it"), "darker": _("darker than around it")}


def sharingInWords() -> dict[str, str]:
    """Return whether pixels may belong to other classes too, and what that is called."""
    return {"exclusive": _("exclusive: shares no pixel"), "free": _("free: may share pixels")}
