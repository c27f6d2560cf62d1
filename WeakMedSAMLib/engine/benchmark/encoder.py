"""What encoding alone would cost: the yardstick for the time of a whole run."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.benchmark.cases import Case
from WeakMedSAMLib.engine.device import choose_device, precision_for
from WeakMedSAMLib.engine.geometry import from_slice_stack, in_plane_spacing, slice_count, slice_stack
from WeakMedSAMLib.engine.preprocess import Frame, choose_intensity, to_unit
from WeakMedSAMLib.engine.probe import wait_for
from WeakMedSAMLib.engine.volumes import read_volume

SLICES = 64


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
            parts.append(_framed(case, wanted, size))
    return torch.from_numpy(np.concatenate(parts))[:, None]


def _framed(case: Case, wanted: np.ndarray, size: int) -> np.ndarray:
    volume = read_volume(case.image)
    kept = from_slice_stack(slice_stack(volume.array, case.axis)[:: case.stride], case.axis)
    stack = slice_stack(kept, case.axis)[wanted]
    row_mm, column_mm = in_plane_spacing(volume.geometry, case.axis)
    _slices, rows, columns = stack.shape
    frame = Frame(rows, columns, row_mm, column_mm, size)
    return np.ascontiguousarray(frame.to_frame(to_unit(stack, choose_intensity(volume.array))), dtype=np.float32)
