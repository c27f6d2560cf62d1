"""Slices of masks that nobody looked at, and what is asked about them before a mask counts as reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.spans import spans_in_words, spans_of_slices
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject

GO, MARK = "go", "mark"
_RANGES_SHOWN = 8


class SeenSlices:
    """Which slices were shown while their masks were under review, by segmentation and run; of this session alone."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], set[int]] = {}
        self._updates: dict[tuple[str, str], int] = {}

    def of(self, subject: ReviewSubject) -> set[int]:
        """Return the slices that were shown, counted as the volume is now."""
        return self._seen.setdefault(_keyOf(subject), set())

    def noteUpdate(self, subject: ReviewSubject, number: int, changed: Iterable[int]) -> None:
        """Forget, once for each update of masks, the slices that it changed: they are others than those shown."""
        if self._updates.get(_keyOf(subject), 0) != number:
            self._updates[_keyOf(subject)] = number
            self.of(subject).difference_update(changed)


def askOfUnseen(parent: Any, className: str, unseen: Sequence[int], count: int) -> str:
    """Ask what to do about slices of a mask that nobody looked at: returns `GO`, `MARK`, or nothing for neither."""
    spans = spans_of_slices(unseen)
    which = spans_in_words(spans[:_RANGES_SHOWN]) + (", ..." if len(spans) > _RANGES_SHOWN else "")
    text = _("{unseen} of {count} slices of '{name}' were not looked at: {slices}.")
    box = qt.QMessageBox(parent)
    box.setWindowTitle(_("Reviewed"))
    box.setIcon(qt.QMessageBox.Question)
    first = text.format(unseen=len(unseen), count=count, name=className, slices=which)
    box.setText(f"{first}\n\n" + _("Reviewed says that the mask is right on every slice, and the model learns that."))
    answers = {_("Go there"): GO, _("Mark all the same"): MARK}
    for words in answers:
        box.addButton(words, qt.QMessageBox.AcceptRole)
    box.addButton(qt.QMessageBox.Cancel)
    box.exec_()
    clicked = box.clickedButton()
    # Some desktops mark a letter of each button by themselves.
    return answers.get(clicked.text.replace("&", ""), "") if clicked is not None else ""


def _keyOf(subject: ReviewSubject) -> tuple[str, str]:
    return subject.segmentationNode.GetID() if subject.segmentationNode is not None else "", subject.record.runId
