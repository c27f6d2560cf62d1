"""What the end of a worker means, in words: finished, cancelled, or failed and why."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from slicer.i18n import tr as _

from WeakMedSAMLib.contract import exit_codes
from WeakMedSAMLib.contract.events import Done, Error
from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.running.worker_process import WorkerExit

FINISHED, CANCELLED, FAILED = "finished", "cancelled", "failed"
_LAST_LINES = 4
_LONGEST = 300
# Ended by the system: most often because memory ran out. 137 is 128 + 9, as launchers and shells hand it on.
_KILLED_CODES = (9, 137)


def endOf(
    isCancelling: bool, done: Done | None, error: Error | None, found: WorkerExit, log: Iterable[str]
) -> tuple[str, str, str, str]:
    """Judge how a run ended.

    Parameters
    ----------
    isCancelling : bool
        Whether the user asked for it to stop.
    done, error : event or None
        The worker's last words, if it had any.
    found : WorkerExit
        How its process ended.
    log : iterable of str
        Its log.

    Returns
    -------
    status, message, hint, code : str
        As in `job_runner.Outcome`.
    """
    if done is not None and done.status == "ok":
        return FINISHED, _("Masks are ready for review."), "", ""
    if error is not None:
        message, hint = wordsOf(error)
        return FAILED, message or error.code, hint, error.code
    if isCancelling or (done is not None and done.status == "cancelled") or _isCancelled(done, found):
        return CANCELLED, _("Features of finished volumes are kept, so the next run is quicker."), "", ""
    if found.startProblem:
        message = _("The worker could not be started: {reason}.").format(reason=found.startProblem.rstrip("."))
        return FAILED, message, _("Reinstall Slicer, or check that it may start programs."), "worker_not_started"
    return _silentDeath(found, list(log))


def _isCancelled(done: Done | None, found: WorkerExit) -> bool:
    return done is None and not found.crashed and found.code == exit_codes.CANCELLED


def _silentDeath(found: WorkerExit, log: list[str]) -> tuple[str, str, str, str]:
    last = [line.strip()[:_LONGEST] for line in log if line.strip()][-_LAST_LINES:]
    message = _("The worker stopped without a result: {how}.").format(how=_how(found))
    if last:
        message += " " + _("Last lines of its log: {words}").format(words=" / ".join(last))
    hint = _("Run it again; features that were computed are kept. If it happens again, please report it with the log.")
    if found.code in _KILLED_CODES:
        hint = _("This happens when memory runs out. Close other programs, use fewer volumes, then run it again.")
    return FAILED, message, hint, "worker_died"


def _how(found: WorkerExit) -> str:
    if not found.crashed:
        return _("exit code {code}").format(code=found.code)
    try:
        return _("ended by the system ({name}, signal {code})").format(
            name=signal.Signals(found.code).name, code=found.code
        )
    except ValueError:
        return _("it crashed (code {code})").format(code=found.code)
