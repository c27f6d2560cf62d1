"""Reads spoiled inputs of one kind, one after the other, in a process that may die of it.

Called by `fuzz.py`: ``child.py TARGET SEED FIRST COUNT PLACE``. Says ``begin N`` before an input, and after it
``end N good``, ``end N refused CODE`` or ``end N FINDING``. Input N of a seed is always the same.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import traceback
from pathlib import Path
from random import Random

import mutations  # noqa: F401 - so that it is loaded before files are watched
from targets import MARK, TARGETS, Files, Finding, Target, files_of

# Good inputs are of a few hundred bytes: this is far more than any reader needs for one, far less than a bomb wants.
SPARE_BYTES = 2**30
SECONDS_EACH = 10.0
_PROCESSES = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "pickle.find_class")
_CONNECTIONS = ("socket.connect", "socket.bind", "urllib.Request")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Watch:
    """Python's audit events while an input is read: programs started, connections made, files opened elsewhere."""

    def __init__(self, place: Path) -> None:
        self._place = str(place)
        self.is_on = False
        self.seen: list[str] = []
        self.known: set[str] = set()
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.is_on:
            return
        if event in _PROCESSES or event in _CONNECTIONS:
            self.seen.append(event)
        elif event == "open" and self._is_outside(arguments):
            self.seen.append(f"opened {arguments[0]!r}")

    def _is_outside(self, arguments: tuple[object, ...]) -> bool:
        path, _mode, flags = arguments
        if not isinstance(path, str | bytes):
            return False
        real = os.path.realpath(os.fsdecode(path).replace("\0", ""))
        is_written = bool(isinstance(flags, int) and flags & _WRITING)
        is_ours = real.startswith(self._place + os.sep) and not real.startswith(os.path.join(self._place, "outside"))
        is_known = real.startswith((sys.prefix, sys.base_prefix, "/dev/", "/proc/", "/sys/", str(_ROOT)))
        return not is_ours and (is_written or not is_known)


_ROOT = Path(__file__).resolve().parents[2]


def main(name: str, seed: str, first: int, count: int, place: Path) -> None:
    """Read `count` inputs of a kind; see the module."""
    target = TARGETS[name]
    good = _good_files(target, place / "good")
    (place / "outside").mkdir(exist_ok=True)
    (place / "outside" / "secret.raw").write_bytes(bytes([MARK]) * 4096)
    watch = Watch(place)
    _read(target, good, place, watch)  # everything is imported by then
    watch.seen.clear()
    watch.known = _elsewhere(place)  # what libraries keep of their own
    _limit_memory()
    for number in range(first, first + count):
        print("begin", number, flush=True)
        # Of the processor, since the machine may be busy: at its end the system kills this process, whatever it does.
        signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
        spoiled = target.spoil(Random(f"{name} {seed} {number}"), good)
        print("end", number, _read(target, spoiled, place, watch), flush=True)


def _good_files(target: Target, folder: Path) -> Files:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    target.good(folder)
    good = files_of(folder)
    shutil.rmtree(folder)
    return good


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + SPARE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(target: Target, files: Files, place: Path, watch: Watch) -> str:
    """Read an input and say how that ended."""
    folder = place / "input"
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    watch.is_on = True
    try:
        outcome = _outcome(target, folder)
    finally:
        watch.is_on = False
    strangers = sorted(_elsewhere(place) - watch.known)
    findings, watch.seen = watch.seen, []
    if strangers or findings:
        return f"FINDING left {strangers} outside of its folder; {findings}"
    return outcome


def _elsewhere(place: Path) -> set[str]:
    """Everything in the child's place but its input."""
    places = (path.relative_to(place) for path in place.rglob("*"))
    return {path.as_posix() for path in places if path.parts[0] != "input"}


def _outcome(target: Target, folder: Path) -> str:
    from WeakMedSAMLib.contract.errors import UserError

    try:
        target.read(folder)
    except UserError as error:
        if error.code in ("volume_out_of_memory", "internal") or not (error.message and error.hint):
            return f"FINDING {error.code}: {error}"
        return f"refused {error.code}"
    except Finding as finding:
        return f"FINDING {finding}"
    except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
        return "FINDING " + repr(traceback.format_exc(limit=-6))
    return "good"


if __name__ == "__main__":
    sys.path.insert(0, str(_ROOT))
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]).resolve())
