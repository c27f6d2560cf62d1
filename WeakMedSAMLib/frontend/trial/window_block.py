"""How long the window goes without an answer: measured by a timer that wants its turn each millisecond."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import qt

_SCHEDULE = Path("/proc/thread-self/schedstat")


class Block:
    """The longest time without an answer of the window.

    Attributes
    ----------
    wall_ms : float
        By the clock, with the time in which other programs had the processor.
    own_ms : float
        Without that time, where the system tells it (Linux).
    """

    def __init__(self) -> None:
        self.wall_ms = self.own_ms = 0.0
        self._last = _now()

    def __str__(self) -> str:
        return f"{self.own_ms:.0f} ms ({self.wall_ms:.0f} ms with what other programs took)"

    def beat(self) -> None:
        """A timer had its turn."""
        now = _now()
        wall, waited = (1000 * (new - old) for new, old in zip(now, self._last, strict=True))
        self.wall_ms, self.own_ms = max(self.wall_ms, wall), max(self.own_ms, wall - waited)
        self._last = now


@contextmanager
def longestBlock() -> Iterator[Block]:
    """Measure the longest time for which Qt does not come to a timer's turn."""
    block = Block()
    timer = qt.QTimer()
    timer.setInterval(1)
    timer.connect("timeout()", block.beat)
    timer.start()
    try:
        yield block
    finally:
        timer.stop()
        # What was done since the last turn counts, too.
        block.beat()


def _now() -> tuple[float, float]:
    """Return the clock, and how long this thread has waited for a processor so far; both in seconds."""
    try:
        waited = int(_SCHEDULE.read_text(encoding="ascii").split()[1]) / 1e9
    except OSError:
        waited = 0.0
    return time.perf_counter(), waited
