"""Corrections in words: what undo takes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.spans import slices_in_words
from WeakMedSAMLib.frontend.results.correction_edits import SliceEdit, slicesByClass


def editInWords(edits: Iterable[SliceEdit]) -> str:
    """Return what was edited, such as "correct slices 8-12 of 'liver'"."""
    one, many = _("correct slice {slices} of '{name}'"), _("correct slices {slices} of '{name}'")
    return _inWords(slicesByClass(edits), one, many, _("correct {count} classes on slices {slices}"))


def givenBackInWords(slices: Mapping[str, Iterable[int]]) -> str:
    """Return what was given back to the machine, by class."""
    one, many = _("give slice {slices} of '{name}' back"), _("give slices {slices} of '{name}' back")
    return _inWords(slices, one, many, _("give {count} classes on slices {slices} back"))


def _inWords(slices: Mapping[str, Iterable[int]], one: str, many: str, several: str) -> str:
    indices = sorted({index for each in slices.values() for index in each})
    text = several if len(slices) > 1 else one if len(indices) == 1 else many
    numbers = slices_in_words(indices)
    return text.format(slices=numbers, name=next(iter(slices), ""), count=len(slices))
