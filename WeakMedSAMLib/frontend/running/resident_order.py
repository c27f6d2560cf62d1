"""The update that the resident worker was given: who gets its lines, and who hears that it has ended."""

from __future__ import annotations

from collections.abc import Callable

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import Answer, Failed, Told, Update, Updated
from WeakMedSAMLib.frontend.base.callbacks import callLogged

Heard = Callable[[str], object]
Ended = Callable[[UserError | None], object]


class UpdateOrder:
    """At most one update.

    Attributes
    ----------
    isUnderWay : bool
        Whether there is one that has not ended.
    """

    def __init__(self) -> None:
        self._now: tuple[int, Heard, Ended] | None = None

    @property
    def isUnderWay(self) -> bool:
        """Whether an update has not ended."""
        return self._now is not None

    def begin(self, id_: int, folder: str, heard: Heard, ended: Ended) -> Update:
        """Return the request of an update; what is said of it goes to these two."""
        self._now = (id_, heard, ended)
        return Update(id_, folder)

    def take(self, answer: Answer) -> bool:
        """Hand an answer on if it is about the update; says whether it is."""
        if self._now is None or not isinstance(answer, Told | Updated | Failed) or answer.id != self._now[0]:
            return False
        if isinstance(answer, Told):
            callLogged(self._now[1], answer.line)
        else:
            self.end(answer.error() if isinstance(answer, Failed) else None)
        return True

    def end(self, error: UserError | None) -> None:
        """The update is over, if there is one: well, or why not."""
        now, self._now = self._now, None
        if now is not None:
            callLogged(now[2], error)

    def forget(self) -> None:
        """Tell nobody of it any more."""
        self._now = None
