"""A reader's answers to tags that a run doubted: which were given, and the two buttons that give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.presence import UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.tag_answers import TagAnswer, answer_of, doubted_tag
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.panel_parts import setEnabled, setText
from WeakMedSAMLib.frontend.labels.tag_words import rangeInWords
from WeakMedSAMLib.frontend.results.corrections import Corrections
from WeakMedSAMLib.frontend.results.fine_slices import taughtClasses
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.slice_rows import CONFIRMED_TAG, CORRECTED_TAG, SliceDoubt, SliceRow

# Class name in the run -> slice -> `CONFIRMED_TAG` or `CORRECTED_TAG`.
Answers = Mapping[str, Mapping[int, str]]


def answersOf(subject: ReviewSubject | None, corrections: Corrections | None) -> dict[str, dict[int, str]]:
    """Return which doubted tags of a result were confirmed since, and which are others by now."""
    labels = _labelsOf(subject, corrections)
    if subject is None or subject.result is None or labels is None:
        return {}
    found: dict[str, dict[int, str]] = {}
    for name, quality in subject.result.classes.items():
        now = _nameNow(subject, corrections, name)
        row, right = (labels.presence(now), CONFIRMED.slices(labels, now)) if quality.doubted else ((), set())
        for index, why in quality.doubted.items():
            tag = row[index] if index < len(row) else UNTAGGED
            if tag != UNTAGGED and (tag != doubted_tag(why) or index in right):
                answer = CONFIRMED_TAG if tag == doubted_tag(why) else CORRECTED_TAG
                found.setdefault(name, {})[index] = answer
    return found


def withAnswers(rows: list[SliceRow], answers: Answers) -> list[SliceRow]:
    """Return rows in the same order, with what a reader answered."""

    def answered(doubt: SliceDoubt, index: int) -> SliceDoubt:
        answer = answers.get(doubt.className, {}).get(index, "") if doubt.tagDoubt else ""
        return replace(doubt, tagAnswer=answer)

    return [replace(row, doubts=tuple(answered(each, row.index) for each in row.doubts)) for row in rows]


class TagAnswers:
    """*It is right* and *Correct it* for the tag of the slice that is shown, if that is doubted.

    Parameters
    ----------
    ui : object
        With `tagFrame`, `tagLabel`, `tagRightButton` and `tagWrongButton`.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self.corrections: Corrections | None = None
        self._subject: ReviewSubject | None = None
        self._doubt: SliceDoubt | None = None
        self._index = 0
        ui.tagRightButton.connect("clicked()", guarded(self.confirm))
        ui.tagWrongButton.connect("clicked()", guarded(self.correct))
        ui.tagFrame.visible = False

    def cleanup(self) -> None:
        """Hold nothing of the scene any more."""
        self._subject = self._doubt = None

    def show(self, subject: ReviewSubject | None, row: SliceRow | None) -> None:
        """Ask about the first doubted tag of the slice of a row; of none where there is nothing to answer."""
        self._subject, self._doubt, self._index = subject, None, row.index if row is not None else 0
        for doubt in row.doubts if row is not None else ():
            if self._doubt is None and doubt.isTagOpen and self._answerTo(doubt) is not None:
                self._doubt = doubt
        answer = self._answerTo(self._doubt) if self._doubt is not None else None
        self._ui.tagFrame.visible = answer is not None
        if self._doubt is None or answer is None:
            return
        setText(self._ui.tagLabel, f"{self._doubt.className}: {self._doubt.tagReason()}")
        right = rangeInWords(self._doubt.className, doubted_tag(self._doubt.tagDoubt), *answer.right)
        wrong = rangeInWords(self._doubt.className, answer.tag, *answer.wrong)
        tip = _("It stays: {tag}. It is not doubted again ({key} in the list)")
        setEnabled(self._ui.tagRightButton, "", tip.format(tag=right, key="R"))
        tip = _("It becomes: {tag} ({key} in the list)")
        reason = "" if self._canCorrect(answer) else _("Boxes, points or drawings say so: change these.")
        setEnabled(self._ui.tagWrongButton, reason, tip.format(tag=wrong, key="C"))

    def confirm(self) -> None:
        """Say that the tag is right: one step to undo."""
        answer = self._answerTo(self._doubt) if self._doubt is not None else None
        if self._doubt is None or answer is None or self.corrections is None:
            return
        name, (first, last) = self._name(self._doubt), answer.right
        text = _("confirm: {tag}").format(tag=rangeInWords(name, doubted_tag(self._doubt.tagDoubt), first, last))
        self.corrections.edit(text, lambda labels: CONFIRMED.confirm(labels, name, range(first, last + 1)))

    def correct(self) -> None:
        """Give the slices the other tag: one step to undo."""
        answer = self._answerTo(self._doubt) if self._doubt is not None else None
        if self._doubt is None or answer is None or self.corrections is None or not self._canCorrect(answer):
            return
        name, (first, last), tag = self._name(self._doubt), answer.wrong, answer.tag
        text = _("correct: {tag}").format(tag=rangeInWords(name, tag, first, last))
        self.corrections.edit(text, lambda labels: labels.set_range(name, first, last, tag))

    def _answerTo(self, doubt: SliceDoubt) -> TagAnswer | None:
        """Return what either answer means; None where the tag is not any more what was doubted."""
        labels, result = self._labels(), self._subject.result if self._subject is not None else None
        doubted = result.classes[doubt.className].doubted if result is not None else {}
        if labels is None or self._index not in doubted:
            return None
        row = labels.presence(self._name(doubt))
        isStill = self._index < len(row) and row[self._index] == doubted_tag(doubt.tagDoubt)
        return answer_of(row, doubted, self._index) if isStill else None

    def _canCorrect(self, answer: TagAnswer) -> bool:
        """Whether a tag would count: boxes, points and what is painted count more."""
        labels = self._labels()
        if labels is None or self._doubt is None:
            return False
        name, after = self._name(self._doubt), replace(labels)
        after.set_range(name, *answer.wrong, answer.tag)
        return bool(after.presence(name)[self._index] == answer.tag)

    def _labels(self) -> VolumeLabels | None:
        return _labelsOf(self._subject, self.corrections)

    def _name(self, doubt: SliceDoubt) -> str:
        return _nameNow(self._subject, self.corrections, doubt.className) if self._subject else doubt.className


def _labelsOf(subject: ReviewSubject | None, corrections: Corrections | None) -> VolumeLabels | None:
    """The labels of the volume, if they count slices along the axis of the result."""
    labels = corrections.labelsNow if corrections is not None else None
    result = subject.result if subject is not None else None
    return labels if labels is not None and result is not None and labels.axis == result.axis else None


def _nameNow(subject: ReviewSubject, corrections: Corrections | None, name: str) -> str:
    """How a class of the run is called now, as far as its mask teaches."""
    return taughtClasses(subject, corrections).get(name, name)
