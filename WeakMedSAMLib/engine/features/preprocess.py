"""From the voxels of a slice to the square that a backbone sees, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError

DARK = 0.05  # of the grey range: below it a cell shows air or background
SOFT_TISSUE = (-160.0, 240.0)
CHEST = (-1000.0, 400.0)
# Lung voxels (-900..-500 HU) per voxel of body from which the wide window is taken: chest 0.2 and more, abdomen with
# the bases of the lungs below 0.1.
_LUNG_SHARE = 0.15
_SAMPLE_VOXELS = 2_000_000
_PERCENTILES = (0.5, 99.5)
_BACKGROUND_SHARE = 0.01
_CT, _PERCENTILE, _GIVEN = _KINDS = ("ct_window", "percentile", "given")


@dataclass(frozen=True)
class Intensity:
    """How the values of a volume are brought to 0..1: linearly from `low` to `high`, cut off beyond.

    Parameters
    ----------
    kind : {"ct_window", "percentile", "given"}
        How `low` and `high` were found.
    low, high : float
        Values of the volume that become 0 and 1.
    reason : str
        Why, for the record and the user.
    """

    kind: str
    low: float
    high: float
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The choice as plain JSON values."""
        return {"kind": self.kind, "low": self.low, "high": self.high, "reason": self.reason}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Intensity:
        """What `to_json` gave; raises `LookupError`, `TypeError` or `ValueError` for anything else."""
        low, high = float(data["low"]), float(data["high"])
        if data["kind"] not in _KINDS or not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(f"{data['kind']} from {low} to {high} is no range of grey values")
        return cls(data["kind"], low, high, str(data.get("reason", "")))


def choose_intensity(array_kji: np.ndarray, requested: str | Sequence[float] = "auto") -> Intensity:
    """Choose the intensity range of a volume; the same volume always gets the same one.

    CT is recognised by its Hounsfield numbers (air, and much that is near water). It gets the soft-tissue window (level
    40, width 400), or, when lungs are a large part of the body, a window wide enough for them (-1000 to 400 HU). All
    else gets the 0.5 and 99.5 percentile of the foreground: the voxels above the minimum by 1 % of the way to the 99.5
    percentile.

    Parameters
    ----------
    array_kji : numpy.ndarray
        Finite voxels. At most about two million, evenly spaced, are looked at.
    requested : {"auto", "percentile"} or (low, high)
        What the user asked for.

    Raises
    ------
    UserError
        ``bad_intensity``: not one of these, or `low` not below `high`.
    """
    if not isinstance(requested, str):
        return _read_given(requested)
    if requested not in ("auto", "percentile"):
        raise _bad_intensity(requested)
    sample = _even_sample(array_kji)
    if requested == "auto" and looks_like_ct(sample):
        return _ct_window(sample)
    return _percentile(array_kji, sample)


def in_common(intensities: Iterable[Intensity]) -> list[Intensity]:
    """Give all CT volumes of a cohort the widest window that any of them needs: an organ must look the same in each."""
    chosen = list(intensities)
    if not any(i.kind == _CT and (i.low, i.high) == CHEST for i in chosen):
        return chosen
    shared = Intensity(_CT, *CHEST, "CT, wide window: another volume shows lungs")
    return [shared if i.kind == _CT and (i.low, i.high) != CHEST else i for i in chosen]


def shared_window(own: Intensity) -> tuple[float, float] | None:
    """What a volume brings to `in_common`, for others to be told: the window of a CT; None for all else."""
    return (own.low, own.high) if own.kind == _CT else None


def with_shared(own: Intensity, windows: Iterable[tuple[float, float]]) -> Intensity:
    """The range that a volume gets `in_common` with others of these windows."""
    return in_common([own, *(Intensity(_CT, *window) for window in windows)])[0]


def learned_window(intensities: Iterable[Intensity]) -> Intensity | None:
    """The range of grey values that all volumes of a cohort share, for its model to keep; None if each has its own."""
    chosen = list(intensities)
    if any(i.kind == _PERCENTILE for i in chosen) or len({(i.low, i.high) for i in chosen}) != 1:
        return None
    return chosen[0]


def as_learned(own: Intensity, window: Intensity | None) -> Intensity:
    """What a volume gets for which nothing was asked: the range that its model learned with, where that has one.

    A model that learned CT in one window sees other organs in another: a window chosen for the new scans alone, which
    may show more or less of the lungs, would spoil its masks. A window for CT says nothing of other scans.
    """
    if window is None or (window.kind == _CT and own.kind != _CT):
        return own
    return Intensity(window.kind, window.low, window.high, "the range that the model learned with")


def looks_like_ct(sample: np.ndarray) -> bool:
    """Whether values are Hounsfield numbers: some of air (or padding below it), and many near those of soft tissue."""
    air = np.mean(sample < -850)
    soft = np.mean((sample > -150) & (sample < 250))
    return bool(air > 0.005 and soft > 0.05)


def to_unit(stack: np.ndarray, intensity: Intensity) -> np.ndarray:
    """Values of slices in 0..1, float32, same shape. Call it for a few slices at a time."""
    unit = stack.astype(np.float32)
    unit -= np.float32(intensity.low)
    unit /= np.float32(intensity.high - intensity.low)
    return np.clip(unit, 0, 1, out=unit)


def _read_given(requested: Sequence[float]) -> Intensity:
    try:
        low, high = (float(value) for value in requested)
    except (TypeError, ValueError) as error:
        raise _bad_intensity(requested) from error
    if not (np.isfinite([low, high]).all() and low < high):
        raise _bad_intensity(requested)
    return Intensity(_GIVEN, low, high, "as asked for")


def _bad_intensity(requested: object) -> UserError:
    return UserError(
        "bad_intensity",
        f"The intensity setting {requested!r} is not known.",
        'Use "auto", "percentile", or two numbers [low, high] with low below high.',
        values={"value": requested},
    )


def _even_sample(array: np.ndarray) -> np.ndarray:
    """Evenly spaced voxels, a bounded number of them, as a flat array."""
    steps = [1] * array.ndim
    while np.prod([-(-n // s) for n, s in zip(array.shape, steps, strict=True)]) > _SAMPLE_VOXELS:
        longest = int(np.argmax([n / s for n, s in zip(array.shape, steps, strict=True)]))
        steps[longest] += 1
    return array[tuple(slice(None, None, s) for s in steps)].ravel()


def _ct_window(sample: np.ndarray) -> Intensity:
    body = np.count_nonzero(sample > -500)
    lung = np.count_nonzero((sample > -900) & (sample < -500))
    share = lung / max(body + lung, 1)
    low, high = CHEST if share > _LUNG_SHARE else SOFT_TISSUE
    name = "wide window" if share > _LUNG_SHARE else "soft-tissue window"
    return Intensity(_CT, low, high, f"CT, {name}: {share:.0%} of the body has the density of lung")


def _percentile(array: np.ndarray, sample: np.ndarray) -> Intensity:
    lowest, bright = float(sample.min()), float(np.percentile(sample, _PERCENTILES[1]))
    foreground = sample[sample > lowest + _BACKGROUND_SHARE * (bright - lowest)]
    if foreground.size:
        low, high = (float(v) for v in np.percentile(foreground, _PERCENTILES))
        if low < high:
            return Intensity(_PERCENTILE, low, high, "0.5 and 99.5 percentile of the foreground")
    return Intensity(_PERCENTILE, float(array.min()), float(array.max()), "whole range: the foreground has one value")


@dataclass(frozen=True)
class Frame:
    """Placing of slices in the square of a backbone: aspect as in the patient, at the top left, zeros right or below.

    Parameters
    ----------
    rows, columns : int
        Size of a slice in pixels.
    row_mm, column_mm : float
        Distance of neighbouring rows and columns in mm.
    size : int
        Edge of the square in pixels.
    """

    rows: int
    columns: int
    row_mm: float
    column_mm: float
    size: int = 256

    @property
    def scaled(self) -> tuple[int, int]:
        """Height and width in frame pixels that the slice takes; the larger one is `size`."""
        height, width = self.rows * self.row_mm, self.columns * self.column_mm
        scale = self.size / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    @property
    def pixel_mm(self) -> float:
        """Edge of a pixel of the frame in mm."""
        return max(self.rows * self.row_mm, self.columns * self.column_mm) / self.size

    def to_frame(self, stack: np.ndarray) -> np.ndarray:
        """Slices S x rows x columns in frames S x size x size, float32.

        Bilinear, with smoothing where it shrinks (the triangle filter, as antialiased bilinear resizing elsewhere). A
        slice that fits as it is comes back unchanged. Call it for a few slices at a time.
        """
        height, width = self.scaled
        placed = np.zeros((*stack.shape[:-2], self.size, self.size), np.float32)
        placed[..., :height, :width] = _resample(
            stack, _weights(height, self.rows, self.rows), _weights(width, self.columns, self.columns)
        )
        return placed

    def from_frame(self, maps: np.ndarray) -> np.ndarray:
        """Maps ... x m x m over the square, of any m, on the pixels of the slice: ... x rows x columns, float32.

        Bilinear; the padding is cropped exactly, to fractions of a map cell, and takes no part.
        """
        m = maps.shape[-1]
        height, width = (n * m / self.size for n in self.scaled)
        return _resample(maps, _weights(self.rows, m, height), _weights(self.columns, m, width))

    def box(self, rows: tuple[int, int], columns: tuple[int, int]) -> tuple[float, float, float, float]:
        """Where the pixels from the first to the last row and column lie, in pixels of the frame: x0, y0, x1, y1.

        The last ones are included. One that is narrower than a pixel of the frame ends where it begins.
        """
        height, width = self.scaled
        down, across = height / self.rows, width / self.columns
        left, top = columns[0] * across, rows[0] * down
        return left, top, max(left, (columns[1] + 1) * across - 1), max(top, (rows[1] + 1) * down - 1)

    def inside(self, m: int) -> np.ndarray:
        """Which of the m x m cells over the square have their centre in the slice, not in the padding: bool, m x m."""
        height, width = (n * m / self.size for n in self.scaled)
        centres = np.arange(m) + 0.5
        return (centres < height)[:, None] & (centres < width)[None, :]


def _resample(maps: np.ndarray, row_weights: np.ndarray | None, column_weights: np.ndarray | None) -> np.ndarray:
    maps = np.asarray(maps, dtype=np.float32)
    if row_weights is not None:
        maps = np.matmul(row_weights, maps)
    return maps if column_weights is None else np.matmul(maps, column_weights.T)


@lru_cache(maxsize=64)
def _weights(n_out: int, n_in: int, extent: float) -> np.ndarray | None:
    """Weights n_out x n_in that resample the first `extent` of `n_in` samples to `n_out`; None where nothing changes.

    Each output sample is a triangle-weighted mean around its centre, two input samples wide, or two output samples
    where those are wider. Samples beyond the extent have no weight, and rows add up to one, so that a constant stays
    what it is.
    """
    if n_out == n_in == extent:
        return None
    scale = extent / n_out
    centres = (np.arange(n_out) + 0.5) * scale - 0.5
    usable = max(1, int(np.ceil(extent - 1e-6)))
    distances = np.abs(np.arange(n_in)[None, :] - centres[:, None]) / max(scale, 1.0)
    weights = np.maximum(0.0, 1.0 - distances)
    weights[:, usable:] = 0
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
