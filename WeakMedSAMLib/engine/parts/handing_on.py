"""Masks handed on from slice to slice, from where somebody said what is meant.

The next slice looks like this one: cells of it that resemble cells inside of the mask, nearby, are where the class goes
on, and the mask decoder redraws it from a box around them. How far to believe a mask that was handed on is the worst
step on the way to it: the quality that the decoder predicts, or the Dice of what it draws with the cells alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F  # noqa: N812

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.engine.backbones.base import Backbone, PromptKind
from WeakMedSAMLib.engine.features.levels import Level
from WeakMedSAMLib.engine.parts.components import grown_box, large_pieces, piece_that_meets
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.metrics import slice_dice
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.not_points import without
from WeakMedSAMLib.engine.parts.resemblance import box_around_point
from WeakMedSAMLib.engine.parts.slice_votes import HandedMasks, Vote, agreed, votes_between
from WeakMedSAMLib.engine.parts.tightness import cut_to, tightened, widened

# A mask size x size, and a quality or a trust.
Drawn: TypeAlias = tuple[np.ndarray, float]
# First and last slice that a piece may be on.
Ends: TypeAlias = tuple[float, float]
Piece: TypeAlias = tuple[Drawn, Ends]

_REACH = 6  # cells that a piece may move from slice to slice
_GROWTH = 4  # cells that it may grow by on each side
_ALIKE = 8  # most similar cells that are asked
_SHARPNESS = 0.07  # of their votes, by cosine of features
_MARGIN = 2  # pixels of the frame around what resembles the mask
# The worst step, and the trust that it is worth: between them in proportion. Masks handed on from boxes had a Dice of
# 0.93 where the worst quality on the way was above 0.9, of 0.8 down to 0.8, of 0.6 down to 0.7, and of less than 0.3
# below 0.6 (organs, CT and MR).
_WORTHLESS, _WORTH_ALL = 0.55, 0.95
_ANYWHERE = (-np.inf, np.inf)
# Of a drawn mask all of the class is known: what has lost more of its area from one slice that hands on to the next one
# has lost a piece on the way, and says no longer where the class is not.
_LEAST_LEFT = 0.6
_FADED = 0.4  # trust below which a mask goes no further into slices of which nothing is known


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


class _Pace(NamedTuple):
    """How masks are handed on: in which direction (-1 or 1), over how many slices at once, and until what is left."""

    step: int
    stride: int
    least: float


class Handing:
    """Hands masks on in one volume.

    Parameters
    ----------
    alike : Level
        By which cells resemble each other.
    decoded : Level
        The backbone's decode level.
    backbone : Backbone
        Answers boxes.
    presence : numpy.ndarray
        int8 S x C: a mask ends before a slice without its class, and fades on those of which nothing is known.
    seen : mapping, optional
        Slice -> C x h x w: what a network sees there; where it does, that and what resembles the mask count alike.
    step : callable, optional
        Called before each slice that is looked at; may raise to end the work.
    tight : bool
        Let masks fill the boxes that they were drawn for.
    """

    def __init__(
        self,
        alike: Level,
        decoded: Level,
        backbone: Backbone,
        presence: np.ndarray,
        seen: Mapping[int, np.ndarray] | None = None,
        step: Callable[[], None] = lambda: None,
        tight: bool = True,
    ) -> None:
        self._alike, self._decoded, self._backbone, self._presence = alike, decoded, backbone, presence
        self._seen, self._step, self._tight = seen or {}, step, tight
        self._cells: dict[int, torch.Tensor] = {}

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
        found = {}
        for column in sorted({one.column for one in marks}):
            drawn = {one.index: partial(_pieces_of, one.mask) for one in masks if one.column == column}
            starts: dict[int, Callable[[], list[Piece]]] = {**self._marked(column, boxes, points), **drawn}
            found[column] = self._of_class(column, starts, [*drawn], stride)
        return found

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

    def _of_class(
        self, column: int, starts: Mapping[int, Callable[[], list[Piece]]], drawn: Sequence[int], stride: int
    ) -> HandedMasks:
        votes: dict[int, list[Vote]] = {}
        for index, draw in starts.items():
            self._step()
            pieces = draw()
            votes[index] = [Vote(*_together([piece for piece, _ in pieces]))]
            least = _LEAST_LEFT if index in drawn else 0.0
            for step in (-1, 1) if stride else ():
                self._follow(column, index, _Pace(step, stride, least), pieces, frozenset(starts), votes)
        shapes = {index: votes[index][0].mask for index in sorted(drawn)} if stride else {}
        for index, vote in votes_between(shapes, self._presence[:, column] == ABSENT):
            if index not in starts:
                votes.setdefault(index, []).append(vote)
        return agreed(votes)

    def _follow(
        self,
        column: int,
        start: int,
        pace: _Pace,
        pieces: Sequence[Piece],
        given: frozenset[int],
        votes: dict[int, list[Vote]],
    ) -> None:
        """Hand pieces on in one direction, as far as they go; each with the worst quality on its way."""
        step, stride, least = pace
        index, key, held = start + step, start, list(pieces)
        ahead = min((abs(other - start) for other in given if (other - start) * step > 0), default=np.inf)
        while 0 <= index < len(self._presence) and index not in given and held:
            if self._presence[index, column] == ABSENT:
                return
            self._step()
            here = [
                (moved, ends)
                for piece, ends in held
                if ends[0] <= index <= ends[1] and (moved := self._next(column, *piece, key, index))
            ]
            if self._presence[index, column] != PRESENT:
                here = [(piece, ends) for piece, ends in here if _trust(piece[1]) >= _FADED]
            if not here or _area(here) < least * _area(held):
                return
            near = 1 - abs(index - start) / ahead
            votes.setdefault(index, []).append(Vote(*_together([piece for piece, _ in here]), near))
            if abs(index - key) >= stride:
                key, held = index, here
            index += step

    def _next(self, column: int, mask: np.ndarray, worst: float, before: int, index: int) -> Drawn | None:
        """The piece of the slice `before` on another one, and the worst quality on the way; None where it ends."""
        old = mask > 0.5
        if not old.any():
            return None
        like = self._resemblance(mask, before, index)
        if index in self._seen:
            like = 0.5 * (like + resize_maps(torch.from_numpy(self._seen[index][column]), like.shape[-1]).numpy())
        piece = piece_that_meets(like > 0.5, old)
        if not piece.any():  # of less than a cell nothing resembles it for sure: it is looked for where it was
            drawn, quality = self._draw(index, grown_box(old, _MARGIN))
            return (drawn, min(worst, quality)) if (drawn > 0.5).any() else None
        drawn, quality = self._draw(index, grown_box(piece, _MARGIN))
        if self._tight:
            drawn = widened(drawn, grown_box(piece, 0))
        agreement = float(slice_dice(piece[None], drawn[None] > 0.5, both_empty=1.0)[0])
        return drawn, min(worst, quality, agreement)

    def _draw_boxes(self, boxes: Sequence[GivenBox]) -> list[Piece]:
        """What is drawn for each box of a slice."""
        return [((self._draw_given(box), _WORTH_ALL), box.ends or _ANYWHERE) for box in boxes]

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
        return self._draw(index, [size * edge for edge in box])

    def _draw_point(self, index: int, place: tuple[float, float]) -> Drawn:
        logits, quality = self._backbone.decode_points(self._decoded.read([index]), torch.tensor([list(place)]))
        return logits[0].sigmoid().cpu().numpy(), float(quality[0])

    def _draw(self, index: int, box: Sequence[float]) -> Drawn:
        """What the decoder draws for a box, size x size, and the quality that it predicts."""
        logits, quality = self._backbone.decode(self._decoded.read([index]), torch.tensor([list(box)]).float())
        return logits[0].sigmoid().cpu().numpy(), float(quality[0])

    def _draw_given(self, given: GivenBox) -> np.ndarray:
        """What is drawn for a box that somebody drew tightly around a piece, on that slice or in 3-D."""
        mask, _ = self._draw(given.index, given.box)
        if not self._tight:
            return mask
        return tightened(mask, given.box) if given.ends is None else cut_to(mask, given.box)

    def _resemblance(self, mask: np.ndarray, before: int, index: int) -> np.ndarray:
        """How much the cells of a slice resemble those inside of a mask of the slice `before`: size x size."""
        there, here = self._unit_cells(before), self._unit_cells(index)  # in the order in which they are come to
        cells = here.shape[-1]
        inside = resize_maps(torch.from_numpy(mask), cells)
        rows, columns = _window(inside > 0.1)
        like = torch.zeros(cells, cells)
        like[rows, columns] = _vote_of_alike(here, there, inside, rows, columns)
        return resize_maps(like, mask.shape[-1]).numpy()

    def _unit_cells(self, index: int) -> torch.Tensor:
        """Features of a slice, less their mean, each cell of length 1: C x h x w. The two asked for last are kept."""
        found = self._cells.pop(index, None)
        if found is None:
            maps = self._alike.read([index])[0]
            found = F.normalize(maps - maps.mean((1, 2), keepdim=True), dim=0)
        while len(self._cells) > 1:
            del self._cells[next(iter(self._cells))]
        self._cells[index] = found
        return found


def _area(pieces: Sequence[Piece]) -> int:
    return sum(int(np.count_nonzero(mask > 0.5)) for (mask, _worst), _ends in pieces)


def _pieces_of(mask: np.ndarray) -> list[Piece]:
    """The large connected pieces of a mask, each to be handed on by itself; small ones go with the largest."""
    numbered, count = ndimage.label(mask > 0.5)
    if count < 2:
        return [((mask, _WORTH_ALL), _ANYWHERE)]
    kept = large_pieces(numbered)
    small = ~np.isin(numbered, kept[1:])
    masks = [np.where(small, mask, 0), *(np.where(numbered == number, mask, 0) for number in kept[1:])]
    return [((piece, _WORTH_ALL), _ANYWHERE) for piece in masks]


def _window(inside: torch.Tensor) -> tuple[slice, slice]:
    """Rows and columns of the cells that a mask h x w may grow to, all of them where there is nothing in it."""
    spans = []
    for axis in (1, 0):
        found = inside.any(axis).nonzero().flatten()
        first, last = (int(found[0]), int(found[-1])) if len(found) else (0, inside.shape[0] - 1)
        spans.append(slice(max(0, first - _GROWTH), min(inside.shape[1 - axis], last + _GROWTH + 1)))
    return spans[0], spans[1]


def _vote_of_alike(
    here: torch.Tensor, there: torch.Tensor, inside: torch.Tensor, rows: slice, columns: slice
) -> torch.Tensor:
    """What the most similar cells within reach, on the other slice, say of the cells of a window: whether inside."""
    far = _grown(rows, here.shape[1]), _grown(columns, here.shape[2])
    alike = here[:, rows, columns].flatten(1).T @ there[:, far[0], far[1]].flatten(1)
    down = _places(rows)[:, None] - _places(far[0])[None, :]
    across = _places(columns)[:, None] - _places(far[1])[None, :]
    distance = down.square()[:, None, :, None] + across.square()[None, :, None, :]
    alike.masked_fill_(distance.reshape(alike.shape) > _REACH**2, -torch.inf)
    best, order = alike.topk(_ALIKE, dim=1)
    votes = (best / _SHARPNESS).softmax(1) * inside[far[0], far[1]].flatten()[order]
    return votes.sum(1).unflatten(0, (rows.stop - rows.start, columns.stop - columns.start))


def _grown(span: slice, size: int) -> slice:
    return slice(max(0, span.start - _REACH), min(size, span.stop + _REACH))


def _places(span: slice) -> torch.Tensor:
    return torch.arange(span.start, span.stop)


def _pixel(place: tuple[float, float], mask: np.ndarray) -> tuple[int, int]:
    """Row and column of a place x, y."""
    x, y = place
    return min(int(y), mask.shape[0] - 1), min(int(x), mask.shape[1] - 1)


def _trust(quality: float) -> float:
    return float(np.clip((quality - _WORTHLESS) / (_WORTH_ALL - _WORTHLESS), 0, 1))


def _together(pieces: Sequence[Drawn]) -> Drawn:
    """All pieces of a slice as one mask TARGET x TARGET, and the mean of what they are trusted by."""
    mask = np.max([mask for mask, _ in pieces], axis=0).astype(np.float32)
    # Kept for every slice of the way, so no larger than what comes of it.
    return resize_maps(torch.from_numpy(mask), TARGET).numpy(), float(np.mean([_trust(worst) for _, worst in pieces]))
