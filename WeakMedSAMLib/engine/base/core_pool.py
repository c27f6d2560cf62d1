"""Slices side by side, each on a core of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from typing import TypeVar

import torch

_MOST_THREADS = 16

_T = TypeVar("_T")
_R = TypeVar("_R")


class CorePool:
    """Threads in which PyTorch computes on one core each (see ``cores``).

    A batch split over the cores inside every operation waits for the slowest core thousands of times; whole slices
    side by side wait once. That is faster on an idle machine and several times faster on a busy one, and a slice's
    result depends neither on the number of cores nor on the batch it came in.

    Parameters
    ----------
    cores : int
        Cores to use. Each thread holds the maps of one slice, so there are at most 16 threads; on a machine with more
        cores each thread has several.
    """

    def __init__(self, cores: int) -> None:
        self.count = min(cores, _MOST_THREADS)
        before, settings = torch.get_num_threads(), (cores // self.count,)
        self._pool = ThreadPoolExecutor(self.count, "slice", initializer=_use_cores, initargs=settings)
        self._start_all()
        # A thread's setting is also the default of threads yet to come: give that back.
        torch.set_num_threads(before)

    @classmethod
    def of_this_process(cls) -> CorePool:
        """The pool that everything here shares, with as many threads as PyTorch would use."""
        return _shared_pool(torch.get_num_threads())

    def map(self, function: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
        """Results in order, computed without gradients; the first exception is raised after all have ended."""
        futures = [self._pool.submit(torch.no_grad()(function), item) for item in items]
        try:
            wait(futures)
        except BaseException:  # an interrupt: what has not begun need not begin
            for future in futures:
                future.cancel()
            raise
        return [future.result() for future in futures]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _start_all(self) -> None:
        gate = threading.Barrier(self.count)
        self.map(lambda _: gate.wait(), range(self.count))


@lru_cache(maxsize=1)
def _shared_pool(cores: int) -> CorePool:
    return CorePool(cores)


def _use_cores(count: int) -> None:
    torch.get_num_threads()  # PyTorch sets a new thread up at its first question, which would undo what comes before it
    torch.set_num_threads(count)
