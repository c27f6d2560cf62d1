"""Stage: objects whose extent along the slices fits the tags of a class, taken as if they had been given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.stages import OBJECTS as STAGE
from WeakMedSAMLib.engine.base.reporting import Tell, Work
from WeakMedSAMLib.engine.base.state import stage_key
from WeakMedSAMLib.engine.features.levels import SomeSlices
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast import given as given_stage
from WeakMedSAMLib.engine.methods.fast.cohort_masks import evidence_of
from WeakMedSAMLib.engine.methods.fast.given import (
    GivenMasks,
    Marks,
    hand_on,
    handing_in,
    keep_masks,
    key_of_marks,
    stride_in,
)
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.tagged import SeenCohort
from WeakMedSAMLib.engine.parts.components import distinct_boxes
from WeakMedSAMLib.engine.parts.handing_on import Box, GivenBox, Handing
from WeakMedSAMLib.engine.parts.handing_ways import Drawn
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.object_tracks import (
    IN_COMMON,
    Track,
    assign,
    boxes_in_map,
    follow,
    in_common,
    is_followed,
    objects_at,
    slices_to_follow,
)
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.knowledge import classes_that_share

# Raised whenever the same labels give other masks, by `object_tracks` or here.
VERSION = 1

_PLACES = (0.5, 0.25, 0.75)  # where among the slices that show a class objects are looked for
_AT_ONCE = 24  # boxes that are drawn before a run may be ended: for each part of them the slice is prepared anew
_FITS, _FITS_WELL = 0.5, 0.9  # fits that are worth nothing, and all of the trust of a step
_ENOUGH = 0.8  # fit from which a class is looked for no further


@dataclass(frozen=True)
class _Maps:
    """Evidence P x m x m of each class on the slices of one volume that show it; None where there is none."""

    volume: VolumeSlices
    by_class: Sequence[np.ndarray | None]

    def boxes(self, columns: Sequence[int], place: float, size: int) -> dict[int, np.ndarray]:
        """Slice -> boxes N x 4 of the input frame, `size` pixels wide, around what some classes may be.

        For each class one slice, at this place among those that show it, from 0 to 1.
        """
        found: dict[int, list[np.ndarray]] = {}
        for column in columns:
            maps, present = self.by_class[column], self.volume.present(column)
            if maps is not None:
                row = round(place * (len(present) - 1))
                # Of a few cells there would be no box.
                fine = resize_maps(torch.from_numpy(maps[row].astype(np.float32)), TARGET).numpy()
                found.setdefault(int(present[row]), []).append(boxes_in_map(fine, size / TARGET))
        return {index: distinct_boxes(np.concatenate(each)) for index, each in found.items()}


def find_objects(
    cohort: SeenCohort,
    classifier: SliceClassifier,
    settings: FastSettings,
    context: RunContext,
    key: str,
    given: Sequence[GivenMasks | None],
) -> list[GivenMasks | None]:
    """What boxes and points give of every volume, and objects that fit the tags of classes of which they give nothing.

    Parameters
    ----------
    cohort : SeenCohort
    classifier : SliceClassifier
        Trained on it: with novelty, it says where to look for objects.
    settings : FastSettings
    context : RunContext
    key : str
        Hash of all that the evidence depends on.
    given : sequence
        Of every volume.
    """
    context.report(Stage(stage=STAGE, state="started"))
    found = list(given)
    if settings.finds_objects:
        patients, work = cohort.patients_with(), Work.of_stage(context.report, STAGE, len(given))
        key = stage_key(VERSION, given_stage.VERSION, key, key_of_marks(cohort.volumes), *settings.of_handing)
        for number, (volume, own) in enumerate(zip(cohort.volumes, given, strict=True)):
            step = work.part()
            evidence = partial(evidence_of, cohort, number, classifier, patients, context.classes)
            make = partial(_of_volume, volume, evidence, own, settings, context, step)
            kept = keep_masks(context, f"{STAGE}-{volume.id}", key, volume.tags.shape[1], make)
            step(1, 1)
            found[number] = kept if len(kept.indices) else own
    context.report(Stage(stage=STAGE, state="finished"))
    return found


def _of_volume(
    volume: VolumeSlices,
    evidence: Callable[[], Sequence[np.ndarray | None]],
    given: GivenMasks | None,
    settings: FastSettings,
    context: RunContext,
    step: Tell,
) -> GivenMasks:
    """What is given of a volume, with objects for the other classes; `evidence` gives what `_Maps` has by class."""
    maps, work = _Maps(volume, evidence()), Work(3, step)
    shares = classes_that_share(context.classes)
    shown = _shown(given) if given is not None else {}
    said = [column for column, tags in enumerate(volume.tags.T) if {PRESENT, ABSENT} <= {*tags.tolist()}]
    looked_for = [column for column in said if column not in shown]
    tracks = _tracks(maps, looked_for, settings, context, work.part(2))
    fits = np.zeros((len(tracks), len(shares)))
    for column in looked_for:
        others = [masks for other, masks in shown.items() if not shares[column, other]]
        fits[:, column] = [0.0 if _is_any(track, others) else _fit(track, volume, column) for track in tracks]
    chosen = assign(tracks, fits, shares)
    boxes = [GivenBox(column, track.start, track.seen.box) for column, (track, _) in chosen.items()]
    handed = hand_on(volume, context.backbone, settings, Marks(boxes), step=work.part())
    for column, (_, fit) in chosen.items():
        handed.trust[:, column] *= np.clip((fit - _FITS) / (_FITS_WELL - _FITS), 0, 1)
    return handed if given is None else _together(given, handed)


def _tracks(
    maps: _Maps, looked_for: Sequence[int], settings: FastSettings, context: RunContext, step: Tell
) -> list[Track]:
    """Objects of a volume where the evidence of some classes is high, each followed once.

    A class of which one was found that fits well is looked for on no further slice.
    """
    volume, tracks, left = maps.volume, list[Track](), list(looked_for)
    work, handing = Work(len(_PLACES), step), handing_in(volume, context.backbone, settings)
    for place in _PLACES:
        boxes = maps.boxes(left, place, context.backbone.info.input_size)
        here = Work(3 * len(boxes), work.part())
        for index, asked in boxes.items():
            draw = partial(_draw, handing, here.part())
            new = [one for one in objects_at(index, asked, draw) if not is_followed(one, index, tracks)]
            slices = slices_to_follow(index, max(1, stride_in(volume, settings)), volume.tags)
            tracks += follow(new, index, slices, partial(_handing_on, volume, slices, context, settings, here.part(2)))
        left = [column for column in left if all(_fit(one, volume, column) < _ENOUGH for one in tracks)]
    return tracks


def _draw(handing: Handing, step: Tell, indices: Sequence[int], boxes: Sequence[Box]) -> list[Drawn]:
    """What the decoder draws, some boxes at a time."""
    found: list[Drawn] = []
    for at in range(0, len(boxes), _AT_ONCE):
        step(at, len(boxes))
        found += handing.draw_all(indices[at : at + _AT_ONCE], boxes[at : at + _AT_ONCE])
    return found


def _handing_on(
    volume: VolumeSlices,
    slices: np.ndarray,
    context: RunContext,
    settings: FastSettings,
    step: Tell,
    tags: np.ndarray,
) -> Handing:
    """What hands masks on from one to the next of some slices of a volume."""
    levels, info = volume.features.levels, context.backbone.info
    alike, decoded = (SomeSlices(levels[name], slices) for name in (info.cam_level, info.decode_level))
    return Handing(alike, decoded, context.backbone, tags, step=step, tight=settings.tightness)


def _fit(track: Track, volume: VolumeSlices, column: int) -> float:
    """How well an object fits the tags of a class, and what is known of the side that it lies on."""
    fit = track.fit(volume.tags[:, column])
    if fit <= 0:
        return 0.0
    indices, masks = np.array([*track.masks]), np.stack([*track.masks.values()]).astype(np.float32)
    return fit * float(volume.kept_to_side(masks, indices, column).sum() / masks.sum())


def _shown(given: GivenMasks) -> dict[int, dict[int, np.ndarray]]:
    """Column -> slice -> mask TARGET x TARGET (bool) of the classes that were given."""
    masks = given.probability.astype(np.float32) * (given.probability != UNKNOWN) > CERTAIN / 2
    columns = np.flatnonzero(given.trust.any(0)).tolist()
    return {column: dict(zip(given.indices.tolist(), masks[:, column], strict=True)) for column in columns}


def _is_any(track: Track, others: Sequence[Mapping[int, np.ndarray]]) -> bool:
    """Whether an object is one of those that have these masks."""
    return any(in_common(masks, track) > IN_COMMON for masks in others)


def _together(one: GivenMasks, other: GivenMasks) -> GivenMasks:
    """What two say of a volume; of no class both say anything."""
    indices = np.union1d(one.indices, other.indices)
    probability = np.full((len(indices), *one.probability.shape[1:]), UNKNOWN, np.uint8)
    trust = np.zeros((len(indices), one.trust.shape[1]), np.float32)
    for part in (one, other):
        rows = np.searchsorted(indices, part.indices)
        probability[rows] = np.where(part.trust[..., None, None] > 0, part.probability, probability[rows])
        trust[rows] = np.maximum(trust[rows], part.trust)
    return GivenMasks(indices, probability, trust)
