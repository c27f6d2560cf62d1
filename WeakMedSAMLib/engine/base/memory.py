"""Memory: what this process holds of its own (anonymous pages, not mapped files), and whether it ran out."""

from __future__ import annotations

import ctypes
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_STATUS = Path("/proc/self/status")
_OPEN_FILES = 10_240  # the most that macOS takes where it names no limit
# Numbers of glibc's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD; the last takes no more than this.
_KEEP = {-1: 256 << 20, -2: 64 << 20, -3: 32 << 20}
_GPU_MEMORY = ("MPS backend out of memory", "CUDA error: out of memory", "STATUS_ALLOC_FAILED")
_MAIN_MEMORY = ("can't allocate memory", "not enough memory")


def private_memory_mb() -> float:
    """Private memory of this process now, in MB (10^6 bytes).

    Linux: resident anonymous memory and swap. Windows: the private commit charge. Elsewhere: the peak resident size,
    which counts mapped files too and never shrinks.
    """
    if _STATUS.exists():
        return _linux_kb() * 1024 / 1e6
    if sys.platform == "win32":
        return _windows_bytes() / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _linux_kb() -> int:
    wanted = ("RssAnon:", "VmSwap:")
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(wanted))


def _windows_bytes() -> int:
    class Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS_EX of psapi.h."""

        _fields_ = (
            ("cb", ctypes.c_uint32),
            ("page_fault_count", ctypes.c_uint32),
            *((name, ctypes.c_size_t) for name in ("peak_working_set", "working_set", "a", "b", "c", "d", "e", "f")),
            ("private_usage", ctypes.c_size_t),
        )

    counters = Counters(cb=ctypes.sizeof(Counters))
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.cb)
    return int(counters.private_usage)


def release_free_memory() -> None:
    """Give back what the C library keeps of freed blocks, so that what one stage leaves does not add to the next.

    glibc keeps pages between blocks that are still used; with other libraries this does nothing.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def keep_freed_memory() -> None:
    """Let the C library keep freed blocks for the next ones, from now on in this process: some 64 MB in each thread.

    Layers take and free blocks of megabytes hundreds of times a slice. Left alone, glibc gives them back to the system
    again and again, which then has to clear every page anew: up to a third more time for the encoder, by chance of
    where blocks lie. Other libraries are left as they are.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            for option, value in _KEEP.items():
                mallopt(option, value)


def allow_many_maps() -> None:
    """Let this process map as many files as the system lets it: every memory map keeps its file open.

    What a shell allows at first, 1024 files on most Linux systems and 256 on macOS, is used up by a hundred volumes.
    Windows has no such limit.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # what a system refuses may still be enough
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class PeakMemory:
    """Samples `private_memory_mb` in a thread; the highest sample of the block is `peak_mb`.

    Parameters
    ----------
    interval_s : float
        Seconds between two samples.
    """

    def __init__(self, interval_s: float = 0.1) -> None:
        self.peak_mb = 0.0
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="peak-memory", daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, private_memory_mb())
            if self._stop.wait(self._interval_s):
                self.peak_mb = max(self.peak_mb, private_memory_mb())
                return


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether memory ran out, of the GPU or of the computer.

    PyTorch's own class and its texts are known by name (on Apple GPUs, in CUDA's libraries and for main memory it says
    so in a plain RuntimeError), so that whoever asks need not load PyTorch.
    """
    return is_gpu_out_of_memory(problem) or isinstance(problem, MemoryError) or _says(problem, _MAIN_MEMORY)


def is_gpu_out_of_memory(problem: BaseException) -> bool:
    """Whether the memory of the GPU ran out."""
    return type(problem).__name__ == "OutOfMemoryError" or _says(problem, _GPU_MEMORY)


def _says(problem: BaseException, texts: tuple[str, ...]) -> bool:
    return isinstance(problem, RuntimeError) and any(text in str(problem) for text in texts)
