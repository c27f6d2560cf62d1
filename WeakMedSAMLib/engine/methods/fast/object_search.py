"""Objects of one volume, looked for where the evidence of a class is high, and followed along the slices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from WeakMedSAMLib.engine.base.reporting import Tell, Work
from WeakMedSAMLib.engine.features.levels import SomeSlices
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.given import handing_in, prepared_in, stride_in
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.components import distinct_boxes
from WeakMedSAMLib.engine.parts.handing_on import Box, Handing
from WeakMedSAMLib.engine.parts.handing_ways import Drawn
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.object_choice import IN_COMMON, LEAST_FIT
from WeakMedSAMLib.engine.parts.object_tracks import (
    Seen,
    Track,
    boxes_in_map,
    follow,
    in_common,
    is_followed,
    mean_within,
    objects_at,
    slices_to_follow,
)
from WeakMedSAMLib.engine.parts.prepared import PreparedLevel
from WeakMedSAMLib.engine.parts.run_context import RunContext

_PLACES = (0.5, 0.25, 0.75)  # where among the slices that show a class objects are looked for
_AT_ONCE = 24  # boxes that are drawn before a run may be ended
_ENOUGH = 0.9  # fit from which a class is looked for no further
_PROMISING = 0.3  # fit from which an object is followed once more
_AGAIN = (0, 0.25, 0.75, 1)  # where among the slices that it is on
_SURE = 0.7  # fit from which what was followed once more counts


@dataclass(frozen=True)
class EvidenceMaps:
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

    def within(self, track: Track, column: int) -> float:
        """Mean evidence for a class within an object."""
        maps = self.by_class[column]
        return 0.0 if maps is None else mean_within(track, maps, self.volume.present(column))


def tracks_in(
    maps: EvidenceMaps,
    looked_for: Sequence[int],
    fit: Callable[[Track, int], float],
    settings: FastSettings,
    context: RunContext,
    step: Tell,
) -> list[Track]:
    """Objects of a volume where the evidence of some classes is high, followed along its slices.

    A class of which one was found that fits well is looked for on no further slice. Where an object fades depends on
    where it was found: of any other class the best is followed once more, from other slices that it is on.
    """
    volume, size = maps.volume, context.backbone.info.input_size
    work, ready = Work(len(_PLACES) + 1, step), prepared_in(volume, context.backbone)
    handing, stride = handing_in(volume, context.backbone, settings, prepared=ready), stride_in(volume, settings)

    def followed(index: int, seen: Sequence[Seen], tell: Tell) -> list[Track]:
        slices = slices_to_follow(index, max(1, stride), volume.tags)
        return follow(seen, index, slices, partial(_handing_on, volume, ready, slices, context, settings, tell))

    tracks, left = list[Track](), list(looked_for)
    for place in _PLACES:
        boxes = maps.boxes(left, place, size)
        here = Work(3 * len(boxes), work.part())
        for index, asked in boxes.items():
            draw = partial(_draw, handing, Work(2, here.part()))
            new = [one for one in objects_at(index, asked, draw) if not is_followed(one, index, tracks)]
            tracks += followed(index, new, here.part(2))
        left = [column for column in left if all(fit(one, column) < _ENOUGH for one in tracks)]
    starts = [one.again(share, size) for one in _nearly(left, tracks, fit) for share in _AGAIN]
    here = Work(len(starts), work.part())
    for index, seen in starts:
        once_more = followed(index, [seen], here.part())
        tracks += [one for one in once_more if any(fit(one, column) >= _SURE for column in left)]
    return tracks


def _nearly(columns: Sequence[int], tracks: Sequence[Track], fit: Callable[[Track, int], float]) -> list[Track]:
    """Of each class that no object fits well the one that fits best, if it does so at all; each once.

    And the best of those elsewhere, if it may be meant as well: another piece, or what is the class itself.
    """
    found: list[Track] = []
    for column in columns:
        best = max(tracks, key=lambda one: fit(one, column), default=None)
        if best is None or fit(best, column) < _PROMISING:
            continue
        elsewhere = [one for one in tracks if in_common(best.masks, one) <= IN_COMMON]
        second = max(elsewhere, key=lambda one: fit(one, column), default=None)
        found += [best] if second is None or fit(second, column) < LEAST_FIT else [best, second]
    return [*dict.fromkeys(found)]


def _draw(handing: Handing, work: Work, indices: Sequence[int], boxes: Sequence[Box]) -> list[Drawn]:
    """What the decoder draws, some boxes at a time; each call is a part of some work."""
    found, step = list[Drawn](), work.part()
    for at in range(0, len(boxes), _AT_ONCE):
        step(at, len(boxes))
        found += handing.draw_all(indices[at : at + _AT_ONCE], boxes[at : at + _AT_ONCE])
    return found


def _handing_on(
    volume: VolumeSlices,
    ready: PreparedLevel,
    slices: np.ndarray,
    context: RunContext,
    settings: FastSettings,
    step: Tell,
    tags: np.ndarray,
) -> Handing:
    """What hands masks on from one to the next of some slices of a volume."""
    alike = SomeSlices(volume.features.levels[context.backbone.info.cam_level], slices)
    return Handing(alike, ready.some(slices), context.backbone, tags, step=step, tight=settings.tightness)
