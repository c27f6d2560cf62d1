"""Where events go: to whoever listens and into the run folder; and the place where a run notices that it must stop."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from WeakMedSAMLib.contract.events import Event, Progress, Stage, encode

Report = Callable[[Event], None]  # what stages tell of their progress; it may raise, which ends the run
Listener = Callable[[Event], None]  # whoever looks on
Tell = Callable[[int, int], None]  # what work tells of how far it is: what is done of how much; it may raise, too
_log = logging.getLogger(__name__)


def as_stage(report: Report, stage: str) -> Report:
    """What hands events on, progress as that of a stage, for work that does not know which one it is a part of."""

    def tell(event: Event) -> None:
        report(replace(event, stage=stage) if isinstance(event, Progress) else event)

    return tell


def nobody(_done: int, _most: int) -> None:
    """Take no notice of how far work is."""


class Work:
    """Work in several parts, one after the other, that tells how far all of it is.

    Parameters
    ----------
    parts : int
        How many there are, each as long as the others; one that takes longer is several.
    tell : callable
        Takes hundredths of a part.
    """

    _FINE = 100

    def __init__(self, parts: int, tell: Tell) -> None:
        self._parts, self._tell, self._begun = parts, tell, 0

    @classmethod
    def of_stage(cls, report: Report, stage: str, parts: int) -> Work:
        """Work that is a stage, and tells it as progress."""
        return cls(parts, lambda done, most: report(Progress(stage, done, most)))

    def part(self, count: int = 1) -> Tell:
        """The next part, or as many together: what tells how far it is. Those before it are done."""
        before, self._begun = self._begun, self._begun + count

        def tell(done: int, most: int) -> None:
            within = count * self._FINE * done // most if most else 0
            self._tell(before * self._FINE + within, self._parts * self._FINE)

        return tell


class Cancelled(Exception):
    """The run was asked to stop; what its finished stages made stays, and the same run goes on from there."""


def as_part(report: Report, tell: Tell) -> Report:
    """What hands events on, progress as how far a part of some work is."""

    def take(event: Event) -> None:
        if isinstance(event, Progress):
            tell(event.done, event.total)
        else:
            report(event)

    return take


class RemainingTime:
    """Estimates the seconds that a stage still needs from its pace, smoothed so that the figure does not jump.

    Parameters
    ----------
    clock : callable
        Seconds, never going back.
    memory_s : float
        A pace measured this long ago weighs 1/e of the newest one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, memory_s: float = 20.0) -> None:
        self._clock = clock
        self._memory_s = memory_s
        self._stage = ""
        self._done = 0
        self._at = 0.0
        self._pace: float | None = None

    def update(self, stage: str, done: int, total: int) -> float | None:
        """Seconds left of ``stage``, now that ``done`` of ``total`` steps are done; None while nothing is known.

        The first call for a stage only starts the measurement, so that steps found done already do not count as fast.
        """
        now = self._clock()
        if stage != self._stage or done < self._done:
            self._stage, self._pace = stage, None
        elif done > self._done and now > self._at:
            self._learn((now - self._at) / (done - self._done), now - self._at)
        elif done == self._done:
            return self._left(done, total)
        self._done, self._at = done, now
        return self._left(done, total)

    def _learn(self, pace: float, elapsed: float) -> None:
        weight = 1.0 if self._pace is None else 1.0 - math.exp(-elapsed / self._memory_s)
        self._pace = pace if self._pace is None else self._pace + weight * (pace - self._pace)

    def _left(self, done: int, total: int) -> float | None:
        if done >= total:
            return 0.0
        return None if self._pace is None else self._pace * (total - done)


class StageClock:
    """Adds up the seconds of each stage from its events, and fills them in where a stage left them out.

    Parameters
    ----------
    clock : callable
        Seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds: dict[str, float] = {}
        self._clock = clock
        self._started: dict[str, float] = {}

    def see(self, event: Stage) -> None:
        """Take note of a stage that starts, finishes or is reused."""
        if event.state == "started":
            self._started[event.stage] = self._clock()
            return
        started = self._started.pop(event.stage, None)
        if event.seconds is None and started is not None:
            event.seconds = round(self._clock() - started, 3)
        self.seconds[event.stage] = self.seconds.get(event.stage, 0.0) + (event.seconds or 0.0)


class RunReport:
    """The one callable that every stage reports to.

    It completes an event (time left, seconds of a stage), appends it to ``events.jsonl``, hands it to the listener, and
    raises `Cancelled` once the run was asked to stop. Progress that follows too closely is left out.

    Parameters
    ----------
    events_file : Path
        Appended to; each line is flushed.
    cancel_file : Path
        The run stops once this file exists; looked for every ``interval_s`` at most.
    listener : callable, optional
        Gets every event that is written.
    interval_s : float
        Shortest time between two progress events of a stage, and between two looks for the file.
    """

    def __init__(
        self, events_file: Path, cancel_file: Path, listener: Listener | None = None, interval_s: float = 0.2
    ) -> None:
        # Without a buffer: what could not be written must not come again, later and behind other lines.
        self._stream: BinaryIO = events_file.open("ab", buffering=0)
        self._line_is_open = _ends_within_a_line(events_file)
        self._cancel_file = cancel_file
        self._listener = listener
        self._interval_s = interval_s
        self._reason = ""
        self._looked = -math.inf
        self._shown: tuple[str, float] = ("", -math.inf)
        self._remaining = RemainingTime()
        self.stages = StageClock()

    def __call__(self, event: Event) -> None:
        """Report an event; raises `Cancelled` if the run must stop."""
        self.check_cancelled()
        if isinstance(event, Progress):
            event.eta_s = self._remaining.update(event.stage, event.done, event.total)
            if not self._is_due(event):
                return
        self.emit(event)

    def emit(self, event: Event) -> None:
        """Write an event even if the run was asked to stop."""
        if isinstance(event, Stage):
            self.stages.see(event)
        self._write_line(encode(event).encode("ascii"))
        if self._listener is not None:
            self._listener(event)

    def emit_last(self, event: Event) -> None:
        """Tell of the end on a best effort: the disk may be what has failed, or the listener."""
        try:
            self._write_line(encode(event).encode("ascii"))
        except OSError as error:
            _log.error("An event could not be written: %s", error)
        if self._listener is not None:
            with suppress(OSError):
                self._listener(event)

    def request_stop(self, reason: str) -> None:
        """Make the next report raise `Cancelled`; may be called from another thread."""
        self._reason = reason

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if the run was asked to stop."""
        now = time.monotonic()
        if not self._reason and now - self._looked >= self._interval_s:
            self._looked = now
            if self._cancel_file.exists():
                self._reason = "The run was cancelled."
        if self._reason:
            raise Cancelled(self._reason)

    def close(self) -> None:
        """Close ``events.jsonl``."""
        self._stream.close()

    def _write_line(self, line: bytes) -> None:
        """Append a line; one that was cut off (by a full disk, a kill) is ended first, so that it spoils no other."""
        rest = memoryview(b"\n" * self._line_is_open + line + b"\n")
        while rest:
            self._line_is_open = True
            rest = rest[self._stream.write(rest) :]
        self._line_is_open = False

    def _is_due(self, event: Progress) -> bool:
        stage, shown = self._shown
        now = time.monotonic()
        if stage == event.stage and event.done < event.total and now - shown < self._interval_s:
            return False
        self._shown = (event.stage, now)
        return True


def _ends_within_a_line(path: Path) -> bool:
    """Whether a file has a last line without its end."""
    with path.open("rb") as stream:
        if stream.seek(0, os.SEEK_END) == 0:
            return False
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) != b"\n"
