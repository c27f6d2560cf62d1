"""The volume that the resident worker was given to encode: who hears how far it is, and that it has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import Answer, Encode, Encoded, Encoding, Failed, Stop, Window
from WeakMedSAMLib.frontend.base.callbacks import callLogged
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.running.resident_volumes import Key
from WeakMedSAMLib.frontend.running.resident_worker import ResidentWorker
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode

CANCELLED = "cancelled"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class EncodingOrder:
    """What is to be encoded, and who asked for it.

    Attributes
    ----------
    node : vtkMRMLScalarVolumeNode
    axis : str
        ``"i"``, ``"j"`` or ``"k"``.
    windows : iterable of Window
        As of `contract.resident.Encode`.
    heard : callable
        Gets how many slices are done, and how many there are.
    ended : callable
        Gets the answer and None, or None and why it was not done; ``cancelled`` if the worker was let go of.
    """

    node: VolumeNode
    axis: str
    windows: Iterable[Window]
    heard: Callable[[int, int], object]
    ended: Callable[[Encoded | None, UserError | None], object]


class ResidentEncoding:
    """At most one order.

    Parameters
    ----------
    newId : callable
        Gives the id of a request.
    """

    def __init__(self, newId: Callable[[], int]) -> None:
        self._newId = newId
        self._now: tuple[EncodingOrder, ResidentWorker] | None = None
        self._steps: StepRunner | None = None
        # Of the request, once the worker has it.
        self._id: int | None = None

    def begin(self, worker: ResidentWorker, order: EncodingOrder) -> None:
        """Give the worker a volume to encode, in place of the one that it has."""
        self.stop()
        self._now = order, worker
        self._steps = StepRunner(worker.volumes.copySteps(order.node), self._onCopied, self._onNotCopied).start()

    def stop(self) -> None:
        """End it; nobody is told, and what was encoded is kept."""
        now, wasTold = self._now, self._id is not None
        self._forget()
        if now is not None and wasTold:
            now[1].tell([Stop(self._newId())])

    def take(self, answer: Answer) -> bool:
        """Hand an answer on if it is about what is encoded; says whether it is."""
        isOurs = isinstance(answer, Encoding | Encoded | Failed) and answer.id == self._id
        if self._now is None or self._id is None or not isOurs:
            return isinstance(answer, Encoding | Encoded)
        if isinstance(answer, Encoding):
            callLogged(self._now[0].heard, answer.done, answer.total)
        elif isinstance(answer, Encoded):
            self._end(answer, None)
        elif isinstance(answer, Failed):
            self._end(None, answer.error())
        return True

    def end(self, error: UserError | None) -> None:
        """The worker is gone, by its own fault where there is an error."""
        self._end(None, error or UserError(CANCELLED, "The encoding was stopped.", "What was encoded is kept."))

    def _onCopied(self, key: Key) -> None:
        self._steps = None
        if self._now is None:
            return
        order, worker = self._now
        name, before = worker.volumes.request(key, order.axis)
        asking = Encode(self._newId(), name, tuple(order.windows))
        self._id = asking.id
        worker.tell([*before, asking])

    def _onNotCopied(self, error: Exception) -> None:
        self._steps = None
        if isinstance(error, UserError):
            self._end(None, error)
            return
        if self._now is not None and not self._now[1].volumes.folder.is_dir():
            # It has just ended, and took its folder along.
            self.end(None)
            return
        _logger.error("A volume could not be copied", exc_info=error)
        self._end(None, UserError("resident_failed", str(error), values={"reason": str(error)}))

    def _end(self, answer: Encoded | None, error: UserError | None) -> None:
        now = self._now
        self._forget()
        if now is not None:
            callLogged(now[0].ended, answer, error)

    def _forget(self) -> None:
        self._now = self._id = None
        steps, self._steps = self._steps, None
        if steps is not None:
            steps.cancel()
