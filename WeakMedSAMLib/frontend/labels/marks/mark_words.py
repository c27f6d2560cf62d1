"""Points and boxes in words: what they are, and where boxes are missing. Neither Qt nor MRML."""

from __future__ import annotations

from collections import Counter

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.marks import slices_of
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.spans import spans_in_words, spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.marks.mark_finding import BOX, NOT, POINT, Mark, kindOf, marksOn
from WeakMedSAMLib.frontend.labels.tag_words import tagOf


def kindInWords(mark: Mark, labels: VolumeLabels) -> str:
    """Return what kind of mark it is, for a column of a list."""
    if isinstance(mark, Box):
        first, last = slices_of(mark, labels)
        word = _("box in 3-D") if first != last else _("box")
        return _("{box}, all of it").format(box=word) if mark.complete else word
    return _("point") if mark.shows else _("not here")


def slicesInWords(mark: Mark, labels: VolumeLabels) -> str:
    """Return the slices of a mark, such as "41" or "40-52"."""
    first, last = slices_of(mark, labels)
    return str(first) if first == last else f"{first}-{last}"


def markInWords(mark: Mark, labels: VolumeLabels) -> str:
    """Return a mark, its class and where it lies, such as "box of 'liver' on slice 41"."""
    first, last = slices_of(mark, labels)
    if first != last:
        text = _("box of '{name}' on slices {first} to {last}")
        return text.format(name=mark.class_name, first=first, last=last)
    texts = {
        BOX: _("box of '{name}' on slice {index}"),
        POINT: _("point of '{name}' on slice {index}"),
        NOT: _("point that is not '{name}' on slice {index}"),
    }
    return texts[kindOf(mark)].format(name=mark.class_name, index=first)


def marksOfSlice(labels: VolumeLabels, className: str, index: int) -> str:
    """Return what of a class lies on a slice, such as "box, 2 × point"; empty if nothing does."""
    counts = Counter(kindInWords(mark, labels) for mark in marksOn(labels, className, index))
    return ", ".join(word if count == 1 else f"{count} × {word}" for word, count in counts.items())


def noteOfSlice(labels: VolumeLabels | None, className: str, index: int | None) -> str:
    """Return what of a class lies on a slice, and whether an untagged slice counts as present by it; may be empty."""
    if labels is None or index is None or not labels.further:
        return ""
    words = marksOfSlice(labels, className, index)
    isShown = any(mark.shows for mark in marksOn(labels, className, index))
    if not isShown or tagOf(labels, className, index) != UNTAGGED:
        return words
    return _("{marks}: counts as present").format(marks=words)


def gapsInWords(labels: VolumeLabels | None, className: str) -> str:
    """Return the ranges of slices that show a class and hold no box of it, such as "40-52, 60"; empty without any."""
    if labels is None or not className:
        return ""
    boxed = [slices_of(box, labels) for box in BOXES.marks(labels, className)]
    spans = spans_of(labels.presence(className), PRESENT)
    return spans_in_words(
        [span for span in spans if not any(first <= span.last and span.first <= last for first, last in boxed)]
    )
