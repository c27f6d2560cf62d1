"""What the worker says of a computer when it is asked (``weakmedsam probe``), as JSON. Standard library alone.

A Python without any of the worker's packages must be able to say so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# Code of the problem that torch is installed and cannot be imported; `ProbeReport.problem` has the reason.
TORCH_BROKEN = "torch_broken"


@dataclass(frozen=True)
class DeviceReport:
    """A device that a run can use.

    Attributes
    ----------
    device : str
        As a run calls it: ``"cuda:0"``, ``"mps"``, ``"cpu"``.
    name : str
        What the maker calls it.
    memory_bytes, free_bytes : int or None
        None where the system does not say.
    precision : str
        Of the numbers that are computed with, such as ``"float16"``.
    """

    device: str
    name: str = ""
    memory_bytes: int | None = None
    free_bytes: int | None = None
    precision: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DeviceReport:
        """Make it from plain data; what is missing or odd is left at nothing."""
        return cls(
            str(data.get("device", "cpu")),
            str(data.get("name", "")),
            _bytes(data.get("memory_bytes")),
            _bytes(data.get("free_bytes")),
            str(data.get("precision", "")),
        )


@dataclass(frozen=True)
class ProbeReport:
    """Everything worth knowing before a run.

    Attributes
    ----------
    ready : bool
        Whether the worker can run.
    missing : list of str
        Packages that are absent.
    problem : str
        What else is wrong, in English; empty if nothing is.
    hint : str
        The way out, in English.
    python, versions : dict
        Of Python, and of each package.
    devices : list of DeviceReport
        Best first.
    backbones : list of str
    weights : list of dict
        One entry a backbone.
    cache : dict
        Folder of the feature cache, and the bytes that are free there.
    problem_code : str
        `TORCH_BROKEN`, or empty.
    problem_values : dict
        The values in `problem` by name.
    speed : dict or None
        Seconds a slice by backbone, where that was asked for.
    """

    ready: bool
    missing: list[str] = field(default_factory=list)
    problem: str = ""
    hint: str = ""
    python: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    devices: list[DeviceReport] = field(default_factory=list)
    backbones: list[str] = field(default_factory=list)
    weights: list[dict[str, Any]] = field(default_factory=list)
    cache: dict[str, Any] = field(default_factory=dict)
    problem_code: str = ""
    problem_values: dict[str, Any] = field(default_factory=dict)
    speed: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, without a speed that was not measured."""
        data = asdict(self)
        if self.speed is None:
            del data["speed"]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ProbeReport:
        """Make it from plain data; what is missing or odd is left at nothing."""
        return cls(
            ready=data.get("ready") is True,
            missing=[str(name) for name in _list(data.get("missing"))],
            problem=str(data.get("problem") or ""),
            hint=str(data.get("hint") or ""),
            python=_dict(data.get("python")),
            versions=_dict(data.get("versions")),
            devices=[DeviceReport.from_json(one) for one in _list(data.get("devices")) if isinstance(one, Mapping)],
            backbones=[str(name) for name in _list(data.get("backbones"))],
            weights=[dict(one) for one in _list(data.get("weights")) if isinstance(one, Mapping)],
            cache=_dict(data.get("cache")),
            problem_code=str(data.get("problem_code") or ""),
            problem_values=_dict(data.get("problem_values")),
            speed=_dict(data["speed"]) if isinstance(data.get("speed"), Mapping) else None,
        )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _bytes(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and 0 < value < math.inf else None
