"""Threads that compute side by side, one core each."""

from __future__ import annotations

import threading

import pytest
import torch

from WeakMedSAMLib.engine.base.core_pool import CorePool

TORCH_THREADS = 2  # more than one, so that a pool could change the number, whatever the machine


def test_threads_of_a_pool_compute_alone_and_change_nothing_else():
    before = torch.get_num_threads()
    pool = CorePool(3)
    try:
        assert pool.map(lambda item: (item, torch.get_num_threads()), range(6)) == [(n, 1) for n in range(6)]
        assert len(set(pool.map(lambda _: threading.get_ident(), range(50)))) <= 3
        assert pool.map(lambda _: torch.is_grad_enabled(), [0]) == [False]
        with pytest.raises(ZeroDivisionError):
            pool.map(lambda item: 1 / item, [1, 0, 2])
        seen = []
        thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert torch.get_num_threads() == before
        assert seen == [before]
    finally:
        pool.close()


def test_a_machine_of_many_cores_gets_a_bounded_number_of_threads():
    before = torch.get_num_threads()
    pool = CorePool(before * 40)
    try:
        assert pool.count <= 16
    finally:
        pool.close()
    assert torch.get_num_threads() == before
