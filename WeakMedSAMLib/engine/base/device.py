"""Which device the work runs on, in which precision, and what can be said about it."""

from __future__ import annotations

import ctypes
import os
import platform
import random
import sys

import numpy as np
import torch

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.probe_report import DeviceReport

# The instructions that make bfloat16 faster than float32 on a CPU: names as in torch.cpu.get_capabilities().
_NATIVE_BF16 = ("avx512_bf16", "amx_bf16", "avx10_2", "bf16", "sve_bf16")


def choose_device(requested: str = "auto") -> torch.device:
    """Turn the user's choice into a device that is there.

    Parameters
    ----------
    requested : str
        ``auto`` (CUDA, then MPS, then CPU), ``cuda``, ``cuda:N``, ``mps`` or ``cpu``.

    Raises
    ------
    UserError
        ``unknown_device`` for another word, ``device_missing`` where this machine lacks the device.
    """
    wanted = requested.strip().lower()
    if wanted == "auto":
        return _best_device()
    kind, colon, index = wanted.partition(":")
    if kind not in ("cuda", "mps", "cpu") or (colon and not (kind == "cuda" and index.isdigit())):
        raise UserError(
            "unknown_device",
            f"Unknown device {requested!r}.",
            "Use auto, cuda, cuda:N (N counts from 0), mps or cpu.",
            values={"device": requested},
        )
    if kind == "cuda":
        _check_cuda(requested, int(index or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise _missing(requested, "this PyTorch finds no Apple GPU")
    return torch.device(wanted)


def precision_for(device: torch.device) -> torch.dtype:
    """Precision of the image encoder on a device: the fastest one that is native there.

    bfloat16 on CUDA from sm80 and on CPUs that have bfloat16 instructions, float16 on older CUDA, float32 elsewhere.
    Decided from what the hardware says and never by timing, so that it is the same at every run (it is part of the
    key of cached features).
    """
    if device.type == "cuda":
        major, _minor = torch.cuda.get_device_capability(device)
        return torch.bfloat16 if major >= 8 else torch.float16
    if device.type == "cpu" and cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def cpu_has_bfloat16() -> bool:
    """Whether this CPU, and the PyTorch on it, compute in bfloat16 natively (false where PyTorch cannot tell)."""
    if not torch.backends.mkldnn.is_available():  # without oneDNN (macOS) bfloat16 convolutions are emulated
        return False
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    if capabilities is not None:
        known = capabilities()
        return any(bool(known.get(name)) for name in _NATIVE_BF16)
    # Before torch.cpu.get_capabilities the same answers were only to be had under these names.
    older = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name)()) for name in older if hasattr(torch.cpu, name))


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators (all devices).

    Nothing else is changed: no global switch that forbids or slows down algorithms is set.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def describe_devices() -> list[DeviceReport]:
    """Every usable device, best first."""
    found = [_describe_cuda(index) for index in range(_cuda_count())]
    if torch.backends.mps.is_available():
        total = int(torch.mps.recommended_max_memory()) if hasattr(torch.mps, "recommended_max_memory") else None
        found.append(_entry(torch.device("mps"), "Apple GPU", total, None))
    total, free = system_memory()
    found.append(_entry(torch.device("cpu"), cpu_name(), total, free))
    return found


def cpu_name() -> str:
    """The processor's name, as far as the system says."""
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    named = str(capabilities().get("cpu_name", "")) if capabilities is not None else ""
    return named.strip() or platform.processor() or platform.machine()


def system_memory() -> tuple[int | None, int | None]:
    """Total and available main memory in bytes, None where the system does not say."""
    if sys.platform == "win32":
        return _windows_memory()
    page = _system_value("SC_PAGE_SIZE") or 0
    total, free = _system_value("SC_PHYS_PAGES"), _system_value("SC_AVPHYS_PAGES")
    return total and page * total, free and page * free


def _system_value(name: str) -> int | None:
    try:
        return os.sysconf(name)
    except (ValueError, OSError):
        return None


def _windows_memory() -> tuple[int | None, int | None]:
    class Status(ctypes.Structure):
        """MEMORYSTATUSEX of sysinfoapi.h."""

        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "d", "e", "f", "g", "h")),
        )

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined]
        return None, None
    return int(status.total), int(status.free)


def _best_device() -> torch.device:
    if _cuda_count():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _cuda_count() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _check_cuda(requested: str, index: int) -> None:
    count = _cuda_count()
    if count == 0:
        reason = "no NVIDIA GPU or driver is found" if torch.version.cuda else "this PyTorch is built without CUDA"
        raise _missing(requested, reason)
    if index >= count:
        raise _missing(requested, f"this machine has {counted(count, 'CUDA device')}, numbered from 0")


def _missing(requested: str, reason: str) -> UserError:
    return UserError(
        "device_missing",
        f"Device {requested!r} cannot be used: {reason}.",
        "Choose auto to take the best device there is; `weakmedsam probe` lists them.",
        values={"device": requested, "reason": reason},
    )


def _describe_cuda(index: int) -> DeviceReport:
    device = torch.device("cuda", index)
    free, total = torch.cuda.mem_get_info(device)
    return _entry(device, torch.cuda.get_device_name(device), total, free)


def _entry(device: torch.device, name: str, total: int | None, free: int | None) -> DeviceReport:
    precision = str(precision_for(device)).removeprefix("torch.")
    return DeviceReport(str(device), name, total, free, precision)
