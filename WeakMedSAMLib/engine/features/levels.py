"""Levels of features as they are kept: four bits a value, of the part of a slice that shows the body.

Each channel of each slice has a range of its own, in which 16 values lie evenly. That is a quarter of what
half-precision numbers take, and masks are as good (docs/figures.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from WeakMedSAMLib.engine.backbones.base import LevelInfo
from WeakMedSAMLib.engine.base.array_store import ArrayShape

CAM = "cam"  # name of the level for class activation maps, which every backbone has
_STEPS = 15
_LOW_BITS = 0x0F


class Level(Protocol):
    """One level of the features of a volume's S slices."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """S x C x h x w."""

    def read(self, indices: Sequence[int] | np.ndarray) -> torch.Tensor:
        """The level of n slices: n x C x h x w, float32."""


@dataclass(frozen=True, eq=False)
class PackedLevel:
    """A level out of the cache, memory-mapped; slices are unpacked as they are read.

    Attributes
    ----------
    codes : numpy.ndarray
        Bytes of all slices one after the other, each ceil(C / 2) x h' x w': the first half of the channels in the low
        four bits, the others in the high ones.
    ranges : numpy.ndarray
        S x 2 x C, float32: smallest value and step of each channel.
    air : numpy.ndarray
        C, float32: what stands where nothing was encoded.
    boxes : numpy.ndarray
        S x 4: first row, first column, end of rows, end of columns of what was encoded, in cells; all 0 for nothing.
    info : LevelInfo
        C, and h = w.
    """

    codes: np.ndarray
    ranges: np.ndarray
    air: np.ndarray
    boxes: np.ndarray
    info: LevelInfo

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """S x C x h x w."""
        return (len(self.boxes), *self.info.shape)

    def read(self, indices: Sequence[int] | np.ndarray) -> torch.Tensor:
        """The level of n slices: n x C x h x w, float32."""
        channels, starts = self.info.channels, _starts(self.boxes, self.info.channels)
        maps = torch.empty(len(indices), *self.info.shape)
        for row, index in zip(maps, indices, strict=True):
            top, left, bottom, right = (int(edge) for edge in self.boxes[index])
            height, width = bottom - top, right - left
            if (height, width) != tuple(row.shape[1:]):
                row[:] = torch.from_numpy(self.air[:, None, None])
            if height and width:
                packed = np.array(self.codes[starts[index] : starts[index + 1]]).reshape(-1, height, width)
                _unpack(torch.from_numpy(packed), channels, self.ranges[index], row[:, top:bottom, left:right])
        return maps


@dataclass(frozen=True, eq=False)
class PooledLevel:
    """A level averaged over larger cells.

    Attributes
    ----------
    level : Level
        With h = w, a multiple of `cells`.
    cells : int
        Cells along each edge.
    """

    level: Level
    cells: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """S x C x cells x cells."""
        return (*self.level.shape[:2], self.cells, self.cells)

    def read(self, indices: Sequence[int] | np.ndarray) -> torch.Tensor:
        """The level of n slices: n x C x cells x cells, float32."""
        return F.adaptive_avg_pool2d(self.level.read(indices), self.cells)


def packed_shapes(name: str, info: LevelInfo, boxes: np.ndarray) -> dict[str, ArrayShape]:
    """Arrays that hold a level: name -> shape and type. Its boxes are those of `PackedLevel`."""
    return {
        f"{name}.codes": ((int(_starts(boxes, info.channels)[-1]),), "|u1"),
        f"{name}.ranges": ((len(boxes), 2, info.channels), "<f4"),
        f"{name}.air": ((info.channels,), "<f4"),
    }


def packed_level(arrays: Mapping[str, np.ndarray], name: str, info: LevelInfo, boxes: np.ndarray) -> PackedLevel:
    """The level of that name out of the arrays of :func:`packed_shapes`."""
    codes, ranges, air = (arrays[f"{name}.{part}"] for part in ("codes", "ranges", "air"))
    return PackedLevel(codes, ranges, air, boxes, info)


def pack_slices(level: PackedLevel, indices: Sequence[int] | np.ndarray, maps: torch.Tensor) -> None:
    """Put what was encoded of n slices into a level whose arrays can be written: maps n x C x h' x w'."""
    maps = maps.float()
    low, high = maps.amin((2, 3)), maps.amax((2, 3))
    steps = ((high - low) / _STEPS).clamp_min(torch.finfo(torch.float32).tiny)
    codes = ((maps - low[..., None, None]) / steps[..., None, None]).round_().to(torch.uint8)
    half = (codes.shape[1] + 1) // 2
    packed = codes[:, :half].clone()
    packed[:, : codes.shape[1] - half] |= codes[:, half:] << 4
    starts = _starts(level.boxes, level.info.channels)
    for row, index in enumerate(indices):
        level.codes[starts[index] : starts[index + 1]] = packed[row].flatten().numpy()
        level.ranges[index] = torch.stack([low[row], steps[row]]).numpy()


def _starts(boxes: np.ndarray, channels: int) -> np.ndarray:
    """Where the bytes of each slice begin, S + 1."""
    edges = boxes.astype(np.int64)
    sizes = (edges[:, 2] - edges[:, 0]) * (edges[:, 3] - edges[:, 1]) * ((channels + 1) // 2)
    return np.concatenate([[0], np.cumsum(sizes)])


def _unpack(packed: torch.Tensor, channels: int, ranges: np.ndarray, out: torch.Tensor) -> None:
    """Bytes ceil(C / 2) x h x w to values C x h x w."""
    half = len(packed)
    low, steps = torch.from_numpy(np.array(ranges))[..., None, None]
    out[:half] = packed & _LOW_BITS
    out[half:] = packed[: channels - half] >> 4
    out.mul_(steps).add_(low)
