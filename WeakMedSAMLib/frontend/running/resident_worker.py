"""One resident worker: its process, the volumes that it was given, and the question that it works on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import IDLE_SECONDS, Request
from WeakMedSAMLib.contract.resident_lines import encode_request
from WeakMedSAMLib.frontend.running.resident_volumes import Key, ResidentVolumes
from WeakMedSAMLib.frontend.running.worker_command import residentCommand
from WeakMedSAMLib.frontend.running.worker_process import AnsweringProcess, WorkerExit

_KEPT_WORDS = 20
_IDLE_KEY = "WeakMedSAM/ResidentIdleSeconds"


class ResidentWorker:
    """Started at once.

    Parameters
    ----------
    process : AnsweringProcess
    newId : callable
        Gives the id of a request.
    device : str
        As of `runs.RunSettings`.
    cache : Path
        Folder of the feature cache.

    Attributes
    ----------
    volumes : ResidentVolumes
    isReady : bool
        Whether it has begun to answer.
    fault : UserError or None
        Why it could not begin.
    asked : (int, Key) or None
        Id of the question that is to be answered, and of which volume it is.

    Raises
    ------
    OSError
        No folder can be made for it.
    """

    def __init__(self, process: AnsweringProcess, newId: Callable[[], int], device: str, cache: Path) -> None:
        self.process, self.volumes = process, ResidentVolumes(newId)
        self.isReady = False
        self.fault: UserError | None = None
        self.asked: tuple[int, Key] | None = None
        self._place = (device, cache)
        self._words: deque[str] = deque(maxlen=_KEPT_WORDS)
        process.start(residentCommand(self.volumes.folder, device, cache, idleSeconds()))

    def isFor(self, device: str, cache: Path) -> bool:
        """Say whether it computes on this device and reads this cache."""
        return self._place == (device, cache)

    def tell(self, requests: Sequence[Request]) -> None:
        """Send requests."""
        for one in requests:
            self.process.write(encode_request(one))

    def hear(self, line: str) -> None:
        """Keep a line that is no answer."""
        self._words.append(line)

    def lastWords(self, found: WorkerExit) -> str:
        """Return why it ended, as far as it is known."""
        code = _("exit code {code}").format(code=found.code)
        return found.startProblem or (self._words[-1] if self._words else code)


def idleSeconds() -> float:
    """Return the seconds without a question after which a worker ends: the chosen ones, or ten minutes."""
    try:
        chosen = float(str(slicer.app.userSettings().value(_IDLE_KEY) or 0))
    except ValueError:
        return IDLE_SECONDS
    return chosen if 0 < chosen < float("inf") else IDLE_SECONDS
