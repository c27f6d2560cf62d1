"""Reduced precision: where it is used, and that small gradients do not vanish in it."""

from __future__ import annotations

from typing import Any

import torch


def in_precision(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Matrix products and convolutions in a reduced precision; nothing changes in float32."""
    reduced = precision is not torch.float32
    return torch.autocast(device.type, precision if reduced else torch.bfloat16, enabled=reduced)


def network_dtype(device: torch.device) -> torch.dtype:
    """Precision of the convolutions of segmentation networks: bfloat16 where that is faster."""
    return torch.bfloat16 if device.type in ("cpu", "cuda") else torch.float32


def reduced_precision(device: torch.device) -> torch.autocast:
    """`network_dtype` for convolutions."""
    return in_precision(device, network_dtype(device))


def loss_scaler(precision: torch.dtype) -> Any:
    """Scales losses so that float16 gradients do not vanish; does nothing in another precision."""
    kind = torch.amp.GradScaler if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler  # before torch 2.3
    return kind(enabled=precision is torch.float16)
