"""The worker's own process and the program that it works for: whether it lives, and the memory that is taken."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from WeakMedSAMLib.contract.events import Progress, parse_line
from WeakMedSAMLib.engine.base.memory import PeakMemory, private_memory_mb, release_free_memory
from WeakMedSAMLib.engine.runs.process_watch import ParentWatch, ProcessHandle


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


_WORKER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import BrightMethod, NoBackbone
from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.engine.cli.show import print_event_line
from WeakMedSAMLib.engine.base.reporting import Cancelled
from WeakMedSAMLib.engine.runs.worker import run_folder

class Slow(BrightMethod):
    def run(self, cohort, settings, context, start):
        for step in range(600):
            context.report(Progress(stage="slow", done=step, total=600))
            time.sleep(0.1)
        yield

try:
    run_folder({folder!r}, parent={parent}, report=print_event_line, method=Slow(), build=lambda name: NoBackbone())
except Cancelled:
    sys.exit(3)
"""


def test_a_worker_ends_by_itself_soon_after_the_program_it_works_for_is_gone(make):
    places = make()
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    tests = os.path.dirname(__file__)
    code = _WORKER.format(tests=tests, folder=str(places.path), parent=parent.pid)
    worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        for line in worker.stdout:
            if isinstance(parse_line(line), Progress):
                break
        # Killed and not waited for: what is left of it is a zombie, which must count as gone.
        parent.kill()
        rest = worker.communicate(timeout=50)[0].splitlines()
    finally:
        worker.kill()
        parent.kill()
        parent.wait()
    assert worker.returncode == 3
    assert parse_line(rest[-1]).status == "cancelled"
    assert parse_line(places.events.read_text(encoding="ascii").splitlines()[-1]).status == "cancelled"


def test_a_worker_that_does_not_come_to_a_batch_is_ended_after_the_grace_period():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    asked, ended = threading.Event(), []
    watch = ParentWatch(gone.pid, asked.set, poll_s=0.01, grace_s=0.05, end=ended.append)
    watch.start()
    watch.join(5)
    assert asked.is_set()
    assert ended == [3]


def test_a_watch_that_is_stopped_ends_nothing():
    ended = []
    watch = ParentWatch(os.getpid(), ended.append, poll_s=0.01, grace_s=0.01, end=ended.append)
    watch.start()
    watch.stop()
    watch.join(5)
    assert not watch.is_alive()
    assert ended == []


def test_a_process_is_alive_until_it_has_ended():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    handle = ProcessHandle(process.pid)
    assert handle.is_alive()
    process.communicate(b"\n")
    assert not handle.is_alive()


def test_private_memory_counts_what_is_allocated_but_not_a_mapped_file(tmp_path):
    release_free_memory()  # what tests before this one left would hold the block without any more memory
    before = private_memory_mb()
    with PeakMemory(0.01) as peak:
        block = np.ones(80_000_000, np.uint8)
        end = time.monotonic() + 10  # the thread that samples may have to wait for a core
        while peak.peak_mb <= before + 70 and time.monotonic() < end:
            time.sleep(0.01)
        del block
    assert peak.peak_mb > before + 70
    np.save(tmp_path / "maps.npy", np.ones(80_000_000, np.uint8))
    mapped = np.load(tmp_path / "maps.npy", mmap_mode="r")
    before = private_memory_mb()
    assert mapped.sum() == 80_000_000
    assert private_memory_mb() < before + 20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep no freed pages, or cannot say")
def test_freed_memory_below_a_block_in_use_is_given_back():
    release_free_memory()  # what tests before this one left
    before = private_memory_mb()
    blocks = [bytes(4096) for _ in range(25_000)]
    del blocks[:-1]
    kept = private_memory_mb()
    release_free_memory()
    assert kept > before + 80
    assert private_memory_mb() < before + 20


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc's")
def test_freed_memory_is_kept_for_the_next_layer():
    code = """
        import resource
        import torch
        from WeakMedSAMLib.engine.backbones.registry import build_backbone
        from WeakMedSAMLib.engine.base.device import precision_for
        torch.set_num_threads(2)
        cpu = torch.device("cpu")
        backbone = build_backbone("litemedsam", untrained=True).to(cpu, precision_for(cpu))
        slices = torch.rand(4, 1, 256, 256)
        backbone.embed(slices)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        backbone.embed(slices)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // len(slices))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 4000  # page faults a slice; up to 30,000 where the C library is left alone
