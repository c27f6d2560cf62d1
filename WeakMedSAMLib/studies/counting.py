"""Counting and timing for the reports on complexity: parameters, floating-point operations, seconds, memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.base.memory import PeakMemory
from WeakMedSAMLib.engine.runs.probe import wait_for


def built(name: str) -> tuple[Backbone, bool]:
    """A backbone, and whether its weights are on this computer; with random ones where they are not."""
    try:
        return build_backbone(name), True
    except UserError as error:
        if not error.code.startswith("weights_"):
            raise
        return build_backbone(name, untrained=True), False


def apart(measure: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """What a function of a module measures in a new process of its own, so that memory is its alone.

    Raises
    ------
    UserError
        What the function raises.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found, refused = pool.submit(_told, measure, arguments).result()
    if refused is not None:
        raise UserError(*refused)
    return found


def _told(measure: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...] | None]:
    """What a function measures, or what its `UserError` is made of: the error itself does not cross processes."""
    try:
        return measure(*arguments), None
    except UserError as error:
        return None, (error.code, error.message, error.hint, error.values)


def parameters(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(one.numel() for one in network.parameters())


def trainable(network: nn.Module) -> int:
    """Number of parameters that training moves."""
    return sum(one.numel() for one in network.parameters() if one.requires_grad)


@torch.no_grad()
def operations(function: Callable[..., Any], *inputs: Any) -> int:
    """Floating-point operations of a call. Attention is counted as the matrix products that it is made of."""
    counter = FlopCounterMode(display=False)
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operation that the counter does not know
    try:
        with counter, sdpa_kernel(SDPBackend.MATH):
            function(*inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    return int(counter.get_total_flops())


def timed(device: torch.device, work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a piece of work takes on a device, and its result."""
    wait_for(device)
    started = time.perf_counter()
    result = work()
    wait_for(device)
    return time.perf_counter() - started, result


def peak_mb(memory: PeakMemory, device: torch.device) -> float:
    """The most memory that was in use while it was sampled: of the GPU if that is the device."""
    return round(torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else memory.peak_mb, 1)
