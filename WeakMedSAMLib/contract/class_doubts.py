"""What low confidence in a class is about, on which slices, and what a reader can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from WeakMedSAMLib.contract.labels.spans import spans_in_words, spans_of_slices
from WeakMedSAMLib.contract.quality import EXTENT_DOUBTED, PLACE_DOUBTED, PLACE_UNSAID, Advice, ClassQuality

_TEXTS = {
    PLACE_DOUBTED: "'{class}': place unsure (slices: {slices}); put a box around it on slice {slice}.",
    EXTENT_DOUBTED: "'{class}': extent unsure (slices: {slices}); correct these slices.",
    PLACE_UNSAID: (
        "'{class}': no label says where it is (unsure slices: {slices}); tag it, or put a box around it on slice "
        "{slice}."
    ),
}
_MOST_RANGES = 6


def class_doubts(classes: Mapping[str, ClassQuality]) -> list[Advice]:
    """Return what is doubted of each class of low confidence in a volume, the least sure one first.

    Codes are of `quality.CLASS_DOUBTS`. Values are the class, its slices with low confidence as one writes ranges, and
    the slice on which it is largest. Files of before do not say it: of their classes there is nothing.
    """
    found = [(name, quality) for name, quality in classes.items() if quality.unsure_of and quality.unsure_on]
    return [_doubt(name, quality) for name, quality in sorted(found, key=lambda one: one[1].confidence or 0.0)]


def _doubt(name: str, quality: ClassQuality) -> Advice:
    spans = spans_of_slices(quality.unsure_on)
    slices = spans_in_words(spans[:_MOST_RANGES]) + (", ..." if len(spans) > _MOST_RANGES else "")
    middle = quality.unsure_on[len(quality.unsure_on) // 2]
    largest = quality.pixels.index(max(quality.pixels)) if any(quality.pixels) else middle
    values: dict[str, Any] = {"class": name, "slices": slices, "slice": largest}
    return Advice(quality.unsure_of, _TEXTS[quality.unsure_of].format(**values), values)
