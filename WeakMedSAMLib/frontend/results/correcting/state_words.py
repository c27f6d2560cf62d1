"""The states of a class on a slice, by a sign and in words."""

from __future__ import annotations

from slicer.i18n import tr as _

# Letters that fonts of the slice views have; in order of how much a reader did.
_SIGNS = {"machine": "o", "fine": "=", "touched": "~", "drawn": "#"}


def stateWord(state: str) -> str:
    """Return a state as a word for the user."""
    words = {"machine": _("machine"), "fine": _("fine"), "touched": _("touched"), "drawn": _("drawn")}
    return words.get(state, state)


def stateSign(state: str) -> str:
    """Return the sign of a state."""
    return _SIGNS.get(state, "")


def stateInWords(state: str) -> str:
    """Return sign and word, for a narrow place."""
    return f"{stateSign(state)} {stateWord(state)}"


def stateTip(state: str) -> str:
    """Say what a state means for the next update."""
    tips = {
        "machine": _("As the machine drew it: the next update may draw it otherwise."),
        "fine": _("You called it fine: it stays, and the other slices learn from it."),
        "touched": _(
            "An edit of another slice changed it, or it has scribbles: these pixels alone count, until you press "
            "'They are right'."
        ),
        "drawn": _("You drew it: it stays exactly so, and the other slices learn from it."),
    }
    return tips.get(state, "")
