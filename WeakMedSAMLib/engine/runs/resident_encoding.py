"""Encodes volumes while nobody asks anything: a piece at a time, so that whoever asks waits for a slice at most."""

from __future__ import annotations

from collections.abc import Callable, Generator

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import (
    Answer,
    Encode,
    Encoded,
    Encoding,
    Failed,
    Superseded,
)

Steps = Generator[Encoding | None, None, Encoded]


class BackgroundEncoding:
    """At most one volume at a time.

    Parameters
    ----------
    tell : callable
        Takes every answer.
    begin : callable
        Gives the pieces of work of a request.
    translate : callable
        Makes of what nobody foresaw an error that can be told.

    Attributes
    ----------
    is_under_way : bool
        Whether there is a piece to be done.
    """

    def __init__(
        self,
        tell: Callable[[Answer], None],
        begin: Callable[[Encode], Steps],
        translate: Callable[[Exception], UserError],
    ) -> None:
        self._tell, self._begin, self._translate = tell, begin, translate
        self._now: tuple[Encode, Steps] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether there is a piece to be done."""
        return self._now is not None

    def begin(self, asked: Encode) -> None:
        """Take a request in place of the one under way; nothing is done before `step`."""
        self._end(Superseded)
        self._now = asked, self._begin(asked)

    def step(self) -> None:
        """Do one piece; tells how far it is, that it is done, or why it is not."""
        if self._now is None:
            return
        asked, steps = self._now
        try:
            said: Answer | None = next(steps)
        except StopIteration as end:
            said, self._now = end.value, None
        except UserError as error:
            said, self._now = Failed.of(error, asked.id), None
        except Exception as problem:  # noqa: BLE001 - a volume that fails must not end what answers questions
            said, self._now = Failed.of(self._translate(problem), asked.id), None
        if said is not None:
            self._tell(said)

    def stop(self, volume: str | None = None) -> None:
        """End that of a volume, or whatever is under way; what was encoded is kept."""
        if self._now is not None and volume in (None, self._now[0].volume):
            error = UserError("cancelled", "The encoding was stopped.", "What was encoded is kept.")
            self._end(lambda id_: Failed.of(error, id_))

    def _end(self, answer: Callable[[int], Answer]) -> None:
        now, self._now = self._now, None
        if now is not None:
            now[1].close()
            self._tell(answer(now[0].id))
