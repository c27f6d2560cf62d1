"""Which slices of a result are worth a look, and in which order: the same for whoever lists or chooses them."""

from __future__ import annotations

from collections.abc import Mapping

from WeakMedSAMLib.contract.quality import ClassQuality

# Why a class is unsure on a slice where no tag is in question: its edge; an untagged slice on which it is perhaps
# missed, or perhaps not there.
OUTLINE, PERHAPS_MISSED, PERHAPS_ABSENT = ("outline", "perhaps_missed", "perhaps_absent")
# Below it a slice is unsure: what the window calls good is not.
GOOD = 0.85
# At most so sure is a slice whose tag is doubted.
TAG_DOUBTED = 0.5
# From here on there is no doubt, as on slices that are tagged absent.
_CERTAIN = 0.995
# Below it the classifier itself doubts that a slice shows a class.
_SHOWN = 0.7
_ROUNDED = 0.0015


def slices_to_look_at(
    classes: Mapping[str, ClassQuality], changed: Mapping[str, Mapping[int, int]] | None = None
) -> list[tuple[int, list[str]]]:
    """Return the slices on which a class is in doubt, and which these are, the least sure first in both.

    What is tagged present and was not drawn comes before all others. A slice whose tag is doubted is unsure, whatever
    was drawn on it. Slices about which there is no doubt are left out.
    Before all of that come those that changed, the most changed first, and on each the class that changed most.

    Parameters
    ----------
    classes : mapping
        Class name -> quality, of one volume.
    changed : mapping, optional
        Class name -> slice -> how many pixels were drawn otherwise than before.
    """
    doubts: dict[int, list[tuple[int, bool, float, str]]] = {}
    for name, quality in classes.items():
        missing, pixels = set(quality.present_without_mask), (changed or {}).get(name, {})
        for index, confidence in enumerate(quality.slice_confidence):
            count = pixels.get(index, 0)
            if index in quality.doubted:
                confidence = min(confidence, TAG_DOUBTED)
            if count or confidence < _CERTAIN or index in missing:
                doubts.setdefault(index, []).append((-count, index not in missing, confidence, name))
    ordered = {index: sorted(found, key=lambda doubt: doubt[:3]) for index, found in doubts.items()}

    def place(index: int) -> tuple[int, bool, float, int]:
        _count, is_drawn, confidence, _name = ordered[index][0]
        return sum(doubt[0] for doubt in ordered[index]), is_drawn, confidence, index

    return [(index, [doubt[3] for doubt in ordered[index]]) for index in sorted(ordered, key=place)]


def why_unsure(confidence: float, probability: float | None) -> str:
    """Return why a slice is unsure: `OUTLINE`, `PERHAPS_MISSED` or `PERHAPS_ABSENT`.

    Parameters
    ----------
    confidence : float
        Of the slice, as the engine makes it.
    probability : float or None
        That it shows the class, by the classifier; None where a tag says whether it does, or nobody.
    """
    if probability is None:
        return OUTLINE
    # As the engine makes it of a slice without tag and without mask.
    if abs(confidence - (1 - probability)) < _ROUNDED:
        return PERHAPS_MISSED
    return PERHAPS_ABSENT if probability < _SHOWN and confidence <= probability else OUTLINE
