"""Last stage: the trained model on every volume of the cohort, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Event, Progress, Stage, Warning_
from WeakMedSAMLib.contract.tags import ABSENT, PRESENT
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.cam import activation_maps, slice_probabilities
from WeakMedSAMLib.engine.cohort import CohortVolume
from WeakMedSAMLib.engine.geometry import from_slice_stack
from WeakMedSAMLib.engine.metrics import slice_dice
from WeakMedSAMLib.engine.model import TrainedModel
from WeakMedSAMLib.engine.pam import resized
from WeakMedSAMLib.engine.quality import ClassEvidence, quality_report
from WeakMedSAMLib.engine.refine import redrawn, smoothed_along_z, without_loose_pieces
from WeakMedSAMLib.engine.results import VolumeResult
from WeakMedSAMLib.engine.segmenter import CERTAIN, UNKNOWN, PseudoMask, segment
from WeakMedSAMLib.engine.settings import MethodSettings
from WeakMedSAMLib.engine.slices import VolumeSlices
from WeakMedSAMLib.engine.volumes import read_geometry

STAGE = "masks"
# Below this probability an untagged slice is not searched for a class.
_SHOWN = 0.3

Report = Callable[[Event], None]


def mask_volumes(
    cohort: Sequence[CohortVolume],
    volumes: Sequence[VolumeSlices],
    classes: ClassTable,
    settings: MethodSettings,
    trained: TrainedModel,
    backbone: Backbone,
    report: Report,
    learned: Sequence[PseudoMask] = (),
) -> Iterator[tuple[CohortVolume, VolumeResult]]:
    """Masks, probabilities and quality of every volume.

    Slices are searched for a class where its tag says present, or where there is no tag and the classifier finds it
    likely; where its tag says absent there is no mask. What the network was taught of a
    slice (`learned`) counts as much as what it says of it now: two opinions, one of this patient, one of all.
    """
    report(Stage(stage=STAGE, state="started"))
    unsure = 0
    for done, (source, volume) in enumerate(zip(cohort, volumes, strict=True)):
        result = volume_result(
            source, volume, classes, settings, trained, backbone, [m for m in learned if m.volume == done]
        )
        unsure += bool(result.quality["low_confidence"])
        yield source, result
        report(Progress(STAGE, done + 1, len(volumes)))
    if unsure:
        report(_low_confidence(unsure, len(volumes), result.quality))
    report(Stage(stage=STAGE, state="finished"))


def volume_result(
    source: CohortVolume,
    volume: VolumeSlices,
    classes: ClassTable,
    settings: MethodSettings,
    trained: TrainedModel,
    backbone: Backbone,
    learned: Sequence[PseudoMask] = (),
) -> VolumeResult:
    """Everything about one volume, in its own geometry."""
    geometry = read_geometry(source.path)
    activation = activation_maps(
        trained.classifier, trained.projection(volume.features.levels[backbone.info.cam_level])
    )
    likely = slice_probabilities(activation)
    searched = np.where(volume.tags == PRESENT, True, (volume.tags != ABSENT) & (likely >= _SHOWN))
    indices = np.flatnonzero(searched.any(1))
    coarse = segment(trained.segmenter, volume, indices, backbone.device)
    concord = _average_in(coarse, indices, learned)
    stacks, evidence = {}, {}
    for column, entry in enumerate(classes):
        rows = np.flatnonzero(searched[indices, column])
        masks, agreement = _class_masks(coarse[rows, column], indices[rows], volume, settings, backbone)
        stacks[entry.label_value] = _in_slices(masks, indices[rows], volume)
        evidence[entry.name] = (agreement * concord[rows, column], indices[rows], likely[:, column])
    labels = _labels(stacks)
    seen = {entry.name: _evidence(*evidence[entry.name], labels == entry.label_value) for entry in classes}
    quality = quality_report(
        classes, volume.tags, seen, trained.patients, volume.intensity.to_json(), geometry.voxel_ml
    )
    return _result(labels, stacks, quality, source.axis)


def _average_in(coarse: np.ndarray, indices: np.ndarray, learned: Sequence[PseudoMask]) -> np.ndarray:
    """Average the pseudo-masks of the same slices into n x C x h x w probabilities, in place.

    Returns their concord before: n x C Dice, 1 where there is no pseudo-mask.
    """
    rows = {int(index): row for row, index in enumerate(indices)}
    concord = np.ones(coarse.shape[:2], np.float32)
    for mask in learned:
        row = rows[mask.index]
        for column in np.flatnonzero((mask.probability != UNKNOWN).any((1, 2))):
            own, seen = mask.probability[column] / np.float32(CERTAIN), coarse[row, column]
            concord[row, column] = slice_dice(own[None] > 0.5, seen[None] > 0.5, both_empty=1.0)[0]
            coarse[row, column] = 0.5 * (own + seen)
    return concord


def _class_masks(
    coarse: np.ndarray, indices: np.ndarray, volume: VolumeSlices, settings: MethodSettings, backbone: Backbone
) -> tuple[np.ndarray, np.ndarray]:
    """Refined masks n x h x w of one class and the agreement behind them, n.

    The mask decoder redraws them at its own resolution, for small pieces are mostly edge.
    """
    masks, agreement = coarse, np.where(coarse.max((1, 2), initial=0) > 0.5, 1.0, np.nan)
    if settings.box_refinement:
        masks = resized(torch.from_numpy(masks), backbone.info.input_size).numpy()
    if settings.z_consistency:
        masks = smoothed_along_z(masks, indices)
    if settings.box_refinement:
        masks, agreement = redrawn(masks, indices, dict(volume.features.levels), backbone)
    if settings.z_consistency:
        masks = without_loose_pieces(smoothed_along_z(masks, indices))
    return masks, agreement


def _in_slices(masks: np.ndarray, indices: np.ndarray, volume: VolumeSlices) -> np.ndarray:
    """Masks over the frame as uint8 probabilities on the pixels of all slices: S x rows x columns."""
    frame = volume.frame
    stack = np.zeros((volume.n_slices, frame.rows, frame.columns), np.uint8)
    for index, mask in zip(indices, masks, strict=True):
        stack[index] = np.rint(np.clip(frame.from_frame(mask), 0, 1) * 255)
    return stack


def _labels(stacks: dict[int, np.ndarray]) -> np.ndarray:
    """Label value of the most probable class where any is above one half: S x rows x columns."""
    first = next(iter(stacks.values()))
    best = np.full(first.shape, 127, np.uint8)
    labels = np.zeros(first.shape, np.uint8 if max(stacks) < 256 else np.uint16)
    for value, stack in stacks.items():
        higher = stack > best
        labels[higher] = value
        best[higher] = stack[higher]
    return labels


def _evidence(agreement: np.ndarray, indices: np.ndarray, likely: np.ndarray, mask: np.ndarray) -> ClassEvidence:
    everywhere = np.full(len(likely), np.nan, np.float32)
    everywhere[indices] = agreement
    return ClassEvidence(everywhere, likely, np.count_nonzero(mask, axis=(1, 2)))


def _result(labels: np.ndarray, stacks: dict[int, np.ndarray], quality: dict, axis: str) -> VolumeResult:
    probabilities = {value: from_slice_stack(stack, axis) for value, stack in stacks.items()}
    return VolumeResult(from_slice_stack(labels, axis), probabilities, quality)


def _low_confidence(unsure: int, total: int, quality: dict) -> Warning_:
    return Warning_(
        code="low_confidence",
        message=f"Low confidence in {unsure} of {total} volume(s): look at every slice before you use these masks.",
        hint=quality["advice"] or "Volumes and slices to look at first are listed in quality.json.",
    )
