"""Installs what is missing, on a click only, without stopping Slicer; of what it ships, pip alone may change."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.running import dependencies

_REQUESTER = "WeakMedSAM"
_LIGHT_THE_TORCH = "light-the-torch>=0.5"
_LOG_LINES = 1000
# What pip says where the network is closed.
_NETWORK_WORDS = ("connection", "resolve", "resolution", "timed out", "proxy", "ssl", "network is unreachable")

# One part of an installation: it starts pip, which later calls back with its exit code.
_Part = Callable[[Callable[[int], None]], None]


class Installer:
    """Runs pip through `slicer.packaging`, one part after the other.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when it begins and when it ends.
    log : Callbacks
        Called with a line that pip wrote.
    ended : Callbacks
        Called once an installation with a `UserError`, or None if all went well.
    """

    def __init__(self) -> None:
        self.changed, self.log, self.ended = Callbacks(), Callbacks(), Callbacks()
        self._lines: deque[str] = deque(maxlen=_LOG_LINES)
        self._parts: list[_Part] = []
        self._constraints: Path | None = None
        self._isRunning = False

    @property
    def isRunning(self) -> bool:
        """Whether an installation is under way."""
        return self._isRunning

    @property
    def logText(self) -> str:
        """What pip wrote."""
        return "\n".join(self._lines)

    def install(self, wheelFolder: Path | None = None) -> None:
        """Begin to install what is missing; returns at once.

        Parameters
        ----------
        wheelFolder : Path, optional
            Folder of wheels to install from, without any network access: torch and torchvision among them.

        Raises
        ------
        UserError
            ``slicer_too_old``, ``no_pytorch_extension``, ``install_in_progress``, ``no_wheels``, ``testing_mode``.
        """
        self._requirePossible()
        self._parts = self._offlineParts(wheelFolder) if wheelFolder else self._onlineParts()
        self._lines.clear()
        self._isRunning = True
        self.changed()
        self._next(0)

    def _requirePossible(self) -> None:
        if self._isRunning or _isPipBusy():
            message = _("Python packages are being installed already.")
            raise UserError("install_in_progress", message, _("Wait until that has finished, then try again."))
        if slicer.app.testingEnabled():
            # As slicer.packaging.pip_ensure does: tests must not change the Python of Slicer.
            hint = _("Start Slicer without --testing.")
            raise UserError("testing_mode", _("Packages are not installed while Slicer runs tests."), hint)

    def _onlineParts(self) -> list[_Part]:
        parts: list[_Part] = []
        if dependencies.isTorchMissing():
            arguments = dependencies.torchArguments()
            # It works with older versions of pip only than newer Slicers ship: pip is then lowered, as it is when the
            # PyTorch extension installs it.
            parts.append(lambda done: self._pip([_LIGHT_THE_TORCH], done, notKept=["pip"]))
            parts.append(lambda done: self._torch(arguments, done))
        rest = [str(one) for one in dependencies.findMissingRequirements() if one.name not in ("torch", "torchvision")]
        if rest:
            parts.append(lambda done: self._pip(rest, done))
        return parts

    def _offlineParts(self, folder: Path) -> list[_Part]:
        folder = Path(folder)
        if not folder.is_dir() or not any(folder.glob("*.whl")):
            hint = _("Choose the folder into which the wheels were downloaded (see the README).")
            raise UserError("no_wheels", _("There are no wheels (*.whl) in {folder}.").format(folder=folder), hint)
        wanted = [str(requirement) for requirement in dependencies.findMissingRequirements()]
        return [lambda done: self._pip(["--no-index", "--find-links", str(folder), *wanted], done)] if wanted else []

    def _pip(self, arguments: list[str], done: Callable[[int], None], notKept: Iterable[str] = ()) -> None:
        dependencies.packagingModule().pip_install(
            arguments,
            constraints=self._newConstraints(notKept),
            blocking=False,
            show_progress=False,
            requester=_REQUESTER,
            logCallback=guarded(self._onLine),
            completedCallback=done,
        )

    def _torch(self, arguments: list[str], done: Callable[[int], None]) -> None:
        """The command of the PyTorch extension, without its wait for the end."""

        def check(code: int) -> None:
            done(self._afterTorch(code))

        slicer.util.executePythonModule(
            "light_the_torch",
            [*arguments, "-c", str(self._newConstraints())],
            blocking=False,
            logCallback=guarded(self._onLine),
            completedCallback=guarded(check),
        )

    def _afterTorch(self, code: int) -> int:
        """Look again: this part does not hold Slicer's lock, so another installation may have run beside it.

        Returns
        -------
        int
            The exit code, or 1 if the rest must not be installed now; the reason is then in the log.
        """
        importlib.invalidate_caches()
        if code == 0 and _isPipBusy():
            self._onLine(_("Another installation was started meanwhile. Wait until it has finished, then try again."))
            return 1
        if code == 0 and dependencies.isTorchMissing():
            self._onLine(_("PyTorch is not there, or too old, though its installation ended well. Try again."))
            return 1
        return code

    def _newConstraints(self, notKept: Iterable[str] = ()) -> Path:
        """Written anew for each part: torch, once it is there, must not be replaced by another build of it."""
        self._removeConstraints()
        handle, name = tempfile.mkstemp(prefix="weakmedsam-", suffix=".txt")
        self._constraints = Path(name)
        alsoKept = () if dependencies.isTorchMissing() else ("torch", "torchvision")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(dependencies.constraints(alsoKept, notKept))
        return self._constraints

    def _removeConstraints(self) -> None:
        if self._constraints is not None:
            with contextlib.suppress(OSError):
                self._constraints.unlink(missing_ok=True)
            self._constraints = None

    def _onLine(self, line: str) -> None:
        self._lines.append(line)
        self.log(line)

    def _next(self, code: int) -> None:
        """Begin the next part, or end: after the last one, and after one that failed."""
        importlib.invalidate_caches()
        if code != 0 or not self._parts:
            self._end(code)
            return
        part = self._parts.pop(0)
        try:
            part(guarded(self._next))
        except (OSError, RuntimeError, UserError) as error:
            # RuntimeError is what Slicer raises where its Python is not found.
            self._onLine(str(error))
            self._end(1)

    def _end(self, code: int) -> None:
        self._removeConstraints()
        self._parts, self._isRunning = [], False
        left = dependencies.findMissing()
        problem = _problem(code, left, self.logText) if code != 0 or left else None
        self.changed()
        self.ended(problem)


def _isPipBusy() -> bool:
    # Not in the first versions of slicer.packaging.
    return bool(getattr(dependencies.packagingModule(), "isPipInstallInProgress", lambda: False)())


def _problem(code: int, left: list[str], log: str) -> UserError:
    words = log.lower()
    if any(word in words for word in _NETWORK_WORDS) and code != 0:
        hint = _(
            "Check the network and the proxy. On a computer without network access, download the wheels elsewhere "
            "and use 'Install from a folder'."
        )
        return UserError("no_network", _("The packages could not be downloaded."), hint)
    message = _("Not installed: {names} (pip ended with code {code}).").format(names=", ".join(left), code=code)
    return UserError("install_failed", message, _("The reason stands at the end of the log below."))
