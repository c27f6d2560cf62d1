"""Objects that the mask decoder sees, followed along the slices with no regard to tags.

Slice tags say on which slices a class is, and an object on which slices it is. So the object that begins and ends where
the tags of a class do is that class, and what merely lies on the same slices begins and ends elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.parts.components import component_boxes, distinct_boxes, grown_box, large_pieces
from WeakMedSAMLib.engine.parts.handing_on import Box, GivenBox, Handing
from WeakMedSAMLib.engine.parts.handing_ways import Drawn
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.metrics import slice_dice
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN

_LEVELS = (0.25, 0.4, 0.55, 0.7, 0.85)  # of the peak of a map
_PIECES = 6  # of a map above a level, at most
_MARGIN = 2  # pixels of the frame around a mask whose box is drawn anew
_LEAST_PIXELS = 25  # of the frame
_STABLE = 0.8  # Dice of a mask with what is drawn for its own box
_LEAST_QUALITY = 0.6  # that the decoder predicts
_SAME = 0.7  # Dice from which two masks are one object
_BEYOND = 3  # slices looked at beyond the last one that shows any class

DrawAll = Callable[[Sequence[int], Sequence[Box]], list[Drawn]]
# Gets tags L x K, those of K objects; hands on in L slices.
HandingFor = Callable[[np.ndarray], Handing]


class Seen(NamedTuple):
    """An object on one slice: a box around it, its mask TARGET x TARGET (bool), and how sure the decoder is of it."""

    box: Box
    mask: np.ndarray
    quality: float


@dataclass(frozen=True, eq=False)
class Track:
    """An object on the slices of a volume that were looked at.

    Attributes
    ----------
    seen : Seen
        Where it was found.
    start : int
        The slice of that.
    slices : numpy.ndarray
        L slices, evenly spaced, `start` among them.
    trust : numpy.ndarray
        L, float32 in [0, 1]: how sure it is that the object is there.
    masks : mapping
        Slice -> TARGET x TARGET, bool.
    """

    seen: Seen
    start: int
    slices: np.ndarray
    trust: np.ndarray
    masks: Mapping[int, np.ndarray]

    def mask_near(self, index: int) -> np.ndarray | None:
        """The mask on the slice that is nearest to this one, of those looked at; None where it is not there."""
        return self.masks.get(int(self.slices[np.abs(self.slices - index).argmin()]))

    def box_on(self, tags: np.ndarray, size: int) -> tuple[int, Box]:
        """A slice that shows a class, the nearest to where it was found, and the box around it, in pixels of the frame.

        Where it was found if it is on no slice that shows the class. `tags` has S; the frame is `size` wide.
        """
        shown = [index for index in self.masks if tags[index] == PRESENT]
        index = min(shown, key=lambda index: abs(index - self.start), default=self.start)
        if index == self.start:
            return self.start, self.seen.box
        return index, self._box_at(index, size)

    def again(self, place: float, size: int) -> tuple[int, Seen]:
        """What is seen of it on another slice, and that slice: at this place among those it is on, from 0 to 1."""
        index = sorted(self.masks)[round(place * (len(self.masks) - 1))]
        return index, Seen(self._box_at(index, size), self.masks[index], self.seen.quality)

    def fit(self, tags: np.ndarray) -> float:
        """How well it is on the slices that show a class, and on no others: 1 if on these alone, 0 by chance.

        The mean trust on those that show it, less that on those that do not (Youden's index, softly); 0 where slices of
        either kind are missing. `tags` has S.
        """
        shown, not_shown = (self.trust[tags[self.slices] == tag] for tag in (PRESENT, ABSENT))
        if not len(shown) or not len(not_shown):
            return 0.0
        return float(shown.mean() - not_shown.mean())

    def _box_at(self, index: int, size: int) -> Box:
        x0, y0, x1, y1 = grown_box(self.masks[index], 0)
        pixel = size / TARGET
        return x0 * pixel, y0 * pixel, (x1 + 1) * pixel - 1, (y1 + 1) * pixel - 1


def boxes_in_map(evidence: np.ndarray, scale: float) -> np.ndarray:
    """Boxes around the pieces of an H x W map above several levels: N x 4, multiplied by `scale`."""
    peak = float(evidence.max())
    found = [component_boxes(evidence >= level * peak, most=_PIECES, margin=1) for level in _LEVELS if peak > 0]
    return scale * distinct_boxes(np.concatenate([np.zeros((0, 4), np.float32), *found]))


def objects_at(index: int, boxes: np.ndarray, draw: DrawAll) -> list[Seen]:
    """Objects that the decoder sees in boxes of a slice: masks that their own boxes give again. The surest first."""
    by_box: dict[Box, np.ndarray] = {}
    for drawn, _quality in _drawn(index, boxes, draw):
        mask = _largest_piece(drawn > 0.5)
        if mask.sum() >= _LEAST_PIXELS:
            by_box.setdefault(grown_box(mask, _MARGIN), mask)
    tight = distinct_boxes(np.array([*by_box], np.float32).reshape(-1, 4))
    seen: list[Seen] = []
    for box, (again, quality) in zip(tight, _drawn(index, tight, draw), strict=True):
        mask = _largest_piece(again > 0.5)
        agreement = _dice(by_box[_box_of(box)], mask)
        if mask.sum() >= _LEAST_PIXELS and agreement >= _STABLE and quality >= _LEAST_QUALITY:
            small = _shares(mask, TARGET) > 0.5
            # Of one that is too thin for the grid of masks nothing would be left.
            if small.any():
                seen.append(Seen(grown_box(mask, 0), small, quality * agreement))
    return _distinct(sorted(seen, key=lambda one: -one.quality))


def is_followed(seen: Seen, index: int, tracks: Sequence[Track]) -> bool:
    """Whether an object on a slice is one of those that were followed already."""
    masks = [mask for track in tracks if (mask := track.mask_near(index)) is not None]
    return any(_dice(seen.mask, mask) >= _SAME for mask in masks)


def slices_to_follow(start: int, step: int, tags: np.ndarray) -> np.ndarray:
    """Slices at which objects found on `start` are looked for, by S x C tags: some beyond those that show a class."""
    shown = np.flatnonzero((tags == PRESENT).any(1))
    every = np.arange(start % step, len(tags), step)
    reach = step * _BEYOND
    return every[(every >= min(shown[0] - reach, start)) & (every <= max(shown[-1] + reach, start))]


def follow(seen: Sequence[Seen], start: int, slices: np.ndarray, handing: HandingFor) -> list[Track]:
    """Follow objects of a slice both ways until they fade, whatever tags say; those that fade at once are left out."""
    if not seen:
        return []
    row = int(np.flatnonzero(slices == start)[0])
    along = handing(np.full((len(slices), len(seen)), UNTAGGED, np.int8))
    handed = along.run([GivenBox(number, row, one.box) for number, one in enumerate(seen)], stride=1)
    found = []
    for number, one in enumerate(seen):
        trust, masks = np.zeros(len(slices), np.float32), {}
        for at, values in handed[number].masks.items():
            mask = values > CERTAIN / 2
            if mask.any():
                trust[at], masks[int(slices[at])] = handed[number].trust[at], mask
        if masks:
            found.append(Track(one, start, slices, trust, masks))
    return found


def look_and_place(track: Track, cells: Callable[[int], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """What the features within an object are on the mean, D, and where its middle is: row and column, of the frame.

    `cells` gives those of a slice, D x m x m.
    """
    middles = [ndimage.center_of_mass(mask) for mask in track.masks.values()]
    return _mean_within((mask, cells(index)) for index, mask in track.masks.items()), (
        np.mean(middles, 0) + 0.5
    ) / TARGET


def mean_within(track: Track, maps: np.ndarray, indices: np.ndarray) -> float:
    """Mean within an object of maps P x m x m on these P slices; 0 where it is on none of them."""
    pairs = zip(indices.tolist(), maps, strict=True)
    return float(_mean_within((track.masks[index], own) for index, own in pairs if index in track.masks))


def in_common(masks: Mapping[int, np.ndarray], track: Track) -> float:
    """Dice of masks TARGET x TARGET by slice and an object, over the slices of the former."""
    pairs = [(mask, track.mask_near(index)) for index, mask in masks.items()]
    common = sum(int((mask & near).sum()) for mask, near in pairs if near is not None)
    sizes = sum(int(mask.sum()) + (0 if near is None else int(near.sum())) for mask, near in pairs)
    return 2 * common / max(1, sizes)


def _mean_within(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Mean of cells ... x m x m within masks TARGET x TARGET: of the shape that is left; 0 without any."""
    total, weight = np.zeros(()), 0.0
    for mask, cells in pairs:
        inside = _shares(mask, cells.shape[-1])
        total, weight = total + (cells * inside).sum((-2, -1)), weight + float(inside.sum())
    return np.asarray(total / max(weight, 1e-6))


def _shares(mask: np.ndarray, cells: int) -> np.ndarray:
    """What share of each cell a mask, H x W, covers: m x m."""
    return resize_maps(torch.from_numpy(mask.astype(np.float32)), cells).numpy()


def _drawn(index: int, boxes: np.ndarray, draw: DrawAll) -> list[Drawn]:
    return draw([index] * len(boxes), [_box_of(box) for box in boxes])


def _box_of(box: np.ndarray) -> Box:
    x0, y0, x1, y1 = map(float, box)
    return x0, y0, x1, y1


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    pieces, count = ndimage.label(mask)
    return mask if count < 2 else np.asarray(pieces == large_pieces(pieces, most=1)[0])


def _dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(slice_dice(one[None], other[None], both_empty=0.0)[0])


def _distinct(seen: Sequence[Seen]) -> list[Seen]:
    kept: list[Seen] = []
    for one in seen:
        if all(_dice(one.mask, other.mask) < _SAME for other in kept):
            kept.append(one)
    return kept
