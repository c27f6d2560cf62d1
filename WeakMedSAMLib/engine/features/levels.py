"""Levels of features as they are kept: four bits a value.

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
_STEPS, _MIDDLE = 15, 8
_LOW_BITS = 0x0F


class Level(Protocol):
    """One level of the features of a volume's S slices."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """S x C x h x w."""

    def read(self, indices: Sequence[int] | np.ndarray) -> torch.Tensor:
        """The level of n slices: n x C x h x w, float32."""

    def project(self, index: int, weights: torch.Tensor, bias: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Weighted sums of the channels of one slice, with their slope by weights and bias.

        Parameters
        ----------
        index : int
            The slice.
        weights, bias : Tensor
            K x C and K, float32, on the device to work on.
        dtype : torch.dtype
            Precision of factors and result; sums are taken in float32.

        Returns
        -------
        Tensor
            K x h x w.
        """


@dataclass(frozen=True, eq=False)
class PackedLevel:
    """A level out of the cache, memory-mapped; slices are unpacked as they are read.

    Attributes
    ----------
    codes : numpy.ndarray
        N x ceil(C / 2) x h x w, uint8: of N encoded slices the first half of the channels in the low four bits, the
        others in the high ones.
    ranges : numpy.ndarray
        N x 2 x C, float32: smallest value and step of each channel.
    rows : numpy.ndarray
        S, int32: which of the N holds each slice.
    channels : int
        C.
    """

    codes: np.ndarray
    ranges: np.ndarray
    rows: np.ndarray
    channels: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """S x C x h x w."""
        height, width = self.codes.shape[2:]
        return (len(self.rows), self.channels, height, width)

    def read(self, indices: Sequence[int] | np.ndarray) -> torch.Tensor:
        """The level of n slices: n x C x h x w, float32."""
        maps = torch.empty(len(indices), *self.shape[1:])
        for values, index in zip(maps, indices, strict=True):
            codes, ranges = self._packed(index)
            low, steps = ranges[..., None, None]
            _unpack(codes, values).mul_(steps).add_(low)
        return maps

    def project(self, index: int, weights: torch.Tensor, bias: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """See `Level`. Ranges are folded into weights and bias, so that codes are multiplied as they are."""
        codes, ranges = (part.to(weights.device) for part in self._packed(index))
        low, steps = ranges
        # Counted from the middle of the range: sums of what is far from zero are rounded badly.
        values = _unpack(codes, torch.empty(self.shape[1:], dtype=dtype, device=weights.device)).sub_(_MIDDLE)
        offset = bias + weights @ (low + _MIDDLE * steps)
        sums = torch.addmm(offset.to(dtype)[:, None], (weights * steps).to(dtype), values.flatten(1))
        return sums.unflatten(1, self.shape[2:])

    def _packed(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes and ranges of one slice."""
        row = self.rows[index]
        return torch.from_numpy(np.array(self.codes[row])), torch.from_numpy(np.array(self.ranges[row]))


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

    def project(self, index: int, weights: torch.Tensor, bias: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """See `Level`."""
        return F.adaptive_avg_pool2d(self.level.project(index, weights, bias, dtype), self.cells)


@dataclass(frozen=True, eq=False)
class SomeSlices:
    """A level of some slices alone, counted anew.

    Attributes
    ----------
    level : Level
    indices : numpy.ndarray
        n slices of it.
    """

    level: Level
    indices: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """n x C x h x w."""
        return (len(self.indices), *self.level.shape[1:])

    def read(self, indices: Sequence[int] | np.ndarray) -> torch.Tensor:
        """The level of some of these slices: C x h x w for each, float32."""
        return self.level.read(self.indices[np.asarray(indices, int)])

    def project(self, index: int, weights: torch.Tensor, bias: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """See `Level`."""
        return self.level.project(int(self.indices[index]), weights, bias, dtype)


def packed_shapes(name: str, info: LevelInfo, count: int) -> dict[str, ArrayShape]:
    """Arrays that hold a level of N slices: name -> shape and type."""
    return {
        f"{name}.codes": ((count, (info.channels + 1) // 2, info.size, info.size), "|u1"),
        f"{name}.ranges": ((count, 2, info.channels), "<f4"),
    }


def packed_level(arrays: Mapping[str, np.ndarray], name: str, info: LevelInfo, rows: np.ndarray) -> PackedLevel:
    """The level of that name out of the arrays of :func:`packed_shapes`; `rows` as in `PackedLevel`."""
    return PackedLevel(arrays[f"{name}.codes"], arrays[f"{name}.ranges"], rows, info.channels)


def pack_slices(arrays: Mapping[str, np.ndarray], name: str, start: int, maps: torch.Tensor) -> None:
    """Put a level of n slices, n x C x h x w, into the arrays of :func:`packed_shapes`, from row `start` on."""
    maps = maps.float()
    low, high = maps.amin((2, 3)), maps.amax((2, 3))
    steps = ((high - low) / _STEPS).clamp_min(torch.finfo(torch.float32).tiny)
    codes = ((maps - low[..., None, None]) / steps[..., None, None]).round_().to(torch.uint8)
    half = (codes.shape[1] + 1) // 2
    packed = codes[:, :half].clone()
    packed[:, : codes.shape[1] - half] |= codes[:, half:] << 4
    part = slice(start, start + len(maps))
    arrays[f"{name}.codes"][part] = packed.numpy()
    arrays[f"{name}.ranges"][part] = torch.stack([low, steps], 1).numpy()


def _unpack(packed: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Bytes ceil(C / 2) x h x w to codes C x h x w from 0 to 15, in `out`."""
    half = len(packed)
    out[:half] = packed & _LOW_BITS
    out[half:] = packed[: len(out) - half] >> 4
    return out
