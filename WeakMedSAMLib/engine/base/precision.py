"""Reduced precision: where it is used, and that small gradients do not vanish in it."""

from __future__ import annotations

import torch

from WeakMedSAMLib.engine.base.device import precision_for


def in_precision(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Matrix products and convolutions in a reduced precision; nothing changes in float32."""
    reduced = precision is not torch.float32
    return torch.autocast(device.type, precision if reduced else torch.bfloat16, enabled=reduced)


def network_dtype(device: torch.device) -> torch.dtype:
    """Precision of the convolutions of segmentation networks: bfloat16 where it is native, else float32.

    Elsewhere it is emulated: a convolution took 125 times as long in bfloat16 on a CPU with AVX2 alone.
    """
    return torch.bfloat16 if precision_for(device) is torch.bfloat16 else torch.float32


def reduced_precision(device: torch.device) -> torch.autocast:
    """`network_dtype` for convolutions."""
    return in_precision(device, network_dtype(device))


def loss_scaler(precision: torch.dtype) -> torch.amp.GradScaler:
    """Scales losses so that float16 gradients do not vanish; does nothing in another precision."""
    return torch.amp.GradScaler(enabled=precision is torch.float16)
