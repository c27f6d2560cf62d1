"""From drawn masks to the result of a volume: label maps, probabilities, quality, in the volume's own geometry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import ndimage

from WeakMedSAMLib.contract.class_doubts import class_doubts
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.events import Stage, Warning_, refer_to
from WeakMedSAMLib.contract.labels.spans import spans_of_slices
from WeakMedSAMLib.contract.quality import Quality
from WeakMedSAMLib.contract.stages import MASKS as STAGE
from WeakMedSAMLib.engine.base.memory import release_free_memory
from WeakMedSAMLib.engine.base.reporting import Report, Work
from WeakMedSAMLib.engine.data.geometry import from_slice_stack
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.parts.components import inner_part
from WeakMedSAMLib.engine.parts.label_layers import LabelLayers
from WeakMedSAMLib.engine.parts.quality import ClassEvidence, quality_report
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN, UNKNOWN, KnownPixels
from WeakMedSAMLib.engine.supervision.supervision import Supervision

_HALF = 127  # of 0..255: a mask is above it
_BEST_GUESS = 0.5  # of the peak of a class on a slice where nothing is above one half
_SMALLER = 0.5  # of the area on the slice beside, where a class is drawn by that alone


@dataclass(frozen=True, eq=False)
class VolumeResult:
    """What is known about one volume at the end.

    Parameters
    ----------
    layers : numpy.ndarray
        Label values, 0 for none; layers x k x j x i, unsigned integers. Each class is on the layer that
        `ClassTable.layers` says: on the same one are only classes that exclude each other.
    probabilities : mapping of int to numpy.ndarray
        Label value -> uint8 map k x j x i, 0..255 for 0..1.
    quality : Quality
        How far they can be trusted.
    """

    layers: np.ndarray
    probabilities: Mapping[int, np.ndarray] = field(default_factory=dict)
    quality: Quality = field(default_factory=Quality)


Results = Iterator[tuple[CohortVolume, VolumeResult]]  # volume by volume


@dataclass(frozen=True)
class DrawnClass:
    """What was drawn of one class on n of S slices.

    Attributes
    ----------
    masks : numpy.ndarray
        n x h x w probabilities over the input frame.
    indices : numpy.ndarray
        n slice indices.
    agreement : numpy.ndarray
        n: how far the ways to draw them agree; NaN where there is nothing to compare.
    likely : numpy.ndarray
        S: probability that a slice shows the class.
    size : numpy.ndarray, optional
        n: how much each counts in the volume, see `ClassEvidence`.
    concord : numpy.ndarray, optional
        n: see `ClassEvidence`.
    """

    masks: np.ndarray
    indices: np.ndarray
    agreement: np.ndarray
    likely: np.ndarray
    size: np.ndarray | None = None
    concord: np.ndarray | None = None


def tell_results(
    cohort: Sequence[CohortVolume],
    volumes: Iterable[VolumeSlices],
    report: Report,
    result_of: Callable[[CohortVolume, VolumeSlices, int], VolumeResult],
) -> Results:
    """Results volume by volume, by source, slices and number in the cohort, with events for them.

    Progress is that of `Work.of_stage` with a part for each volume: `result_of` may tell of its own part, too.
    """
    report(Stage(stage=STAGE, state="started"))
    unsure: list[tuple[str, Quality]] = []
    work = Work.of_stage(report, STAGE, len(cohort))
    for number, (source, volume) in enumerate(zip(cohort, volumes, strict=True)):
        tell = work.part()
        result = result_of(source, volume, number)
        if result.quality.low_confidence:
            unsure.append((source.id, result.quality))
        yield source, result
        release_free_memory()
        tell(1, 1)
    if unsure:
        report(_low_confidence([quality for _volume, quality in unsure], len(cohort)))
    for volume_id, quality in unsure:
        if doubts := class_doubts(quality.classes):
            report(_doubts_in(volume_id, quality, [each.to_json() for each in doubts]))
    report(Stage(stage=STAGE, state="finished"))


def assemble_result(
    source: CohortVolume,
    volume: VolumeSlices,
    classes: ClassTable,
    drawn: Iterable[DrawnClass],
    patients: int,
    guess: bool = True,
) -> VolumeResult:
    """The result of one volume.

    Parameters
    ----------
    source, volume
        It, as it is and as the method saw it.
    classes : ClassTable
    drawn : iterable of DrawnClass
        Class by class; each is let go before the next.
    patients : int
        Patients that the model learned from.
    guess : bool
        Draw the likeliest piece of a class on slices that show it and have nothing of it above one half.
    """
    stacks, evidence = {}, {}
    for entry, one in zip(classes, drawn, strict=True):
        stacks[entry.label_value] = _fill_slices(one.masks, one.indices, volume)
        evidence[entry.name] = _evidence(one)
    _put_known(list(stacks.values()), list(evidence.values()), volume.supervision.known)
    labels = LabelLayers.of(classes, stacks, _HALF)
    for column, index in _fill_empty(labels, list(stacks.values()), volume.supervision) if guess else ():
        evidence[classes[column].name].agreement[index] = 0
    seen = {
        entry.name: replace(evidence[entry.name], pixels=np.count_nonzero(labels.mask(column), axis=(1, 2)))
        for column, entry in enumerate(classes)
    }
    voxel_ml = source.scan.geometry.voxel_ml
    quality = quality_report(classes, volume.tags, seen, patients, volume.intensity.to_json(), voxel_ml)
    probabilities = {value: from_slice_stack(stack, source.axis) for value, stack in stacks.items()}
    return VolumeResult(from_slice_stack(labels.layers, source.axis), probabilities, quality)


def _evidence(drawn: DrawnClass) -> ClassEvidence:
    """What is known of a class on all slices; its pixels are not counted yet."""
    size, concord = (None if values is None else _spread(values, drawn) for values in (drawn.size, drawn.concord))
    nothing = np.zeros(len(drawn.likely), int)
    return ClassEvidence(_spread(drawn.agreement, drawn), drawn.likely, nothing, size, concord)


def _spread(values: np.ndarray, drawn: DrawnClass) -> np.ndarray:
    """Values of the slices on which a class was drawn on all S slices, NaN where nothing was drawn."""
    spread = np.full(len(drawn.likely), np.nan, np.float32)
    spread[drawn.indices] = values
    return spread


def _fill_slices(masks: np.ndarray, indices: np.ndarray, volume: VolumeSlices) -> np.ndarray:
    """Masks over the frame as uint8 probabilities on the pixels of all slices: S x rows x columns."""
    frame = volume.frame
    stack = np.zeros((volume.n_slices, frame.rows, frame.columns), np.uint8)
    for index, mask in zip(indices, masks, strict=True):
        stack[index] = np.rint(np.clip(frame.from_frame(mask), 0, 1) * 255)
    return stack


def _put_known(stacks: Sequence[np.ndarray], evidence: Sequence[ClassEvidence], known: KnownPixels) -> None:
    """Probabilities S x rows x columns of each class, as they are known where they are known, in place.

    On slices of which all pixels of a class are known, it is as it should be: full agreement.
    """
    for index, pixels in known.items():
        for stack, found, own in zip(stacks, evidence, pixels, strict=True):
            stack[index][own == SHOWN] = 255
            stack[index][own == NOT_SHOWN] = 0
            if (own != UNKNOWN).all():
                found.agreement[index] = 1


def _fill_empty(labels: LabelLayers, stacks: Sequence[np.ndarray], supervision: Supervision) -> list[tuple[int, int]]:
    """Label a class on slices that show it and have nothing of it, in place; returns column and slice of each guess.

    Something is there, so that a guess is better than none: the inner part of what the nearest slice of the same
    stretch has, since a class becomes smaller towards its end; where there is none, the piece that is most likely.
    """
    guessed = []
    for column, stack in enumerate(stacks):
        mask = labels.mask(column)
        for stretch in spans_of_slices(supervision.present(column).tolist()):
            found = mask[stretch.first : stretch.last + 1]
            filled = np.flatnonzero(found.any((1, 2)))
            for row in np.flatnonzero(~found.any((1, 2))).tolist():
                index, beside = stretch.first + row, np.zeros_like(found[row])
                if len(filled):
                    near = int(filled[np.abs(filled - row).argmin()])
                    beside = inner_part(found[near], _SMALLER ** abs(near - row))
                known = supervision.known.get(index)
                allowed = np.ones_like(beside) if known is None else known[column] != NOT_SHOWN
                place = _guess(labels.is_free(column, index), beside & allowed, stack[index])
                if place.any():
                    labels.put(column, index, place)
                    guessed.append((column, index))
    return guessed


def _guess(is_free: np.ndarray, beside: np.ndarray, likely: np.ndarray) -> np.ndarray:
    """Where a class may be on a slice, if possible where it is free of those that exclude it; nothing if nowhere."""
    if (beside & is_free).any():
        return beside & is_free
    if (free := np.where(is_free, likely, 0)).any():
        return _piece_at_peak(free.astype(np.float32))
    # Of what others have it gets the place where it is most likely, and leaves them the rest.
    place = np.zeros(likely.shape, bool)
    place.flat[int(likely.argmax())] = likely.any()
    return place


def _piece_at_peak(likely: np.ndarray) -> np.ndarray:
    """The connected pixels around the peak of a slice that reach half of it."""
    pieces, _ = ndimage.label(likely > _BEST_GUESS * likely.max())
    return pieces == pieces.flat[int(likely.argmax())]


def _low_confidence(unsure: Sequence[Quality], total: int) -> Warning_:
    """The warning, with the advice of the first volume that has one."""
    count, advice = len(unsure), next((one.advice for one in unsure if one.advice), None)
    where = f"{count} of {counted(total, 'volume')}"
    return Warning_(
        code="low_confidence",
        message=f"Low confidence in {where}: look at every slice before you use these masks.",
        hint=advice.message if advice else "Volumes and slices to look at first are listed in quality.json.",
        values={"unsure": count, "total": total, "advice": advice.to_json() if advice else None},
    )


def _doubts_in(volume_id: str, quality: Quality, doubts: list[dict[str, Any]]) -> Warning_:
    """What is doubted of the classes of one volume."""
    percent = round(100 * (quality.confidence or 0))
    return Warning_(
        code="volume_unsure",
        message=f"Confidence in {refer_to(volume_id)}: {percent} %.",
        hint=" ".join(each["message"] for each in doubts),
        values={"volume": refer_to(volume_id), "percent": percent, "advice": doubts},
        volume=volume_id,
    )
