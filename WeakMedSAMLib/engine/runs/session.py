"""One run from its first event to its last: lock, log, events, parent watch, and an ending that says what happened."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done, Error
from WeakMedSAMLib.contract.files import remove_leftovers, write_text
from WeakMedSAMLib.contract.run_folder import PROBE, RunFolder
from WeakMedSAMLib.engine.base.memory import allow_many_maps, is_gpu_out_of_memory, is_out_of_memory
from WeakMedSAMLib.engine.base.reporting import Cancelled, Listener, RunReport
from WeakMedSAMLib.engine.runs.process_watch import ParentWatch

SPARE_BYTES = 64 << 20
_FULL = tuple(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
# A disk that was pulled out, a share of the network that is gone.
_GONE = ("EIO", "ENODEV", "ENXIO", "ESTALE", "ENOTCONN")
_FAILING = tuple(getattr(errno, name) for name in _GONE if hasattr(errno, name))
_GOES_ON = "The run goes on after its last finished stage."
_log = logging.getLogger("WeakMedSAMLib")


class Terminated(KeyboardInterrupt):
    """The system, or another program, asked this one to end (SIGTERM)."""


class RunFailed(Exception):
    """A run ended by something that nobody foresaw: `reason` says what, `log` is the file with the details."""

    def __init__(self, reason: str, log: Path) -> None:
        super().__init__(f"The program failed unexpectedly ({reason}).")
        self.reason = reason
        self.log = log


class RunSession:
    """Holds a run folder while a run works in it; whatever ends the run is told as events and in ``log.txt``.

    The caller then gets a `UserError` (also for a full or closed disk, and for memory that ran out), `Cancelled` (also
    for an interrupt from the keyboard) or, for everything else, `RunFailed`.

    Parameters
    ----------
    places : RunFolder
        The run; must exist.
    listener : callable, optional
        Gets every event.
    parent : int, optional
        Id of the process without which the run is of no use.

    Attributes
    ----------
    report : RunReport
        What stages report to.
    """

    report: RunReport

    def __init__(self, places: RunFolder, listener: Listener | None = None, parent: int | None = None) -> None:
        self._places = places
        self._listener = listener
        self._parent = parent
        self._started = time.monotonic()
        self._resources = ExitStack()

    def __enter__(self) -> RunSession:
        _require_run(self._places)
        require_writable(self._places.path)
        try:
            with ExitStack() as opening:
                self._open(opening)
                self._resources = opening.pop_all()
        except OSError as problem:
            raise _translate(problem, self._places) from problem
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._resources:
            translated = None if problem is None else _translate(problem, self._places)
            if translated is not None and translated is not problem:
                translated.__cause__ = problem
            self._tell(translated)
        if translated is not None and translated is not problem:
            raise translated

    def seconds(self) -> float:
        """Seconds since the session was made."""
        return time.monotonic() - self._started

    def _open(self, opening: ExitStack) -> None:
        allow_many_maps()
        opening.enter_context(_only_user(self._places))
        remove_leftovers(self._places.path)
        opening.callback(self._places.cancel.unlink, missing_ok=True)
        opening.enter_context(_logging_to(self._places.log))
        self.report = RunReport(self._places.events, self._places.cancel, self._listener)
        opening.callback(self.report.close)
        if self._parent is not None:
            self._watch(self._parent, opening)

    def _watch(self, parent: int, opening: ExitStack) -> None:
        watch = ParentWatch(parent, lambda: self.report.request_stop("The program that started the run is gone."))
        watch.start()
        opening.callback(watch.stop)

    def _tell(self, problem: BaseException | None) -> None:
        """The last events."""
        if problem is not None and not isinstance(problem, Cancelled):
            self.report.emit_last(_error_event(problem))
        self.report.emit_last(self._done(problem))

    def _done(self, problem: BaseException | None) -> Done:
        seconds = round(self.seconds(), 3)
        if problem is None:
            return Done(status="ok", seconds=seconds)
        if isinstance(problem, Cancelled):
            return Done(status="cancelled", seconds=seconds, message=str(problem))
        return Done(status="failed", seconds=seconds)


def require_writable(folder: Path, needed_bytes: int = 0) -> None:
    """Make sure, before any work, that a folder takes files and has room.

    Raises
    ------
    UserError
        ``cannot_write``, ``disk_full``.
    """
    probe = folder / PROBE
    write_text(probe, "")
    probe.unlink(missing_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + SPARE_BYTES:
        raise UserError(
            "disk_full",
            f"{folder} needs about {(needed_bytes + SPARE_BYTES) / 1e9:.2f} GB more, but only {free / 1e9:.2f} GB are "
            "free on that disk.",
            "Free some space, or choose an output folder on another disk.",
            {"folder": str(folder), "needed_bytes": needed_bytes + SPARE_BYTES, "free_bytes": free},
        )


def _require_run(places: RunFolder) -> None:
    if not places.run.is_file():
        raise UserError(
            "not_a_run_folder",
            f"{places.path} is not a run folder: it holds no run.json.",
            "Give the folder that `weakmedsam segment` or 3D Slicer made.",
            values={"folder": str(places.path)},
        )


@contextmanager
def _only_user(places: RunFolder) -> Iterator[None]:
    lock = FileLock(places.lock, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            "run_in_use",
            f"Another process works in {places.path}.",
            f"Wait for it, or ask it to stop by making the file {places.cancel}",
            values={"folder": str(places.path)},
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send this program's log, and Python's warnings, to a file for the duration of the block."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = (_log, logging.getLogger("py.warnings"))
    level = _log.level
    logging.captureWarnings(True)
    _log.setLevel(logging.INFO)
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        _log.setLevel(level)
        logging.captureWarnings(False)
        with suppress(OSError):  # on a full disk, which has been told of by then
            handler.close()


def _translate(problem: BaseException, places: RunFolder) -> BaseException:
    """What the problem is to the user."""
    if isinstance(problem, Terminated):
        return Cancelled("The run was asked to end from outside (SIGTERM).")
    if isinstance(problem, KeyboardInterrupt):
        return Cancelled("The run was interrupted from the keyboard.")
    if isinstance(problem, BrokenPipeError):
        return Cancelled("Nobody reads the output of this run any more.")
    if isinstance(problem, OSError) and _is_of_the_disk(problem, places):
        return UserError(
            "disk_full" if problem.errno in _FULL else "cannot_write",
            f"Cannot use {problem.filename or places.path}: {problem.strerror}.",
            "Free some space, check the disk or choose another folder; the run goes on after its last finished stage.",
            {"file": str(problem.filename or places.path), "folder": str(places.path), "reason": problem.strerror},
        )
    if is_gpu_out_of_memory(problem):
        hint = "Close other programs that use the GPU, or run with --device cpu. " + _GOES_ON
        return UserError("gpu_out_of_memory", "The memory of the GPU does not suffice.", hint)
    if is_out_of_memory(problem):
        hint = "Close other programs, or use fewer volumes. " + _GOES_ON
        return UserError("out_of_memory", "There is not enough memory.", hint)
    if isinstance(problem, Exception) and not isinstance(problem, UserError | Cancelled):
        return RunFailed(f"{type(problem).__name__}: {problem}", places.log)
    return problem


def _is_of_the_disk(problem: OSError, places: RunFolder) -> bool:
    """Whether it is full, closed or failing, or what lies in the run folder is no longer what it was."""
    if problem.errno in _FULL + _CLOSED + _FAILING:
        return True
    name = problem.filename
    return isinstance(name, (str, os.PathLike)) and Path(name).is_relative_to(places.path)


def _error_event(problem: BaseException) -> Error:
    """The event for the user, and the whole story in the log for what nobody foresaw."""
    if isinstance(problem, UserError):
        _log.error("The run ended: %s", problem.code)
        return Error.of(problem, problem.volume)
    _log.critical("The run ended unexpectedly", exc_info=problem.__cause__ or problem)
    log = f"The details are in {problem.log}; please report it with them." if isinstance(problem, RunFailed) else ""
    values = {"log": str(problem.log), "reason": problem.reason} if isinstance(problem, RunFailed) else {}
    return Error(code="internal", message=str(problem), hint=log, values=values)
