"""Stage: masks of the slices that hold boxes, points or drawn masks, and of those that they are handed on to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.contract.stages import HANDING as STAGE
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.reporting import Tell, Work, nobody
from WeakMedSAMLib.engine.base.state import reuse_or_make, stage_key
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.known import known_on, weigh_known
from WeakMedSAMLib.engine.methods.fast.settings import FAST, FastSettings
from WeakMedSAMLib.engine.parts.handing_on import GivenBox, GivenMask, GivenPoint, Handing
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.prepared import PreparedLevel
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN, PseudoMask
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.slice_votes import HandedMasks
from WeakMedSAMLib.engine.parts.walked_votes import grey_values, with_walker
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN

# Raised whenever the same marks give other masks, by `handing_on`, `slice_votes`, `walked_votes`, `tightness`,
# `resemblance` or here: part of the keys of this stage and of those after it.
VERSION = 6

_BELIEVED = 0.6  # trust from which a mask teaches cells
_MOSTLY = 0.9  # of a cell
_MOST_AT_ONCE = 8  # slices that a mask is handed on at once: the spacing in a header may be none


@dataclass(frozen=True)
class Marks:
    """Boxes, points and drawn masks in the input frame of one volume."""

    boxes: Sequence[GivenBox] = ()
    points: Sequence[GivenPoint] = ()
    drawn: Sequence[GivenMask] = ()


@dataclass(frozen=True)
class GivenMasks:
    """What boxes, points and drawn masks mean in one volume; n slices.

    Attributes
    ----------
    indices : numpy.ndarray
        n slices, ascending.
    probability : numpy.ndarray
        n x C x TARGET x TARGET, uint8 as of `PseudoMask`; UNKNOWN where nothing was given of the class.
    trust : numpy.ndarray
        n x C, float32 in [0, 1]: how far to believe it; 0 where nothing was given.
    sides : numpy.ndarray, optional
        n x C, float32: Dice of what came from both sides, between drawn slices; 1 elsewhere, as without it.
    """

    indices: np.ndarray
    probability: np.ndarray
    trust: np.ndarray
    sides: np.ndarray | None = None

    @classmethod
    def of(cls, masks: Sequence[PseudoMask]) -> GivenMasks | None:
        """What was given, of pseudo-masks of one volume in the order of its slices; None without any."""
        if not masks:
            return None
        probability = np.stack([mask.probability for mask in masks])
        trust = np.array([np.broadcast_to(mask.trust, len(mask.probability)) for mask in masks], np.float32)
        return cls(np.array([mask.index for mask in masks]), probability, trust)

    def rows(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Slice, probability C x TARGET x TARGET and trust C, slice by slice."""
        yield from zip(self.indices.tolist(), self.probability, self.trust, strict=True)

    @property
    def agreement(self) -> np.ndarray:
        """`sides`, 1 without them."""
        return np.ones_like(self.trust) if self.sides is None else self.sides

    def joined(self, other: GivenMasks) -> GivenMasks:
        """What both say of a volume; where both say something of a class, it is the pixels of either."""
        indices = np.union1d(self.indices, other.indices)
        probability = np.full((len(indices), *self.probability.shape[1:]), UNKNOWN, np.uint8)
        trust = np.zeros((len(indices), self.trust.shape[1]), np.float32)
        sides = np.ones_like(trust)
        for part in (self, other):
            rows = np.searchsorted(indices, part.indices)
            said, before = part.trust > 0, trust[rows] > 0
            alone, both = (each[..., None, None] for each in (said & ~before, said & before))
            either = np.where(both, _either(probability[rows], part.probability), probability[rows])
            probability[rows] = np.where(alone, part.probability, either)
            trust[rows] = np.maximum(trust[rows], part.trust)
            sides[rows] = np.minimum(sides[rows], part.agreement)
        return GivenMasks(indices, probability, trust, sides)


def give_masks(
    volumes: Sequence[VolumeSlices], context: RunContext, settings: FastSettings = FAST
) -> list[GivenMasks | None]:
    """Masks from the boxes, points and drawn masks of every volume, kept or made; None where there are none.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        The cohort.
    context : RunContext
        Its store keeps the outcome, volume by volume.
    settings : FastSettings
        ``tightness``, ``handing_on``, ``handing_mm``, ``random_walker``.
    """
    context.report(Stage(stage=STAGE, state="started"))
    found: list[GivenMasks | None] = []
    work = Work.of_stage(context.report, STAGE, len(volumes))
    for volume in volumes:
        step = work.part()
        found.append(_of_volume(volume, context, settings, step))
        step(1, 1)
    context.report(Stage(stage=STAGE, state="finished"))
    return found


def key_of_marks(volumes: Sequence[VolumeSlices]) -> str:
    """Hash of all that `give_masks` and `put_known` read of labels; a point that says not here alone gives no mask."""
    marks = [_marks(volume) or [*volume.supervision.points] for volume in volumes]
    painted = [volume.supervision.painted for volume in volumes]
    return stage_key(VERSION, marks, *([painted] if any(painted) else []))


def blend(
    guessed: np.ndarray, given: np.ndarray, trust: np.ndarray, shares: np.ndarray, guess_weight: float
) -> np.ndarray:
    """What was guessed of a slice, with what was given of it in its place as far as that is believed.

    Parameters
    ----------
    guessed, given : numpy.ndarray
        C x h x w, uint8 as of `PseudoMask`.
    trust : numpy.ndarray
        C, as of `GivenMasks`.
    shares : numpy.ndarray
        C x C, bool: whether a pixel of one class may be one of the other. Where it may not, what was given of the one
        is not the other that was guessed.
    guess_weight : float
        How much a guess counts against something given that is believed as much.
    """
    believed = trust / np.maximum(trust + guess_weight * (1 - trust), 1e-6)
    values = guessed.copy()
    for column in np.flatnonzero(trust > 0):
        share, said = np.float32(believed[column]), given[column].astype(np.float32)
        mean = share * said + (1 - share) * guessed[column]
        values[column] = np.where(guessed[column] == UNKNOWN, said, np.rint(mean)).astype(np.uint8)
        left = 1 - share * said / CERTAIN
        for other in np.flatnonzero(~shares[column] & (trust < trust[column])):
            known = values[other] != UNKNOWN
            values[other][known] = np.rint(values[other][known] * left[known])
    return values


def give_anew(
    masks: Sequence[PseudoMask],
    volume: VolumeSlices,
    backbone: Backbone,
    seen: Mapping[int, np.ndarray],
    shares: np.ndarray,
    settings: FastSettings = FAST,
    step: Tell = nobody,
) -> list[PseudoMask]:
    """Pseudo-masks of slices of a volume, with its boxes and points handed on once more by what a network sees.

    `step` as for `Handing`.
    """
    if not _is_given(volume):
        return list(masks)
    result = {mask.index: mask for mask in masks}
    given = hand_on_marks(volume, backbone, settings, seen, step)
    for (index, said, trust), sides in zip(given.rows(), given.agreement, strict=True):
        if index in result:
            old = result[index]
            values = blend(old.probability, said, trust, shares, settings.guess_weight)
            result[index] = replace(old, probability=values, trust=trust, sides=sides)
    return [result[mask.index] for mask in masks]


def masks_given(
    number: int,
    volume: VolumeSlices,
    backbone: Backbone,
    settings: FastSettings = FAST,
    seen: Mapping[int, np.ndarray] | None = None,
    step: Tell = nobody,
) -> list[PseudoMask]:
    """What labels show of volume `number` of a cohort, handed on as far as it goes; `seen`, `step` as for `Handing`."""
    if not _is_given(volume):
        return []
    given = hand_on_marks(volume, backbone, settings, seen, step)
    return [
        PseudoMask(number, index, mask, trust, weigh_known(settings.weigh(trust), volume, index), sides)
        for (index, mask, trust), sides in zip(given.rows(), given.agreement, strict=True)
    ]


def by_reader(volume: VolumeSlices, given: GivenMasks | None) -> GivenMasks | None:
    """Masks of the classes of which somebody said in this volume what is meant, without objects that were found."""
    if given is None:
        return None
    said = volume.supervision
    shown = {box.column for box in said.boxes} | {point.column for point in said.points if point.shows}
    columns = shown | {column for column, *_ in _whole(volume)}
    return replace(given, trust=np.where(np.isin(np.arange(given.trust.shape[1]), sorted(columns)), given.trust, 0))


def known_cells(volume: VolumeSlices, given: GivenMasks | None, cells: int) -> np.ndarray | None:
    """Cells of which it is known, or believed as much, whether they show a class: S x C x m x m, uint8; None for none.

    Known is what `known_on` says; a cell of this size shows a class if any of its pixels does. Believed are masks from
    boxes and points; that there is nothing outside of them only where all of the class was boxed.
    """
    if given is None and not volume.supervision.known:
        return None
    found = np.full((*volume.tags.shape, cells, cells), UNKNOWN, np.uint8)
    for index, masks, trusts in given.rows() if given is not None else ():
        share = resize_maps(torch.from_numpy(masks.astype(np.float32) / CERTAIN), cells).numpy()
        for column in np.flatnonzero(trusts >= _BELIEVED).tolist():
            found[index, column][share[column] > _MOSTLY] = SHOWN
            if _is_complete(volume, column):
                found[index, column][share[column] < 1 - _MOSTLY] = NOT_SHOWN
    for index in volume.supervision.known:
        known = known_on(volume, index, cells, any_shown=True)
        found[index] = np.where(known == UNKNOWN, found[index], known)
    return found


def _either(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The higher of two probabilities; unknown where one is, and the other does not say that the class is there."""
    unknown = (one == UNKNOWN) | (other == UNKNOWN)
    known = np.maximum(np.where(one == UNKNOWN, 0, one), np.where(other == UNKNOWN, 0, other))
    return np.where(unknown & (known <= CERTAIN / 2), UNKNOWN, known)


def _is_complete(volume: VolumeSlices, column: int) -> bool:
    mine = [box for box in volume.supervision.boxes if box.column == column]
    return bool(mine) and all(box.complete for box in mine)


def _marks(volume: VolumeSlices) -> list[Any]:
    supervision = volume.supervision
    if not _is_given(volume):
        return []
    painted = [supervision.painted] if supervision.painted else []
    return [supervision.boxes, supervision.points, supervision.presence, *painted]


def _is_given(volume: VolumeSlices) -> bool:
    said = volume.supervision
    return bool(said.boxes or any(point.shows for point in said.points)) or next(_whole(volume), None) is not None


def _of_volume(volume: VolumeSlices, context: RunContext, settings: FastSettings, step: Tell) -> GivenMasks | None:
    if not _is_given(volume):
        return None
    key = stage_key(VERSION, volume.features.key, volume.slice_mm, _marks(volume), *settings.of_handing)
    make = partial(hand_on_marks, volume, context.backbone, settings, step=step)
    return keep_masks(context, f"{STAGE}-{volume.id}", key, volume.tags.shape[1], make)


def keep_masks(context: RunContext, name: str, key: str, classes: int, make: Callable[[], GivenMasks]) -> GivenMasks:
    """Masks of a volume that were kept under a name and a key, or are made now and kept; memory-mapped."""
    check = partial(_check, classes=classes)
    return reuse_or_make(context.store, name, key, check, lambda: _to_keep(make()))


def _to_keep(given: GivenMasks) -> dict[str, np.ndarray]:
    return {**vars(given), "sides": given.agreement}


def _check(kept: Mapping[str, Any], classes: int) -> GivenMasks:
    """What was kept, memory-mapped; ValueError unless its parts fit together."""
    found = GivenMasks(*(np.asarray(kept[name]) for name in ("indices", "probability", "trust", "sides")))
    count = len(found.indices)
    shapes = [each.shape for each in (found.probability, found.trust, found.agreement)]
    if shapes != [(count, classes, TARGET, TARGET), (count, classes), (count, classes)]:
        raise ValueError(f"given masks of the shape {found.probability.shape}")
    return found


def handing_in(
    volume: VolumeSlices,
    backbone: Backbone,
    settings: FastSettings = FAST,
    seen: Mapping[int, np.ndarray] | None = None,
    step: Tell = nobody,
    prepared: PreparedLevel | None = None,
) -> Handing:
    """What hands masks on in a volume, as the settings want it; `seen` and `step` as for `Handing`.

    `prepared` is what was made ready for the mask decoder before, if anything was.
    """
    alike, decoded = volume.features.levels[backbone.info.cam_level], prepared or prepared_in(volume, backbone)
    return Handing(alike, decoded, backbone, volume.tags, seen, step, settings.tightness)


def prepared_in(volume: VolumeSlices, backbone: Backbone) -> PreparedLevel:
    """The slices of a volume, each to be made ready for the mask decoder once."""
    return PreparedLevel(volume.features.levels[backbone.info.decode_level], backbone)


def stride_in(volume: VolumeSlices, settings: FastSettings = FAST) -> int:
    """Over how many slices masks are handed on at once, as the settings want it; 0 if they are not."""
    if not settings.handing_on:
        return 0
    return int(np.clip(round(settings.handing_mm / volume.slice_mm), 1, _MOST_AT_ONCE))


def hand_on_marks(
    volume: VolumeSlices,
    backbone: Backbone,
    settings: FastSettings = FAST,
    seen: Mapping[int, np.ndarray] | None = None,
    step: Tell = nobody,
) -> GivenMasks:
    """Masks from the boxes, points and drawn masks of a volume; `seen` and `step` as for `Handing`."""
    marks = Marks(list(_boxes(volume)), list(_points(volume)), list(_drawn(volume)))
    return hand_on(volume, backbone, settings, marks, seen, step)


def hand_on(
    volume: VolumeSlices,
    backbone: Backbone,
    settings: FastSettings,
    marks: Marks,
    seen: Mapping[int, np.ndarray] | None = None,
    step: Tell = nobody,
    prepared: PreparedLevel | None = None,
) -> GivenMasks:
    """Masks from boxes, points and drawn masks in a volume, whoever gave them; the rest as for `handing_in`."""
    handing = handing_in(volume, backbone, settings, seen, step, prepared)
    by_class = handing.run(marks.boxes, marks.points, stride_in(volume, settings), marks.drawn)
    if settings.random_walker and any(one.masks.keys() - one.given for one in by_class.values()):
        by_class = _walked(volume, by_class, partial(step, 1, 1))
    indices = np.array(sorted({index for one in by_class.values() for index in one.masks}), int)
    classes = volume.tags.shape[1]
    probability = np.full((len(indices), classes, TARGET, TARGET), UNKNOWN, np.uint8)
    trust = np.zeros((len(indices), classes), np.float32)
    sides = np.ones_like(trust)
    for column, one in by_class.items():
        for row, index in enumerate(indices.tolist()):
            if index in one.masks:
                probability[row, column], trust[row, column] = one.masks[index], one.trust[index]
                sides[row, column] = one.sides.get(index, 1)
    return GivenMasks(indices, probability, trust, sides)


def _walked(
    volume: VolumeSlices, by_class: Mapping[int, HandedMasks], step: Callable[[], object]
) -> dict[int, HandedMasks]:
    """Masks that were handed on, with what grey values say of them."""
    grey = grey_values(volume.features.image)
    known = {index: known_on(volume, index, TARGET) for index in volume.supervision.known}
    found = {}
    for column, handed in by_class.items():
        here = {index: values[column] for index, values in known.items()}
        found[column] = with_walker(handed, grey, volume.tags[:, column] == ABSENT, here, step)
    return found


def _boxes(volume: VolumeSlices) -> Iterator[GivenBox]:
    """Boxes in pixels of the input frame, those in 3-D on their middle slice."""
    for box in volume.supervision.boxes:
        first, last = box.slices
        ends = None if first == last else box.slices
        yield GivenBox(box.column, (first + last) // 2, volume.frame.box(box.rows, box.columns), ends)


def _points(volume: VolumeSlices) -> Iterator[GivenPoint]:
    for point in volume.supervision.points:
        x0, y0, x1, y1 = volume.frame.box((point.row, point.row), (point.across, point.across))
        yield GivenPoint(point.column, point.index, ((x0 + x1) / 2, (y0 + y1) / 2), point.shows)


def _drawn(volume: VolumeSlices) -> Iterator[GivenMask]:
    """Masks of the slices that `_whole` finds, over the input frame."""
    for column, index, shown in _whole(volume):
        yield GivenMask(column, index, volume.frame.to_frame(shown[None].astype(np.float32))[0])


def _whole(volume: VolumeSlices) -> Iterator[tuple[int, int, np.ndarray]]:
    """Column, slice and mask, bool, where every pixel of a slice is known of a class that some of them show."""
    for index, pixels in volume.supervision.known.items():
        whole = (pixels != UNKNOWN).all((1, 2)) & (pixels == SHOWN).any((1, 2))
        for column in np.flatnonzero(whole).tolist():
            yield column, index, pixels[column] == SHOWN
