"""What encoding alone costs: the yardstick for the time of a whole run, and what our encoder saves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.base.device import choose_device, precision_for
from WeakMedSAMLib.engine.data.geometry import from_slice_stack, in_plane_spacing, slice_count, slice_stack
from WeakMedSAMLib.engine.data.volumes import read_volume
from WeakMedSAMLib.engine.features.preprocess import Frame, choose_intensity, to_unit
from WeakMedSAMLib.engine.runs.probe import wait_for
from WeakMedSAMLib.studies.cases import Case

SLICES = 64
_ROUNDS = 3


def encoder_only_seconds(cases: Sequence[Case], backbone_name: str = "litemedsam", device: str = "auto") -> float:
    """Seconds a slice of the published encoder as it stands (eager, the precision that a run has), times all slices.

    Measured on 64 slices drawn evenly over all slices of all cases, after one batch that is not counted.
    """
    chosen = choose_device(device)
    backbone = build_backbone(backbone_name).to(chosen, precision_for(chosen))
    images = _even_slices(cases, backbone.info.input_size)
    batch = backbone.batch_size
    backbone.eager_embed(images[:batch])
    wait_for(chosen)
    started = time.perf_counter()
    for start in range(0, len(images), batch):
        backbone.eager_embed(images[start : start + batch])
    wait_for(chosen)
    return (time.perf_counter() - started) / len(images) * sum(_n_slices(case) for case in cases)


def encoder_speed(images: torch.Tensor, backbone: Backbone) -> dict[str, float]:
    """Seconds a slice of our encoder and of the published one as it stands, and how many times as fast ours is.

    Each is timed three times in turn, after one pass that is not counted; the medians count.

    Parameters
    ----------
    images : Tensor
        B x 1 x size x size in [0, 1].
    backbone : Backbone
        On the images' device; the published encoder is kept in it (`eager_embed`).

    Returns
    -------
    dict
        ``ours``, ``eager`` (in the same precision) and ``eager_fp32``: seconds a slice; ``speed_up_eager`` and
        ``speed_up_eager_fp32``.
    """
    device = backbone.device
    full = build_backbone(backbone.info.name).to(device, torch.float32)
    ways = {"ours": backbone.embed, "eager": backbone.eager_embed, "eager_fp32": full.eager_embed}
    for embed in ways.values():
        _seconds(embed, images, device)
    rounds = [{name: _seconds(embed, images, device) for name, embed in ways.items()} for _ in range(_ROUNDS)]
    each = {name: float(np.median([one[name] for one in rounds])) / len(images) for name in ways}
    ratios = {f"speed_up_{name}": round(each[name] / each["ours"], 2) for name in ("eager", "eager_fp32")}
    return {**{name: round(seconds, 4) for name, seconds in each.items()}, **ratios}


def _seconds(embed: Callable[[torch.Tensor], object], images: torch.Tensor, device: torch.device) -> float:
    started = time.perf_counter()
    embed(images)
    wait_for(device)
    return time.perf_counter() - started


def _n_slices(case: Case) -> int:
    return slice_count(case.geometry(), case.axis)


def _even_slices(cases: Sequence[Case], size: int) -> torch.Tensor:
    """B x 1 x size x size: at most 64 slices, evenly drawn; volumes are read one at a time."""
    ends = np.cumsum([_n_slices(case) for case in cases])
    drawn = np.unique(np.linspace(0, ends[-1] - 1, SLICES).round().astype(int))
    parts = []
    for case, end, start in zip(cases, ends, [0, *ends[:-1]], strict=True):
        wanted = drawn[(drawn >= start) & (drawn < end)] - start
        if wanted.size:
            parts.append(_frame(case, wanted, size))
    return torch.from_numpy(np.concatenate(parts))[:, None]


def _frame(case: Case, wanted: np.ndarray, size: int) -> np.ndarray:
    volume = read_volume(case.image)
    kept = from_slice_stack(slice_stack(volume.array, case.axis)[:: case.stride], case.axis)
    stack = slice_stack(kept, case.axis)[wanted]
    row_mm, column_mm = in_plane_spacing(volume.geometry, case.axis)
    _slices, rows, columns = stack.shape
    frame = Frame(rows, columns, row_mm, column_mm, size)
    return np.ascontiguousarray(frame.to_frame(to_unit(stack, choose_intensity(volume.array))), dtype=np.float32)
