"""The mask that boxes and points on one slice stand for, as a backbone's decoder draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import BoxRanges, PointAt
from WeakMedSAMLib.engine.backbones.base import Backbone, PromptKind
from WeakMedSAMLib.engine.features.preprocess import Frame
from WeakMedSAMLib.engine.parts.not_points import without
from WeakMedSAMLib.engine.parts.resemblance import boxes_around_points
from WeakMedSAMLib.engine.parts.tightness import tightened


@dataclass(frozen=True, eq=False)
class SliceView:
    """One slice as a decoder needs it.

    Attributes
    ----------
    levels : dict
        Level name -> C x h x w, float32.
    frame : Frame
        Placing of the slice in the backbone's input.
    """

    levels: Mapping[str, torch.Tensor]
    frame: Frame

    @property
    def scale(self) -> np.ndarray:
        """Pixels of the frame for a row and for a column of the slice."""
        height, width = self.frame.scaled
        return np.array([height / self.frame.rows, width / self.frame.columns])


class PromptedMasks:
    """Masks of slices by a backbone.

    Boxes are asked for as they are, where the backbone answers them, else by the point in their middle. Points are
    asked for as they are, where the backbone answers them, else by the box around what resembles them, one for all
    that lie in one piece. A point that does not show the class takes out what is drawn for it, but never most of the
    mask or a point that shows it.

    Parameters
    ----------
    backbone : Backbone
        On its device.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone, self._info = backbone, backbone.info

    def draw(self, view: SliceView, boxes: Sequence[BoxRanges], points: Sequence[PointAt]) -> tuple[np.ndarray, float]:
        """Mask rows x columns, bool, and the lowest quality that the decoder predicts of what it is made of.

        Raises
        ------
        UserError
            ``no_prompts``: nothing says where the class is; ``prompt_outside``.
        """
        _require_inside(view.frame, boxes, points)
        shown = [(row, column) for row, column, shows in points if shows]
        others = [(row, column) for row, column, shows in points if not shows]
        if not boxes and not shown:
            hint = "Give a box, or a point that shows the class."
            raise UserError("no_prompts", "Nothing says where on the slice the class is.", hint)
        loose = [point for point in shown if not any(_holds(box, point) for box in boxes)]
        drawn = [*self._of_boxes(view, boxes), *self._of_points(view, loose, others)]
        mask = np.logical_or.reduce([one for one, _quality in drawn])
        for other, _quality in self._of_points(view, others, shown):
            mask = without(mask, other, shown)
        for row, column, shows in points:
            mask[row, column] = shows
        return mask, min(quality for _one, quality in drawn)

    def _of_boxes(self, view: SliceView, boxes: Sequence[BoxRanges]) -> list[tuple[np.ndarray, float]]:
        framed = [view.frame.box(*box) for box in boxes]
        if PromptKind.BOX in self._info.prompts:
            drawn = self._decode(view, framed)
        else:
            drawn = self._decode(view, [[(x0 + x1) / 2, (y0 + y1) / 2] for x0, y0, x1, y1 in framed])
        return [
            (_on_slice(view, tightened(seen, box)), quality) for box, (seen, quality) in zip(framed, drawn, strict=True)
        ]

    def _of_points(
        self, view: SliceView, points: Sequence[tuple[int, int]], avoid: Sequence[tuple[int, int]]
    ) -> list[tuple[np.ndarray, float]]:
        if PromptKind.POINT in self._info.prompts:
            drawn = self._decode(view, [_framed_point(view, point) for point in points])
        else:
            size = self._info.input_size
            level = view.levels[self._info.cam_level].numpy()
            away = [_fraction(view, size, point) for point in avoid]
            boxes = boxes_around_points(level, [_fraction(view, size, point) for point in points], away)
            drawn = self._decode(view, [[side * size for side in box] for box in boxes])
        return [(_on_slice(view, seen), quality) for seen, quality in drawn]

    def _decode(self, view: SliceView, prompts: Sequence[Sequence[float]]) -> list[tuple[np.ndarray, float]]:
        """Probabilities over the frame and quality, for boxes (x0, y0, x1, y1) or points (x, y) of the frame."""
        if not prompts:
            return []
        asked = torch.tensor(prompts, dtype=torch.float32)
        decode = self._backbone.decode if asked.shape[1] == 4 else self._backbone.decode_points
        features = view.levels[self._info.decode_level][None]
        logits, quality = decode(features, asked, torch.zeros(len(asked), dtype=torch.long))
        seen = logits.float().sigmoid().cpu().numpy()
        return [(one, float(good)) for one, good in zip(seen, quality.float().cpu().nan_to_num(), strict=True)]


def _require_inside(frame: Frame, boxes: Sequence[BoxRanges], points: Sequence[PointAt]) -> None:
    for (top, bottom), (left, right) in [*boxes, *(((row, row), (at, at)) for row, at, _shows in points)]:
        if not (0 <= top <= bottom < frame.rows and 0 <= left <= right < frame.columns):
            raise UserError(
                "prompt_outside",
                f"Rows {top} to {bottom}, columns {left} to {right} do not lie on a slice of {frame.rows} x "
                f"{frame.columns} pixels.",
                "Put the box or the point on the slice.",
                {"rows": [top, bottom], "columns": [left, right]},
            )


def _holds(box: BoxRanges, point: tuple[int, int]) -> bool:
    return all(first <= at <= last for (first, last), at in zip(box, point, strict=True))


def _framed_point(view: SliceView, point: tuple[float, float]) -> list[float]:
    row, column = (np.array(point) + 0.5) * view.scale
    return [float(column), float(row)]


def _fraction(view: SliceView, size: int, point: tuple[int, int]) -> tuple[float, float]:
    column, row = _framed_point(view, point)
    return row / size, column / size


def _on_slice(view: SliceView, seen: np.ndarray) -> np.ndarray:
    """Where probabilities over the frame are above one half, on the pixels of the slice."""
    return np.asarray(view.frame.from_frame(seen) > 0.5)
