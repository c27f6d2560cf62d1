"""The resident worker as the process of an update: the same lines, without loading libraries and network anew."""

from __future__ import annotations

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.running.resident_client import ResidentClient
from WeakMedSAMLib.frontend.running.worker_command import Command
from WeakMedSAMLib.frontend.running.worker_process import WorkerExit


class ResidentUpdateProcess:
    """A `worker_process.WorkerProcess` of the run folder of one update.

    Parameters
    ----------
    resident : ResidentClient
        Starts its worker where there is none.
    """

    def __init__(self, resident: ResidentClient) -> None:
        self.lineRead, self.finished = Callbacks(), Callbacks()
        self._resident = resident
        self._isUnderWay = False

    def start(self, command: Command) -> None:
        """Begin; the command says which run folder."""
        self._isUnderWay = True
        self._resident.update(command.folder, self._hear, self._end)

    def kill(self) -> None:
        """End the update with the worker, which is started again when it is needed."""
        if self._isUnderWay:
            self._isUnderWay = False
            self._resident.stopUpdate()
            self.finished(WorkerExit(crashed=True))

    def killAndWait(self) -> None:
        """End the update; the client waits for its worker where Slicer ends."""
        if self._isUnderWay:
            self._isUnderWay = False
            self._resident.stopUpdate()

    def noteChildren(self) -> None:
        """Nothing: the client does."""

    def _hear(self, line: str) -> None:
        self.lineRead(line, False)

    def _end(self, error: UserError | None) -> None:
        self._isUnderWay = False
        # Events have said what was wrong with the run; of a worker that is gone there is this alone.
        if error is not None:
            self.lineRead(f"{error.message} {error.hint}".strip(), True)
        self.finished(WorkerExit(code=0 if error is None else 1))
