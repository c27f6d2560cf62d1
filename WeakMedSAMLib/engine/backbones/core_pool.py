"""Slices side by side, each on a core of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch

_T = TypeVar("_T")
_R = TypeVar("_R")


class CorePool:
    """Threads in which PyTorch computes on one core each.

    A batch split over the cores inside every operation waits for the slowest core thousands of times; whole slices
    side by side wait once. That is faster on an idle machine and several times faster on a busy one, and a slice's
    result depends neither on the number of cores nor on the batch it came in.

    Parameters
    ----------
    count : int
        Number of threads.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="slice", initializer=_on_one_core)
        self._start_all()
        # A thread's first setting is also the default of threads yet to come: give that back.
        torch.set_num_threads(count)

    def map(self, function: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
        """Results in order; the first exception is raised after all have ended."""
        futures = [self._pool.submit(function, item) for item in items]
        wait(futures)
        return [future.result() for future in futures]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _start_all(self) -> None:
        gate = threading.Barrier(self.count)
        self.map(lambda _: gate.wait(), range(self.count))


def _on_one_core() -> None:
    torch.get_num_threads()  # PyTorch sets a new thread up at its first question, which would undo what comes before it
    torch.set_num_threads(1)
