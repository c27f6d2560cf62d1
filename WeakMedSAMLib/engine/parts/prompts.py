"""Prompts for a backbone's mask decoder: boxes or points, around what a map shows or evenly over a slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.base import Backbone, PromptKind
from WeakMedSAMLib.engine.parts.components import component_boxes, distinct_boxes

MOST_PROMPTS = 3  # of a map, a slice
BODY = 0.05  # of the grey range: above it a pixel is no background
_LEVELS = (0.4, 0.3, 0.5)  # of the peak of a map; the first counts most where prompts are limited

_KINDS = {"boxes": PromptKind.BOX, "points": PromptKind.POINT}


@dataclass(frozen=True, eq=False)
class SlicePrompts:
    """N prompts of P slices.

    Attributes
    ----------
    kind : PromptKind
        What they are.
    coordinates : Tensor
        Boxes N x 4 (x0, y0, x1, y1) or points N x 2 (x, y), pixels of the input frame, float32.
    rows : Tensor
        N: of which of the P slices, ascending.
    slots : Tensor
        N: the how-manyth of its slice.
    most : int
        Q: there is room for so many prompts on each slice.
    """

    kind: PromptKind
    coordinates: torch.Tensor
    rows: torch.Tensor
    slots: torch.Tensor
    most: int

    def part(self, chosen: torch.Tensor) -> SlicePrompts:
        """Those of a bool mask N."""
        return SlicePrompts(self.kind, self.coordinates[chosen], self.rows[chosen], self.slots[chosen], self.most)


def prompt_kind(asked: str, backbone: Backbone) -> PromptKind:
    """Kind of prompts for ``"boxes"``, ``"points"`` or ``"auto"``: boxes where the backbone answers them.

    Raises
    ------
    UserError
        ``prompts_not_answered``: the backbone does not answer what was asked for.
    """
    answered = backbone.info.prompts
    if asked == "auto":
        return PromptKind.BOX if PromptKind.BOX in answered else PromptKind.POINT
    if _KINDS[asked] not in answered:
        raise UserError(
            "prompts_not_answered",
            f"The backbone {backbone.info.name} was not trained to answer {asked}.",
            f"Ask it with {' or '.join(sorted(name for name, kind in _KINDS.items() if kind in answered))}, or 'auto'.",
            values={"name": backbone.info.name, "asked": asked},
        )
    return _KINDS[asked]


def slice_prompts(kind: PromptKind, coordinates: Sequence[np.ndarray], most: int, scale: float = 1.0) -> SlicePrompts:
    """Prompts of P slices from one array n x 4 or n x 2 a slice, 1 <= n <= `most`, multiplied by `scale`."""
    rows = torch.tensor([row for row, found in enumerate(coordinates) for _ in found], dtype=torch.long)
    slots = torch.tensor([slot for found in coordinates for slot in range(len(found))], dtype=torch.long)
    return SlicePrompts(kind, torch.from_numpy(np.concatenate(coordinates)) * scale, rows, slots, most)


def map_prompts(kind: PromptKind, evidence: np.ndarray, size: int) -> SlicePrompts:
    """Prompts where P x h x w maps are high, at most three a slice, for an input frame of `size` pixels."""
    find: Callable[[np.ndarray], np.ndarray] = map_boxes if kind is PromptKind.BOX else map_points
    return slice_prompts(kind, [find(one) for one in evidence], MOST_PROMPTS, size / evidence.shape[-1])


def map_boxes(evidence: np.ndarray) -> np.ndarray:
    """Boxes around the pieces of one H x W map above several levels: N x 4, 1 <= N <= 3."""
    found = [component_boxes(evidence >= min(level, float(evidence.max())), most=2, margin=1) for level in _LEVELS]
    return distinct_boxes(np.concatenate(found))[:MOST_PROMPTS]


def map_points(evidence: np.ndarray) -> np.ndarray:
    """The peak of each piece of one H x W map, at the middle of its pixel: N x 2, 1 <= N <= 3."""
    peaks = []
    for x0, y0, x1, y1 in map_boxes(evidence).astype(int):
        inside = evidence[y0 : y1 + 1, x0 : x1 + 1]
        row, column = np.unravel_index(int(inside.argmax()), inside.shape)
        peaks.append((x0 + column + 0.5, y0 + row + 0.5))
    return np.array(list(dict.fromkeys(peaks)), np.float32)


def grid_prompts(kind: PromptKind, images: np.ndarray, grid: int) -> SlicePrompts:
    """The same number of prompts on each of P slices, evenly over what is not background.

    Parameters
    ----------
    kind : PromptKind
        Points in the middles of the grid's cells, or its cells as boxes.
    images : numpy.ndarray
        P x size x size: the slices in the input frame, uint8 with 255 for 1, or floating-point in [0, 1].
    grid : int
        Cells along each edge.
    """
    cells = [grid_cells(body_box(image), grid) for image in images]
    coordinates = cells if kind is PromptKind.BOX else [_middles(boxes) for boxes in cells]
    return slice_prompts(kind, coordinates, grid * grid)


def corner_prompts(kind: PromptKind, slices: int, grid: int) -> SlicePrompts:
    """The grid as the published code lays it: point i at int((i + 0.5) * grid), whatever the size of the slice.

    With 4 x 4 points all lie at pixels 2 to 14. For boxes: the cells that have those points in their middles.
    """
    edges = np.arange(grid + 1, dtype=np.float32) * grid
    cells = _cells(edges, edges)
    coordinates = cells if kind is PromptKind.BOX else np.floor(_middles(cells))
    return slice_prompts(kind, [coordinates] * slices, grid * grid)


def body_box(image: np.ndarray) -> np.ndarray:
    """Box (x0, y0, x1, y1) of what is not background in one H x W image, in pixels; all of it if nothing is."""
    bright = image > (BODY * 255 if image.dtype == np.uint8 else BODY)
    rows, columns = np.flatnonzero(bright.any(1)), np.flatnonzero(bright.any(0))
    if not len(rows):
        return np.array([0, 0, image.shape[1] - 1, image.shape[0] - 1], np.float32)
    return np.array([columns[0], rows[0], columns[-1], rows[-1]], np.float32)


def grid_cells(box: np.ndarray, grid: int) -> np.ndarray:
    """The grid x grid equal cells of a box (x0, y0, x1, y1), row by row: grid * grid x 4."""
    x0, y0, x1, y1 = (float(value) for value in box)
    return _cells(np.linspace(x0, x1, grid + 1, dtype=np.float32), np.linspace(y0, y1, grid + 1, dtype=np.float32))


def _cells(xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    steps = range(len(xs) - 1)
    return np.array([(xs[x], ys[y], xs[x + 1], ys[y + 1]) for y in steps for x in steps], np.float32)


def _middles(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:]) / 2
