"""What a reader should look at next in a cohort: which volume, class and slice, and what to do there.

A class whose place is unsure gets one proposal, a box, which is handed on to all of its slices; a class whose place is
sure gets one for each slice that is in doubt. What promises most comes first, see `STRATEGIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.marks import Voxel
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.spans import spans_of_slices
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.quality import PLACE_UNSURE, RANGE, TAG_DOUBTS, Advice, ClassQuality
from WeakMedSAMLib.contract.slice_doubts import GOOD, OUTLINE, PERHAPS_ABSENT, PERHAPS_MISSED, TAG_DOUBTED, why_unsure
from WeakMedSAMLib.contract.tag_answers import doubted_tag

# What to do: put a box around the class; draw, or correct what is drawn; look whether a tag is right, or give one.
BOX, CORRECT, TAG = GESTURES = ("box", "correct", "tag")
# Why, beside `PLACE_UNSURE`, the codes of `TAG_DOUBTS` and those of `why_unsure`: tagged present and not drawn.
NOT_DRAWN = "not_drawn"

Strategy = Callable[[ClassQuality], np.ndarray]


class VolumeState(NamedTuple):
    """What is known of the masks of one volume: class name -> quality, and what would help most."""

    classes: Mapping[str, ClassQuality]
    advice: Advice | None = None


@dataclass(frozen=True)
class Proposal:
    """One thing to do.

    Attributes
    ----------
    volume : str
        Id in the run.
    class_name : str
    index : int
        Slice.
    gesture : str
        Out of `GESTURES`.
    why : str
        `PLACE_UNSURE`, `NOT_DRAWN`, what `slice_doubts.why_unsure` returns, or a code of `TAG_DOUBTS`.
    confidence : float
        Of the slice, or of the class in the volume for a box; 0..1.
    gain : float
        What is in doubt: by `expected_loss` a share of the Dice of the class in the volume.
    slices : int
        How many slices it is about.
    tag : int or None
        What was said of the slice when the masks were drawn, see `presence`; None where that is not known.
    """

    volume: str
    class_name: str
    index: int
    gesture: str
    why: str
    confidence: float
    gain: float
    slices: int = 1
    tag: int | None = None


def least_sure(quality: ClassQuality) -> np.ndarray:
    """What is tagged present and not drawn first, then the least sure slice: the order within a volume."""
    gains = 1 - np.array(quality.slice_confidence, float)
    gains[_missing(quality)] = 2.0
    return gains


def expected_loss(quality: ClassQuality) -> np.ndarray:
    """How much of the Dice of the class in its volume a slice is expected to cost: 1 - confidence, by size.

    1 - Dice of a volume is the sum over its slices of 1 - Dice times their share of the pixels of both masks. A slice
    that is not drawn counts as large as the drawn ones are on the mean.
    """
    sizes, shown = _sizes(quality), _shown(quality)
    lost = (1 - np.array(quality.slice_confidence, float)) * sizes
    # What is neither drawn nor said to be there counts as much as it is likely to be missed.
    return np.asarray(lost / max(float(np.where(shown, sizes, lost).sum()), 1.0))


STRATEGIES: dict[str, Strategy] = {"least-sure": least_sure, "expected-loss": expected_loss}


def propose(volumes: Mapping[str, VolumeState], strategy: Strategy = expected_loss) -> list[Proposal]:
    """Return what to do in a cohort, what promises most first.

    Parameters
    ----------
    volumes : mapping
        Volume id -> what is known of its masks.
    strategy : callable
        What a slice of a class promises; `STRATEGIES` has some.
    """
    found = [
        proposal
        for volume, state in volumes.items()
        for name, quality in state.classes.items()
        for proposal in _of_class(volume, name, quality, _is_place_unsure(name, state), strategy)
    ]
    return sorted(found, key=lambda one: (-one.gain, one.confidence))


def by_slice(proposal: Proposal) -> list[Proposal]:
    """Return what is to be answered slice by slice as one proposal each: of a doubted stretch, all of its slices."""
    if proposal.why not in TAG_DOUBTS:
        return [proposal]
    slices = range(proposal.index, proposal.index + proposal.slices)
    return [replace(proposal, index=index, slices=slices.stop - index) for index in slices]


class Said(NamedTuple):
    """What labels say of a class in a volume: tags by slice (see `presence`), other slices, corners of boxes."""

    tags: np.ndarray
    painted: Collection[int]
    confirmed: Collection[int]
    boxes: Set[tuple[Voxel, ...]]


def said_of(labels: VolumeLabels, class_name: str) -> Said:
    """Return what labels say by now, with slices counted as in proposals, of a class as it is called now."""
    painted, confirmed = PAINTED.slices(labels, class_name), CONFIRMED.slices(labels, class_name)
    boxes = frozenset(box.corners for box in BOXES.marks(labels, class_name))
    return Said(labels.presence(class_name), painted, confirmed, boxes)


def is_settled(proposal: Proposal, said: Said, boxes: Set[tuple[Voxel, ...]]) -> bool:
    """Say whether a reader did on its slice what is proposed, or said otherwise, since masks were drawn.

    Parameters
    ----------
    proposal : Proposal
    said : Said
        Of the class in the volume.
    boxes : set
        The boxes of the class that there were when the masks were drawn, as in `Said`.
    """
    if proposal.index in said.painted or (proposal.why in TAG_DOUBTS and proposal.index in said.confirmed):
        return True
    if proposal.gesture == BOX:
        return not said.boxes <= boxes
    now = int(said.tags[proposal.index]) if proposal.index < len(said.tags) else UNTAGGED
    if proposal.why == OUTLINE:
        return now == ABSENT
    # Where files of before do not say what was tagged, a slice of which it is asked whether it shows the class was not.
    before = UNTAGGED if proposal.why in (PERHAPS_ABSENT, PERHAPS_MISSED) else proposal.tag
    return before is not None and now != before


def _of_class(
    volume: str, name: str, quality: ClassQuality, is_place_unsure: bool, strategy: Strategy
) -> Iterator[Proposal]:
    stretches = [*_doubted_stretches(quality)]
    quality = replace(quality, slice_confidence=_with_doubts(quality))
    gains, confidences = strategy(quality), quality.slice_confidence
    for first, last, tag in stretches:
        slices = slice(first, last + 1)
        least, gain = min(confidences[slices]), float(gains[slices].sum())
        yield Proposal(volume, name, first, TAG, quality.doubted[first], least, gain, last + 1 - first, tag)
    if RANGE in quality.doubted.values():
        return  # of another volume, perhaps: nothing is to be drawn before that is known
    shown, sure = np.flatnonzero(_shown(quality)), quality.confidence or 0.0
    if is_place_unsure and sure < GOOD and len(shown):
        gain = float(gains[shown].sum())
        yield Proposal(volume, name, _largest(quality), BOX, PLACE_UNSURE, sure, gain, len(shown))
        return
    missing, tagged = {*_missing(quality)}, None if quality.tagged is None else {*quality.tagged}
    for index, confidence in enumerate(confidences):
        if index not in quality.doubted and (confidence < GOOD or index in missing):
            is_tagged = index in missing or (tagged is not None and index in tagged)
            why = NOT_DRAWN if index in missing else _why(quality, index, is_tagged)
            gesture = CORRECT if why in (NOT_DRAWN, OUTLINE) else TAG
            # On slices that are tagged absent there is no doubt.
            then = PRESENT if is_tagged else None if tagged is None else UNTAGGED
            yield Proposal(volume, name, index, gesture, why, confidence, float(gains[index]), tag=then)


def _with_doubts(quality: ClassQuality) -> list[float]:
    """Confidence by slice, at most a half where a tag is doubted."""
    known = enumerate(quality.slice_confidence)
    return [min(sure, TAG_DOUBTED) if index in quality.doubted else sure for index, sure in known]


def _doubted_stretches(quality: ClassQuality) -> Iterator[tuple[int, int, int]]:
    """First and last slice of neighbours whose tag is doubted for the same reason, and that tag."""
    count = len(quality.slice_confidence)
    for why in dict.fromkeys(quality.doubted.values()):
        slices = [index for index, code in quality.doubted.items() if code == why and index < count]
        for span in spans_of_slices(slices):
            yield span.first, span.last, doubted_tag(why)


def _why(quality: ClassQuality, index: int, is_tagged: bool) -> str:
    is_known = index < len(quality.slice_probability) and not is_tagged
    return why_unsure(quality.slice_confidence[index], quality.slice_probability[index] if is_known else None)


def _is_place_unsure(name: str, state: VolumeState) -> bool:
    """By the class itself; in files of before by the advice, which is about one class alone."""
    found = state.classes[name].place_unsure
    if found is not None or state.advice is None:
        return bool(found)
    return state.advice.code == PLACE_UNSURE and state.advice.values.get("class") == name


def _missing(quality: ClassQuality) -> list[int]:
    return [index for index in quality.present_without_mask if 0 <= index < len(quality.slice_confidence)]


def _sizes(quality: ClassQuality) -> np.ndarray:
    """Pixels of the mask by slice, the mean of the drawn ones where nothing is; alike where that was not kept."""
    count = len(quality.slice_confidence)
    if len(quality.pixels) != count:
        return np.ones(count)
    pixels = np.array(quality.pixels, float)
    return np.where(pixels > 0, pixels, pixels[pixels > 0].mean() if pixels.any() else 1.0)


def _shown(quality: ClassQuality) -> np.ndarray:
    """Slices with a mask, or that are tagged present; where pixels were not kept, all that are not surely without."""
    shown = np.zeros(len(quality.slice_confidence), bool)
    shown[_missing(quality)] = True
    if len(quality.pixels) == len(shown):
        return shown | (np.array(quality.pixels) > 0)
    return shown | (np.array(quality.slice_confidence, float) < 1)


def _largest(quality: ClassQuality) -> int:
    """The slice on which the class is largest as drawn; where that is not known the middle one that shows it."""
    if len(quality.pixels) == len(quality.slice_confidence) and any(quality.pixels):
        return int(np.argmax(quality.pixels))
    shown = np.flatnonzero(_shown(quality))
    return int(shown[len(shown) // 2])
