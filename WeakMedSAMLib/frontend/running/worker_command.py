"""How the worker is started: program, arguments and environment."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import WeakMedSAMLib
from WeakMedSAMLib.contract.resident import IDLE_SECONDS
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.contract.worker_arguments import (
    CACHE,
    DEVICE,
    EVENTS,
    IDLE,
    MODULE,
    PARENT,
    PROBE,
    REMOVE,
    RESIDENT,
    RUN,
)

# From this many processor cores on, one is left to Slicer, so that scrolling stays fluent during a run.
_CORES_TO_SHARE = 4


@dataclass(frozen=True)
class Command:
    """A program to start.

    Attributes
    ----------
    program : str
        Path of the program.
    arguments : tuple of str
        Each one argument, never read by a shell, so that blanks and other letters in paths do no harm.
    environment : dict
        Variables that are set on top of Slicer's own.
    folder : str
        The run folder that it runs; empty where it runs none.
    """

    program: str
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = ""


def workerCommand(
    runFolder: RunFolder, device: str = "auto", parentPid: int | None = None, cacheFolder: Path | None = None
) -> Command:
    """Return the command that runs a run folder.

    Parameters
    ----------
    runFolder : RunFolder
        The run.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    parentPid : int, optional
        The worker ends by itself once this process is gone; Slicer's own unless given. The id of the worker's direct
        parent is of no use for this, since that one is a launcher.
    cacheFolder : Path, optional
        Of the features; the engine's own choice if left out.
    """
    parent = os.getpid() if parentPid is None else parentPid
    arguments = [RUN, str(runFolder.path), EVENTS, PARENT, str(parent), DEVICE, device]
    if cacheFolder is not None:
        arguments += [CACHE, str(cacheFolder)]
    return replace(_engineCommand(arguments), folder=str(runFolder.path))


def probeCommand() -> Command:
    """Return the command that prints, as JSON, which devices there are and what is missing."""
    return _engineCommand([PROBE])


def residentCommand(
    folder: Path, device: str = "auto", cacheFolder: Path | None = None, idleSeconds: float = IDLE_SECONDS
) -> Command:
    """Return the command that answers questions about single slices.

    Parameters
    ----------
    folder : Path
        Holds copies of volumes; the command removes it at its end.
    device, cacheFolder
        As of `workerCommand`.
    idleSeconds : float
        It ends by itself after so long without a question.
    """
    arguments = [RESIDENT, str(folder), REMOVE, PARENT, str(os.getpid()), DEVICE, device, IDLE, f"{idleSeconds:g}"]
    if cacheFolder is not None:
        arguments += [CACHE, str(cacheFolder)]
    return _engineCommand(arguments)


def pythonProgram() -> str:
    """Return Slicer's Python: its launcher, which is in the search path inside Slicer, or this very Python."""
    return shutil.which("PythonSlicer") or sys.executable


def _engineCommand(arguments: Sequence[str]) -> Command:
    return Command(pythonProgram(), ("-m", MODULE, *arguments), _environment())


def _environment() -> dict[str, str]:
    root = str(Path(WeakMedSAMLib.__file__).resolve().parents[1])
    before = os.environ.get("PYTHONPATH", "")
    variables = {
        "PYTHONPATH": os.pathsep.join(part for part in (root, before) if part),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8:backslashreplace",
        # Without it a file torch.py in the folder that Slicer was started in would take the place of the package.
        "PYTHONSAFEPATH": "1",
    }
    cores = os.cpu_count() or 1
    if cores >= _CORES_TO_SHARE and "OMP_NUM_THREADS" not in os.environ:
        variables["OMP_NUM_THREADS"] = str(cores - 1)
    return variables
