"""What is known of classes beforehand, in the class table: side of the body and number of pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.knowledge import proposed_side
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.panel_parts import fillSelector, setTip
from WeakMedSAMLib.frontend.labels.side_words import piecesInWords, sideInWords, sidesInWords
from WeakMedSAMLib.frontend.labels.tag_session import TagSession

# Columns of the table.
SIDE, PIECES = 2, 3
NOT_SAID = "-"


class KnowledgeCells:
    """Two choices a row. A side that the terminology tells is proposed, and counts once it is chosen.

    Parameters
    ----------
    table : QTableWidget
        With the columns `SIDE` and `PIECES`.
    session : TagSession
    onError : callable
        Gets a `UserError`.
    """

    def __init__(self, table: Any, session: TagSession, onError: Callable[[UserError], Any]) -> None:
        self._table, self._session, self._onError = table, session, onError
        self._isFilling = False
        self._wheels = NoWheel(table)

    def show(self, row: int, entry: SegmentClass) -> None:
        """Show what is known of the class of a row."""
        proposed = proposed_side(entry.terminology) if entry.known.side is None else None
        none = _("{side}?").format(side=sideInWords(proposed)) if proposed is not None else NOT_SAID
        tip = _("Side of the patient's body")
        if proposed is not None:
            tip = _("Its terminology says {side}; choose that if it is so.").format(side=sideInWords(proposed))
        self._fill(row, SIDE, [none, *sidesInWords().values()], positionOf(sidesInWords(), entry.known.side), tip)
        words = piecesInWords()
        tip = _("Whether it is one connected piece in a patient")
        self._fill(row, PIECES, [NOT_SAID, *words.values()], positionOf(words, entry.known.pieces), tip)

    def _fill(self, row: int, column: int, texts: list[str], index: int, tip: str) -> None:
        combo = self._table.cellWidget(row, column)
        self._isFilling = True
        try:
            if combo is None:
                combo = qt.QComboBox(self._table)
                combo.setSizeAdjustPolicy(qt.QComboBox.AdjustToContents)
                combo.focusPolicy = qt.Qt.StrongFocus
                combo.installEventFilter(self._wheels)
                self._table.setCellWidget(row, column, combo)
                call = guarded(partial(self._onChosen, row, column), self._onError)
                combo.connect("currentIndexChanged(int)", call)
            fillSelector(combo, texts)
            combo.currentIndex = index
            setTip(combo, tip)
        finally:
            self._isFilling = False

    def _onChosen(self, row: int, column: int, index: int) -> None:
        if self._isFilling or not 0 <= row < len(self._session.classes):
            return
        entry = self._session.classes[row]
        values: dict[int, tuple[str, list[Any]]] = {
            SIDE: ("side", [None, *sidesInWords()]),
            PIECES: ("pieces", [None, *piecesInWords()]),
        }
        name, choices = values[column]
        self._session.changeClass(entry.name, known=replace(entry.known, **{name: choices[index]}))


class NoWheel(qt.QObject):
    """Lets the wheel scroll the panel: a choice that happens to lie under the mouse is not changed by it."""

    def eventFilter(self, _watched: Any, event: Any) -> bool:
        """Keep turns of the wheel from a widget."""
        isWheel = event.type() == qt.QEvent.Wheel
        if isWheel:
            event.ignore()
        return bool(isWheel)


def positionOf(words: dict[str, str], value: str | None) -> int:
    """Return the place of a value among choices of which the first one says nothing."""
    return 0 if value is None else 1 + list(words).index(value)
