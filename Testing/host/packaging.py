"""slicer.packaging: requests are recorded, nothing is installed. A test says which packages are missing."""

from __future__ import annotations

import subprocess
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement


@dataclass
class PackagingRecord:
    """What was asked, and what a test wants to be missing or to fail."""

    asked: list[tuple[str, list[str], dict[str, Any]]] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    declined: bool = False
    fails: bool = False

    def clear(self) -> None:
        self.asked.clear()
        self.missing.clear()
        self.declined = self.fails = False


RECORD = PackagingRecord()


def _requirements(given: Any) -> list[Requirement]:
    if isinstance(given, str):
        given = given.split()
    elif isinstance(given, Requirement):
        given = [given]
    return [one if isinstance(one, Requirement) else Requirement(one) for one in given]


def load_requirements(path: str | Path) -> list[Requirement]:
    """Return the requirements of a file, without comments and pip's options."""
    lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def pip_check(req: Any) -> bool:
    """Say whether the packages are there, by the record's `missing`."""
    return all(one.name not in RECORD.missing for one in _requirements(req))


def pip_ensure(
    requirements: Any,
    constraints: Any = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> list[str] | None:
    """Record the request; the missing packages are there afterwards unless the test says otherwise."""
    del prompt_restart, skip_in_testing, show_progress
    names = [str(one) for one in _requirements(requirements)]
    RECORD.asked.append(("pip_ensure", names, {"constraints": constraints, "requester": requester}))
    if not pip_check(requirements) and prompt_install and RECORD.declined:
        raise RuntimeError("User declined installation")
    _install(requirements)
    return [] if skip_packages else None


def pip_install(
    requirements: Any,
    constraints: Any = None,
    no_deps_requirements: Any = None,
    skip_packages: list[str] | None = None,
    blocking: bool = True,
    show_progress: bool = True,
    requester: str | None = None,
    logCallback: Any = None,
    completedCallback: Any = None,
) -> list[str] | None:
    """Record the request. `requirements` may hold pip's options, as in Slicer."""
    del no_deps_requirements, show_progress
    given = requirements.split() if isinstance(requirements, str) else list(requirements)
    RECORD.asked.append(("pip_install", given, {"constraints": constraints, "requester": requester}))
    if logCallback is not None:
        logCallback("stand-in: nothing is installed")
    failed = RECORD.fails
    if not failed or blocking:
        _install([one for one in given if one[0].isalpha()])
    if completedCallback is not None:
        completedCallback(int(failed))
    return [] if skip_packages else None


def _install(requirements: Any) -> None:
    if RECORD.fails:
        raise subprocess.CalledProcessError(1, ["python", "-m", "pip", "install"])
    for one in _requirements(requirements):
        RECORD.missing.discard(one.name)


def pip_uninstall(requirements: Any, **keywords: Any) -> None:
    """Record the request."""
    RECORD.asked.append(("pip_uninstall", [str(requirements)], keywords))


def make() -> types.ModuleType:
    """Return the module."""
    module = types.ModuleType("slicer.packaging", __doc__)
    for function in (load_requirements, pip_check, pip_ensure, pip_install, pip_uninstall):
        setattr(module, function.__name__, function)
    module.Requirement = Requirement
    return module
