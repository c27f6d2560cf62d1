"""Stage: objects whose extent along the slices fits the tags of a class, taken as if they had been given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, partial, reduce
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.stages import OBJECTS as STAGE
from WeakMedSAMLib.engine.base.reporting import Tell, Work
from WeakMedSAMLib.engine.base.state import reuse_or_make, stage_key
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast import given as given_stage
from WeakMedSAMLib.engine.methods.fast.cohort_masks import evidence_of
from WeakMedSAMLib.engine.methods.fast.given import (
    GivenMasks,
    Marks,
    hand_on,
    keep_masks,
    key_of_marks,
    prepared_in,
)
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.object_search import EvidenceMaps, tracks_in
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.tagged import SeenCohort
from WeakMedSAMLib.engine.parts.handing_on import Box, GivenBox
from WeakMedSAMLib.engine.parts.object_choice import IN_COMMON, Choice, Look, Objects, assign, looks_of, unit
from WeakMedSAMLib.engine.parts.object_tracks import (
    Track,
    in_common,
    look_and_place,
)
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.knowledge import classes_that_share

# Raised whenever the same labels give other masks, by `object_tracks`, `object_choice` or here.
VERSION = 5

_TRUSTED = 0.3  # from which on no other object is looked for

_ARRAYS = [field.name for field in fields(Objects) if field.name != "patient"]


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
        key = stage_key(VERSION, given_stage.VERSION, key, key_of_marks(cohort.volumes), *settings.of_handing)
        search = _Search(cohort, classifier, settings, context, key)
        found = _in_cohort(search, given, Work.of_stage(context.report, STAGE, 4 * len(given)))
    context.report(Stage(stage=STAGE, state="finished"))
    return found


def _in_cohort(search: _Search, given: Sequence[GivenMasks | None], work: Work) -> list[GivenMasks | None]:
    """Objects by the tags of each volume; then, of what is left, those that are like what was found in others.

    What is hardly trusted is left, too: it stays where none of these is trusted more.
    """
    shares = classes_that_share(search.context.classes)
    seen = [search.objects(number, own, None, work.part(2)) for number, own in enumerate(given)]
    alone = [assign(each, shares) for each in seen]
    looks = [looks_of(seen, alone, each.patient, len(shares)) for each in seen]
    chosen = [assign(each, shares, look) for each, look in zip(seen, looks, strict=True)]
    found = []
    for number, (each, look, choice, own) in enumerate(zip(seen, looks, chosen, given, strict=True)):
        here = Work(4, work.part(2))
        sure = {column: one for column, one in choice.items() if one.trust >= _TRUSTED}
        masks = search.masks(number, each, sure, own, STAGE, here.part())
        missing = _asked(search.cohort.volumes[number], masks)
        left = [one if column in missing else None for column, one in enumerate(look)]
        rest = {column: one for column, one in choice.items() if column not in sure}
        if any(left):
            like = search.objects(number, masks, left, here.part())
            then = {
                column: one
                for column, one in assign(like, shares, left).items()
                if column not in rest or one.trust > rest[column].trust
            }
            masks = search.masks(number, like, then, masks, f"{STAGE}-alike", here.part())
            rest = {column: one for column, one in rest.items() if column not in then}
        found.append(search.masks(number, each, rest, masks, f"{STAGE}-rest", here.part()))
    return found


@dataclass(frozen=True)
class _Search:
    """What objects of a cohort are looked for with; `key` is the hash of all that it depends on."""

    cohort: SeenCohort
    classifier: SliceClassifier
    settings: FastSettings
    context: RunContext
    key: str

    def objects(
        self, number: int, given: GivenMasks | None, looks: Sequence[Look | None] | None, step: Tell
    ) -> Objects:
        """Objects of one volume, kept or followed now; none is one of those that are given.

        They are looked for where the evidence is high, or where there is something of the looks of some classes.
        """
        volume = self.cohort.volumes[number]
        name = f"followed-{volume.id}" if looks is None else f"followed-alike-{volume.id}"
        key = self.key if looks is None else stage_key(self.key, looks, _content(given))
        check = partial(_check, patient=volume.patient, classes=volume.tags.shape[1])

        def make() -> dict[str, np.ndarray]:
            typical = _typical(volume, self.cohort.cells[number])
            if looks is None:
                asked, evidence = _asked(volume, given), self._evidence(number)
            else:
                asked = [column for column, look in enumerate(looks) if look is not None]
                evidence = self._like(number, looks, typical)
            tracks, fits, evident = self._followed(EvidenceMaps(volume, evidence), asked, given, step)
            size = self.context.backbone.info.input_size
            boxes = [[track.box_on(tags, size) for tags in volume.tags.T] for track in tracks]
            made = _described(tracks, boxes, fits, evident, volume.patient, self.cohort.cells[number], typical)
            return {field: getattr(made, field) for field in _ARRAYS}

        kept = reuse_or_make(self.context.store, name, key, check, make)
        step(1, 1)
        return kept

    def masks(
        self, number: int, seen: Objects, chosen: Choice, given: GivenMasks | None, name: str, step: Tell
    ) -> GivenMasks | None:
        """What is given of one volume with the masks of its objects, kept or handed on now."""
        if not chosen:
            step(1, 1)
            return given
        volume, pairs = self.cohort.volumes[number], sorted(chosen.items())
        # Each of several pieces of a class by itself: of two on one slice handing on takes each for all of the class.
        turns = [
            [_given_box(seen, column, one.numbers[turn]) for column, one in pairs if turn < len(one.numbers)]
            for turn in range(max(len(one.numbers) for _, one in pairs))
        ]

        def make() -> GivenMasks:
            work, found = Work(len(turns), step), [] if given is None else [given]
            ready = prepared_in(volume, self.context.backbone)
            hand = partial(hand_on, volume, self.context.backbone, self.settings, prepared=ready)
            for boxes in turns:
                handed = hand(Marks(boxes), step=work.part())
                for column, one in pairs:
                    handed.trust[:, column] *= one.trust
                found.append(handed)
            return reduce(GivenMasks.joined, found)

        key = stage_key(self.key, turns, [one.trust for _, one in pairs], _content(given))
        kept = keep_masks(self.context, f"{name}-{volume.id}", key, volume.tags.shape[1], make)
        step(1, 1)
        return kept

    def _evidence(self, number: int) -> Sequence[np.ndarray | None]:
        # Not smoothed: two things beside each other would be one piece of the map. On both sides, for an object of one
        # class is found by the map of another one; on which side it lies counts when it is given to a class.
        patients, classes = self.cohort.patients_with(), self.context.classes
        return evidence_of(self.cohort, number, self.classifier, patients, classes, smoothing=0, anywhere=True)

    def _like(self, number: int, looks: Sequence[Look | None], typical: np.ndarray) -> Sequence[np.ndarray | None]:
        """Where on the slices that show a class there is something of its look: P x m x m, None without a look."""
        volume, cells = self.cohort.volumes[number], self.cohort.cells[number]
        maps: list[np.ndarray | None] = []
        for column, look in enumerate(looks):
            present = volume.present(column)
            features = (cells.projected[index].astype(np.float32) - typical[:, None, None] for index in present)
            maps.append(np.stack([look.map_of(each) for each in features]) if look and len(present) else None)
        return maps

    def _followed(
        self, maps: EvidenceMaps, asked: Sequence[int], given: GivenMasks | None, step: Tell
    ) -> tuple[list[Track], np.ndarray, np.ndarray]:
        """K objects, how well each fits the classes that are asked for, and how evident they are in it: K x C."""
        volume, shares = maps.volume, classes_that_share(self.context.classes)
        shown = _shown(given) if given is not None else {}

        @cache
        def fit(track: Track, column: int) -> float:
            others = [masks for other, masks in shown.items() if not shares[column, other]]
            return 0.0 if _is_any(track, others) else _fit(track, volume, column)

        tracks = tracks_in(maps, asked, fit, self.settings, self.context, step)
        fits, evident = np.zeros((2, len(tracks), len(shares)))
        for column in asked:
            fits[:, column] = [fit(track, column) for track in tracks]
            evident[:, column] = [maps.within(track, column) for track in tracks]
        return tracks, fits, evident


def _asked(volume: VolumeSlices, given: GivenMasks | None) -> list[int]:
    """Columns of the classes whose objects can be told by their tags, and of which nothing is given."""
    shown = [] if given is None else _columns(given)
    said = [column for column, tags in enumerate(volume.tags.T) if {PRESENT, ABSENT} <= {*tags.tolist()}]
    return [column for column in said if column not in shown]


def _described(
    tracks: Sequence[Track],
    places: Sequence[Sequence[tuple[int, Box]]],
    fits: np.ndarray,
    evident: np.ndarray,
    patient: str,
    cells: CellDescriptors,
    typical: np.ndarray,
) -> Objects:
    """Objects as a cohort compares them; `places` has slice and box of each by class, `typical` features D."""
    count, classes = fits.shape
    looks, middles = np.zeros((count, len(typical)), np.float32), np.zeros((count, 2), np.float32)
    for row, track in enumerate(tracks):
        look, middles[row] = look_and_place(track, lambda index: cells.projected[index].astype(np.float32))
        looks[row] = unit(look - typical)
    common = np.array([[in_common(one.masks, other) for other in tracks] for one in tracks]).reshape(count, count)
    starts = np.array([[index for index, _ in own] for own in places], np.int64).reshape(count, classes)
    boxes = np.array([[box for _, box in own] for own in places], np.float32).reshape(count, classes, 4)
    return Objects(patient, starts, boxes, fits, evident, np.maximum(common, common.T), looks, middles)


def _typical(volume: VolumeSlices, cells: CellDescriptors) -> np.ndarray:
    """Mean features of the slices that show any class: D; 0 where none does."""
    shown = np.flatnonzero((volume.tags == PRESENT).any(1))
    if not len(shown):
        return np.zeros(cells.projected.shape[1], np.float32)
    return np.mean([cells.projected[index].astype(np.float32).mean((1, 2)) for index in shown], 0)


def _content(given: GivenMasks | None) -> object:
    return None if given is None else [given.indices, given.probability, given.trust]


def _check(kept: Mapping[str, Any], patient: str, classes: int) -> Objects:
    """What was kept; ValueError unless its parts fit together."""
    arrays = {name: np.array(kept[name]) for name in _ARRAYS}
    count = len(arrays["starts"])
    by_class = dict.fromkeys(("starts", "fits", "evident"), (count, classes))
    shapes = {**by_class, "boxes": (count, classes, 4), "common": (count, count), "places": (count, 2)}
    if any(arrays[name].shape != shape for name, shape in shapes.items()) or arrays["looks"].shape[:1] != (count,):
        raise ValueError(f"objects of the shapes {[each.shape for each in arrays.values()]}")
    return Objects(patient, **arrays)


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
    return {column: dict(zip(given.indices.tolist(), masks[:, column], strict=True)) for column in _columns(given)}


def _columns(given: GivenMasks) -> list[int]:
    """Of the classes of which anything is given."""
    return np.flatnonzero(given.trust.any(0)).tolist()


def _is_any(track: Track, others: Sequence[Mapping[int, np.ndarray]]) -> bool:
    """Whether an object is one of those that have these masks."""
    return any(in_common(masks, track) > IN_COMMON for masks in others)


def _given_box(seen: Objects, column: int, number: int) -> GivenBox:
    x0, y0, x1, y1 = map(float, seen.boxes[number, column])
    return GivenBox(column, int(seen.starts[number, column]), (x0, y0, x1, y1))
