"""Slices of a result that are worth a look, one row a slice: what is unsure of which class there, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.quality import ALONE, GOES_ON, MISSED, RANGE, RANGE_END, SWAPPED, ClassQuality
from WeakMedSAMLib.contract.slice_doubts import (
    GOOD,
    OUTLINE,
    PERHAPS_ABSENT,
    PERHAPS_MISSED,
    slices_to_look_at,
    why_unsure,
)
from WeakMedSAMLib.frontend.results.run_results import StoredResult

# What a reader said since of a tag that was doubted.
CONFIRMED_TAG, CORRECTED_TAG = "confirmed", "corrected"


@dataclass(frozen=True)
class SliceDoubt:
    """What is not certain of one class on one slice.

    Attributes
    ----------
    className : str
    confidence : float
        0..1.
    isMissing : bool
        Whether the slice is tagged present and nothing was drawn.
    probability : float or None
        That the slice shows the class, by the classifier; None where nobody said, or a tag does.
    isChanged : bool
        Whether the last update drew it otherwise than before.
    isTagged : bool
        Whether a tag says that the slice shows the class.
    tagDoubt : str
        Why that tag is doubted, of `contract.quality.TAG_DOUBTS`; empty where it is not.
    looksLike : tuple of str
        The classes that it may be instead, where it looks like another one.
    tagAnswer : str
        `CONFIRMED_TAG` or `CORRECTED_TAG` once a reader answered that; empty before.
    """

    className: str
    confidence: float
    isMissing: bool = False
    probability: float | None = None
    isChanged: bool = False
    isTagged: bool = False
    tagDoubt: str = ""
    looksLike: tuple[str, ...] = ()
    tagAnswer: str = ""

    @property
    def isTagOpen(self) -> bool:
        """Whether its tag is doubted, and nobody said yet whether it is right."""
        return bool(self.tagDoubt) and not self.tagAnswer

    def tagReason(self) -> str:
        """Say why its tag is doubted, or what became of that."""
        if self.tagAnswer:
            return _("tag confirmed") if self.tagAnswer == CONFIRMED_TAG else _("tag corrected")
        return _("tag? {why}").format(why=tagDoubtInWords(self.tagDoubt, self.looksLike))

    def confidenceInWords(self) -> str:
        """Return the confidence as "41 %"; that of a drawing that is not there is none."""
        return "–" if self.isMissing else _("{percent} %").format(percent=round(self.confidence * 100))

    def reason(self) -> str:
        """Say in a few words what is in doubt; empty where that is not known, and where hardly anything is."""
        if self.isMissing:
            return _("not drawn")
        if self.isChanged:
            return _("changed by the update")
        if self.tagDoubt:
            return self.tagReason()
        if self.confidence >= GOOD:
            return ""
        if self.probability is None:
            return _("outline unsure") if self.isTagged else ""
        return whyInWords(why_unsure(self.confidence, self.probability))

    def inWords(self) -> str:
        """Return all of it in one line."""
        if self.isMissing:
            return _("{name}: tagged present, nothing drawn").format(name=self.className)
        words = [f"{self.className}: {self.confidenceInWords()}", self.reason()]
        return ", ".join(word for word in words if word)


class SliceState(Enum):
    """How far the review of a slice is, by a sign and in words."""

    FINE = "✓", _("marked as fine")
    NOT_DRAWN = "⚠", _("tagged present, nothing drawn")
    UNSURE = "?", _("unsure")
    SURE = "·", _("rather sure")

    @property
    def sign(self) -> str:
        """One letter."""
        return self.value[0]

    @property
    def words(self) -> str:
        """What the sign stands for."""
        return self.value[1]


@dataclass(frozen=True)
class SliceRow:
    """One slice: its 0-based index, and what is not certain there, the most changed or least sure class first."""

    index: int
    doubts: tuple[SliceDoubt, ...]

    @property
    def worst(self) -> SliceDoubt:
        """What to look at first."""
        return self.doubts[0]

    def isFine(self, fine: Mapping[str, Collection[int]]) -> bool:
        """Say whether a reader called all classes fine here that are in doubt (class name -> slices)."""
        return all(self.index in fine.get(doubt.className, ()) for doubt in self.doubts)

    def state(self, fine: Mapping[str, Collection[int]]) -> SliceState:
        """Return how far its review is."""
        if self.isFine(fine):
            return SliceState.FINE
        if any(doubt.isMissing for doubt in self.doubts):
            return SliceState.NOT_DRAWN
        isUnsure = any(doubt.confidence < GOOD or doubt.isTagOpen for doubt in self.doubts)
        return SliceState.UNSURE if isUnsure else SliceState.SURE


def sliceRows(result: StoredResult, changed: Mapping[str, Mapping[int, int]] | None = None) -> list[SliceRow]:
    """List the slices that are worth a look, the least sure first, those where nothing was drawn before the others.

    Slices about which there is no doubt (such as those tagged absent) are left out. Those that an update changed come
    before all others (`changed`: class name -> slice -> pixels).
    """
    changed = changed or {}
    return [
        SliceRow(index, tuple(_doubt(name, result.classes, index, changed.get(name, {})) for name in names))
        for index, names in slices_to_look_at(result.classes, changed)
    ]


def slicesInDoubt(rows: Collection[SliceRow], className: str) -> set[int]:
    """Return the slices on which a class is in doubt."""
    return {row.index for row in rows if any(doubt.className == className for doubt in row.doubts)}


def _doubt(name: str, classes: Mapping[str, ClassQuality], index: int, changed: Mapping[int, int]) -> SliceDoubt:
    quality = classes[name]
    isKnown = index < len(quality.slice_probability)
    # Whether the slice shows the class is no question where a tag says it.
    isTagged = quality.tagged is not None and index in quality.tagged
    probability = quality.slice_probability[index] if isKnown and not isTagged else None
    isMissing, tagDoubt = index in quality.present_without_mask, quality.doubted.get(index, "")
    confidence = quality.slice_confidence[index]
    others = (each for each, other in classes.items() if other.doubted.get(index) in (MISSED, GOES_ON))
    looksLike = tuple(each for each in others if each != name) if tagDoubt == SWAPPED else ()
    return SliceDoubt(name, confidence, isMissing, probability, index in changed, isTagged, tagDoubt, looksLike)


def whyInWords(code: str) -> str:
    """Say why a slice is unsure where no tag is in question, by a code of `slice_doubts.why_unsure`."""
    return {
        OUTLINE: _("outline unsure"),
        PERHAPS_MISSED: _("perhaps missed"),
        PERHAPS_ABSENT: _("perhaps not there"),
    }[code]


def tagDoubtInWords(code: str, looksLike: Collection[str] = ()) -> str:
    """Say what seems to be wrong with a tag, by what other patients taught."""
    if looksLike:
        return _("looks like {names} (swapped?)").format(names=", ".join(looksLike))
    return {
        RANGE_END: _("the range seems to end before"),
        ALONE: _("shown alone, does not look like the class"),
        RANGE: _("this whole range does not look like the class: wrong volume?"),
        SWAPPED: _("looks like another class (swapped?)"),
        GOES_ON: _("tagged absent, the range seems to go on"),
        MISSED: _("tagged absent, but looks like the class"),
    }[code]
