"""What else is known of a class beforehand, in its details: brightness, size, and what it shares with other classes."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.knowledge import Knowledge
from WeakMedSAMLib.frontend.base.panel_parts import fillSelector, setEnabled
from WeakMedSAMLib.frontend.labels.class_knowledge import NOT_SAID, NoWheel, positionOf
from WeakMedSAMLib.frontend.labels.side_words import brightnessInWords, sharingInWords
from WeakMedSAMLib.frontend.labels.tag_session import TagSession

# "1.500" is one and a half to one reader, and fifteen hundred to another one.
_TWO_MEANINGS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}", re.ASCII)
_SELECTORS = ("brightnessSelector", "insideSelector", "sharingSelector")
_EDITS = {"smallest_ml": "smallestEdit", "largest_ml": "largestEdit"}


class KnowledgeDetails:
    """Three choices and two numbers, of the class that is selected. Each is one step of undo.

    Parameters
    ----------
    ui : object
        With `brightnessSelector`, `smallestEdit`, `largestEdit`, `insideSelector` and `sharingSelector`.
    session : TagSession
    """

    def __init__(self, ui: Any, session: TagSession) -> None:
        self._ui, self._session = ui, session
        self._entry: SegmentClass | None = None
        self._outer: list[str | None] = [None]
        self._isFilling = False
        self._wheels = NoWheel(ui.detailsSection)
        for name in _SELECTORS:
            getattr(ui, name).installEventFilter(self._wheels)

    def show(self, entry: SegmentClass | None, reason: str) -> None:
        """Show what is known of a class; `reason` says why nothing can be said of any."""
        self._isFilling = True
        try:
            self._fill(entry)
        finally:
            self._isFilling = False
        for name in (*_SELECTORS, *_EDITS.values()):
            widget = getattr(self._ui, name)
            setEnabled(widget, reason, widget.property("usualToolTip"))

    def _fill(self, entry: SegmentClass | None) -> None:
        ui, self._entry = self._ui, entry
        brightness, sharing = brightnessInWords(), sharingInWords()
        fillSelector(ui.brightnessSelector, [NOT_SAID, *brightness.values()])
        fillSelector(ui.sharingSelector, [*sharing.values()])
        self._outer = [None] if entry is None else [None, *_outerChoices(self._session.classes, entry)]
        fillSelector(ui.insideSelector, [NOT_SAID if name is None else name for name in self._outer])
        known = entry.known if entry is not None else Knowledge()
        ui.brightnessSelector.currentIndex = positionOf(brightness, known.brightness)
        ui.sharingSelector.currentIndex = list(sharing).index(known.sharing)
        ui.insideSelector.currentIndex = self._outer.index(known.inside_of)
        for field, name in _EDITS.items():
            text = mlInWords(getattr(known, field))
            if getattr(ui, name).text != text:
                getattr(ui, name).text = text

    def takeBrightness(self, index: int) -> None:
        """Take over the brightness that was chosen."""
        self._change(brightness=[None, *brightnessInWords()][index])

    def takeInside(self, index: int) -> None:
        """Take over the class that this one was said to be inside of."""
        self._change(inside_of=self._outer[index])

    def takeSharing(self, index: int) -> None:
        """Take over whether pixels may belong to other classes."""
        self._change(sharing=[*sharingInWords()][index])

    def takeSmallest(self) -> None:
        """Take over the smallest volume that was typed; `UserError` ``bad_field``."""
        self._takeMl("smallest_ml")

    def takeLargest(self) -> None:
        """Take over the largest volume that was typed; `UserError` ``bad_field``."""
        self._takeMl("largest_ml")

    def _takeMl(self, field: str) -> None:
        text = getattr(self._ui, _EDITS[field]).text
        if self._entry is None or text.strip() == mlInWords(getattr(self._entry.known, field)):
            return
        values = {name: getattr(self._entry.known, name) for name in _EDITS} | {field: mlOf(text)}
        smallest, largest = values["smallest_ml"], values["largest_ml"]
        if smallest is not None and largest is not None and smallest > largest:
            message = _("The smallest volume, {smallest} ml, is above the largest, {largest} ml.")
            given = {"smallest": mlInWords(smallest), "largest": mlInWords(largest)}
            raise UserError("ml_reversed", message.format(**given), _("Change the other one first."))
        self._change(**{field: values[field]})

    def _change(self, **fields: Any) -> None:
        entry = self._entry
        if self._isFilling or entry is None:
            return
        known = replace(entry.known, **fields)
        if known != entry.known:
            self._session.changeClass(entry.name, known=known)


def mlInWords(value: float | None) -> str:
    """Return millilitres as one types them, such as "12.5"; empty where nothing is said."""
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else str(value)


def mlOf(text: str) -> float | None:
    """Return the millilitres that were typed, None if nothing was; `UserError` ``bad_ml`` says what is wrong."""
    text = text.strip()
    if not text:
        return None
    if _TWO_MEANINGS.fullmatch(text):
        hint = _("Leave the sign for thousands out, and zeros at the end.")
        raise UserError("bad_ml", _("The volume '{text}' has two meanings.").format(text=text), hint)
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        message = _("The volume '{text}' is no number above 0.").format(text=text)
        raise UserError("bad_ml", message, _("Type millilitres, or nothing."))
    return value


def _outerChoices(classes: ClassTable, entry: SegmentClass) -> list[str]:
    """The classes that a class may be inside of, and what is said so far, whether that can be or not."""
    found = [name for name in classes.names if entry.name not in classes.around(name)]
    said = entry.known.inside_of
    return found if said is None or said in found else [*found, said]
