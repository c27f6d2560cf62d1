"""Masks handed on from slice to slice, from where somebody said what is meant.

The next slice looks like this one: cells of it that resemble cells inside of the mask, nearby, are where the class goes
on, and the mask decoder redraws it from a box around them. How far to believe a mask that was handed on is the worst
step on the way to it: the quality that the decoder predicts, or the Dice of what it draws with the cells alike.

All ways go on together, one slice at a time: the decoder prepares a slice once for all pieces that come to it, and
draws them side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.engine.backbones.base import Backbone, PromptKind
from WeakMedSAMLib.engine.base.core_pool import CorePool
from WeakMedSAMLib.engine.base.reporting import Tell, nobody
from WeakMedSAMLib.engine.features.levels import Level
from WeakMedSAMLib.engine.parts.alike_cells import AlikeCells
from WeakMedSAMLib.engine.parts.components import grown_box, large_pieces, piece_that_meets
from WeakMedSAMLib.engine.parts.handing_ways import WORTH_ALL, Drawn, Piece, Way, routes, together
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.metrics import slice_dice
from WeakMedSAMLib.engine.parts.not_points import without
from WeakMedSAMLib.engine.parts.prepared import Promptable
from WeakMedSAMLib.engine.parts.resemblance import box_around_point
from WeakMedSAMLib.engine.parts.slice_votes import HandedMasks, Vote, agreed, dice_of_sides, votes_between
from WeakMedSAMLib.engine.parts.tightness import cut_to, tightened, widened

_MARGIN = 2  # pixels of the frame around what resembles the mask
_ANYWHERE = (-np.inf, np.inf)

Box = tuple[float, float, float, float]
# Slice where a class was given -> what draws it there.
Starts = Mapping[int, Callable[[], list[Piece]]]


@dataclass(frozen=True)
class GivenBox:
    """A box around a piece of a class on one slice, or in 3-D, drawn on one of its slices.

    Attributes
    ----------
    column : int
        Of the class.
    index : int
        Slice.
    box : tuple of 4 floats
        x0, y0, x1, y1 around it in pixels of the input frame.
    ends : tuple of 2 int, optional
        First and last slice of a box in 3-D: there the piece ends, and on each slice it fills the box or less of it.
    """

    column: int
    index: int
    box: tuple[float, float, float, float]
    ends: tuple[int, int] | None = None


@dataclass(frozen=True)
class GivenPoint:
    """A point of a class on one slice.

    Attributes
    ----------
    column : int
        Of the class.
    index : int
        Slice.
    place : tuple of 2 floats
        x, y in pixels of the input frame.
    shows : bool
        Whether the class is there.
    """

    column: int
    index: int
    place: tuple[float, float]
    shows: bool


@dataclass(frozen=True, eq=False)
class GivenMask:
    """A mask of a class that somebody drew on one slice.

    Attributes
    ----------
    column : int
        Of the class.
    index : int
        Slice.
    mask : numpy.ndarray
        size x size, float32 in [0, 1], over the input frame.
    """

    column: int
    index: int
    mask: np.ndarray


class _Sought(NamedTuple):
    """Where a piece seems to go on: cells (None of less than one), a box around them, and the worst quality so far."""

    piece: np.ndarray | None
    box: Box
    worst: float


class Handing:
    """Hands masks on in one volume.

    Parameters
    ----------
    alike : Level
        By which cells resemble each other.
    decoded : Promptable
        The backbone's decode level, of the same slices.
    backbone : Backbone
        Answers boxes.
    presence : numpy.ndarray
        int8 S x C: a mask ends before a slice without its class, and fades on those of which nothing is known.
    seen : mapping, optional
        Slice -> C x h x w: what a network sees there; where it does, that and what resembles the mask count alike.
    step : callable, optional
        Called before slices are looked at, with how many are done and how many there are at most, of each way by
        itself; may raise to end the work.
    tight : bool
        Let masks fill the boxes that they were drawn for.
    """

    def __init__(
        self,
        alike: Level,
        decoded: Promptable,
        backbone: Backbone,
        presence: np.ndarray,
        seen: Mapping[int, np.ndarray] | None = None,
        step: Tell = nobody,
        tight: bool = True,
    ) -> None:
        self._alike, self._decoded, self._backbone, self._presence = alike, decoded, backbone, presence
        self._seen, self._step, self._tight = seen or {}, step, tight
        self._cells, self._side_by_side = AlikeCells(alike), CorePool.of_this_process().map

    @property
    def input_size(self) -> int:
        """Edge of the input frame, in whose pixels boxes and points are."""
        return self._backbone.info.input_size

    def run(
        self,
        boxes: Sequence[GivenBox],
        points: Sequence[GivenPoint] = (),
        stride: int = 1,
        masks: Sequence[GivenMask] = (),
    ) -> dict[int, HandedMasks]:
        """Column of each class -> what was given of it, and handed on both ways until it meets or fades.

        `stride` is the number of slices from one that hands on to the next, and those on the way get theirs from the
        same one, for every step adds to what went wrong before. With 0 it stays on the slices where it was given.
        On a slice with a mask of a class, boxes of it start nothing, and where there are boxes, points do not: the
        former say more.
        """
        marks: list[GivenBox | GivenPoint | GivenMask] = [*boxes, *(point for point in points if point.shows), *masks]
        starts: dict[int, Starts] = {}
        for column in sorted({one.column for one in marks}):
            drawn = {one.index: partial(_pieces_of, one.mask) for one in masks if one.column == column}
            starts[column] = {**self._marked(column, boxes, points), **drawn}
        ways = [
            Way(column, start, route, each.keys(), stride)
            for column, each in starts.items()
            for start in (each if stride else ())
            for route in routes(start, each.keys(), self._presence[:, column] == ABSENT)
        ]
        left = sum(len(way.slices) for way in ways)
        pieces = self._begin(starts, left)
        drawn_on = {(one.column, one.index) for one in masks}
        for way in ways:
            way.begin(pieces[way.column, way.start], (way.column, way.start) in drawn_on)
        self._go(ways, len(pieces), left)
        found: dict[int, dict[int, list[Vote]]] = {column: {} for column in starts}
        for (column, index), here in pieces.items():
            found[column][index] = [Vote(*together(here))]
        for way in ways:
            for index, vote in way.votes.items():
                found[way.column].setdefault(index, []).append(vote)
        if stride:
            for column, votes in found.items():
                self._add_between(
                    votes, [index for one, index in sorted(drawn_on) if one == column], starts[column], column
                )
        from_drawn = [way for way in ways if (way.column, way.start) in drawn_on]
        sides = {
            column: dice_of_sides([pair for way in from_drawn if way.column == column for pair in way.votes.items()])
            for column in found
        }
        return {
            column: replace(agreed(votes, starts[column].keys()), sides=sides[column])
            for column, votes in found.items()
        }

    def _begin(self, starts: Mapping[int, Starts], left: int) -> dict[tuple[int, int], list[Piece]]:
        """Column and slice -> pieces of a class where it was given; as many slices are `left` after these."""
        found: dict[tuple[int, int], list[Piece]] = {}
        most = left + sum(map(len, starts.values()))
        for column, each in starts.items():
            for index, draw in each.items():
                self._step(len(found), most)
                found[column, index] = draw()
        return found

    def _go(self, ways: Sequence[Way], done: int, left: int) -> None:
        """Hand pieces on by all ways, as far as they go; some slices are done, and as many left at most."""
        last = len(self._presence) - 1
        for place in range(last + 1):
            at = {1: place, -1: last - place}
            here = [(way, at[way.step]) for way in ways if at[way.step] in way.slices]
            if here:
                self._step(done + left - sum(len(way.slices) for way in ways), done + left)
                self._advance(here)

    def _advance(self, here: Sequence[tuple[Way, int]]) -> None:
        """Hand pieces on by one slice, each way to its own."""
        self._cells.hold(slice_ for way, index in here for slice_ in (way.key, index))
        asked = [(way, index, piece) for way, index in here for piece in way.held if _may_be_on(piece, index)]
        sought = self._side_by_side(self._seek, asked)
        there = [(index, one) for (_way, index, _piece), one in zip(asked, sought, strict=True) if one is not None]
        drawn = self.draw_all([index for index, _ in there], [one.box for _, one in there])
        taken = iter(self._side_by_side(self._take, [(one, *two) for (_, one), two in zip(there, drawn, strict=True)]))
        moved = [None if one is None else next(taken) for one in sought]
        for way, index in here:
            pieces = [
                (one, ends)
                for (other, _index, (_drawn, ends)), one in zip(asked, moved, strict=True)
                if other is way and one is not None
            ]
            way.arrive(index, pieces, bool(self._presence[index, way.column] == PRESENT))

    def _seek(self, asked: tuple[Way, int, Piece]) -> _Sought | None:
        """Where a piece of a way goes on; None where it ends."""
        way, index, ((mask, worst), _ends) = asked
        old = mask > 0.5
        if not old.any():
            return None
        like = self._cells.resemblance(mask, way.key, index)
        if index in self._seen:
            seen = torch.from_numpy(self._seen[index][way.column])
            like = 0.5 * (like + resize_maps(seen, like.shape[-1]).numpy())
        piece = piece_that_meets(like > 0.5, old)
        if not piece.any():  # of less than a cell nothing resembles it for sure: it is looked for where it was
            return _Sought(None, grown_box(old, _MARGIN), worst)
        return _Sought(piece, grown_box(piece, _MARGIN), worst)

    def _take(self, found: tuple[_Sought, np.ndarray, float]) -> Drawn | None:
        """What was drawn of a piece, with the worst quality on the way; None where it ends."""
        (piece, _box, worst), drawn, quality = found
        if piece is None:
            return (drawn, min(worst, quality)) if (drawn > 0.5).any() else None
        if self._tight:
            drawn = widened(drawn, grown_box(piece, 0))
        agreement = float(slice_dice(piece[None], drawn[None] > 0.5, both_empty=1.0)[0])
        return drawn, min(worst, quality, agreement)

    def _add_between(
        self, votes: dict[int, list[Vote]], drawn: Sequence[int], given: Collection[int], column: int
    ) -> None:
        """Add the shapes between drawn slices of a class."""
        shapes = {index: votes[index][0].mask for index in drawn}
        for index, vote in votes_between(shapes, self._presence[:, column] == ABSENT):
            if index not in given:
                votes.setdefault(index, []).append(vote)

    def _marked(
        self, column: int, boxes: Sequence[GivenBox], points: Sequence[GivenPoint]
    ) -> dict[int, Callable[[], list[Piece]]]:
        """Slices with boxes or points of a class, in the order in which they were given, and what draws the pieces."""
        found: dict[int, Callable[[], list[Piece]]] = {}
        marks: list[GivenBox | GivenPoint] = [*boxes, *points]
        for index in [one.index for one in marks if one.column == column]:
            boxed = [box for box in boxes if (box.column, box.index) == (column, index)]
            here = [point for point in points if (point.column, point.index) == (column, index)]
            if boxed:
                found[index] = partial(self._draw_boxes, boxed)
            elif any(point.shows for point in here):
                found[index] = partial(self._draw_all_at, index, here)
        return found

    def _draw_boxes(self, boxes: Sequence[GivenBox]) -> list[Piece]:
        """What is drawn for each box of a slice."""
        return [((self._draw_given(box), WORTH_ALL), box.ends or _ANYWHERE) for box in boxes]

    def _draw_all_at(self, index: int, points: Sequence[GivenPoint]) -> list[Piece]:
        """What is drawn for each point of a slice that shows the class."""
        not_here = [point.place for point in points if not point.shows]
        return [(self._draw_at(index, point.place, not_here), _ANYWHERE) for point in points if point.shows]

    def _draw_at(self, index: int, place: tuple[float, float], not_here: Sequence[tuple[float, float]]) -> Drawn:
        """What the decoder draws for a point, where it answers points and keeps clear of those that say not here.

        Else for a box around what resembles the point.
        """
        info = self._backbone.info
        if PromptKind.POINT in info.prompts:
            mask, quality = self._draw_point(index, place)
            kept = mask > 0.5
            for other in not_here:
                kept = without(kept, self._draw_point(index, other)[0] > 0.5, [_pixel(place, mask)])
            if not any(kept[_pixel(other, mask)] for other in not_here):
                return np.where(kept | (mask <= 0.5), mask, 0), quality
        size, level = info.input_size, self._alike.read([index])[0]
        (x, y), others = place, [(b / size, a / size) for a, b in not_here]
        box = box_around_point(level.numpy(), y / size, x / size, others)
        x0, y0, x1, y1 = box
        return self._draw(index, (size * x0, size * y0, size * x1, size * y1))

    def _draw_point(self, index: int, place: tuple[float, float]) -> Drawn:
        logits, quality = self._backbone.decode_points(self._decoded.read([index]), torch.tensor([list(place)]))
        return logits[0].sigmoid().cpu().numpy(), float(quality[0])

    def _draw(self, index: int, box: Box) -> Drawn:
        """What the decoder draws for a box, size x size, and the quality that it predicts."""
        return self.draw_all([index], [box])[0]

    def draw_all(self, indices: Sequence[int], boxes: Sequence[Box]) -> list[Drawn]:
        """What the decoder draws for a box on each of these slices, size x size, and the quality that it predicts."""
        if not indices:
            return []
        slices, rows = np.unique(indices, return_inverse=True)
        prompts = torch.tensor([list(box) for box in boxes]).float()
        logits, quality = self._backbone.decode(self._decoded.read(slices), prompts, torch.from_numpy(rows))
        return list(zip(logits.sigmoid().cpu().numpy(), quality.tolist(), strict=True))

    def _draw_given(self, given: GivenBox) -> np.ndarray:
        """What is drawn for a box that somebody drew tightly around a piece, on that slice or in 3-D."""
        mask, _ = self._draw(given.index, given.box)
        if not self._tight:
            return mask
        return tightened(mask, given.box) if given.ends is None else cut_to(mask, given.box)


def _pieces_of(mask: np.ndarray) -> list[Piece]:
    """The large connected pieces of a mask, each to be handed on by itself; small ones go with the largest."""
    numbered, count = ndimage.label(mask > 0.5)
    if count < 2:
        return [((mask, WORTH_ALL), _ANYWHERE)]
    kept = large_pieces(numbered)
    small = ~np.isin(numbered, kept[1:])
    masks = [np.where(small, mask, 0), *(np.where(numbered == number, mask, 0) for number in kept[1:])]
    return [((piece, WORTH_ALL), _ANYWHERE) for piece in masks]


def _may_be_on(piece: Piece, index: int) -> bool:
    first, last = piece[1]
    return first <= index <= last


def _pixel(place: tuple[float, float], mask: np.ndarray) -> tuple[int, int]:
    """Row and column of a place x, y."""
    x, y = place
    return min(int(y), mask.shape[0] - 1), min(int(x), mask.shape[1] - 1)
