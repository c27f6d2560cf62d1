"""Starts real workers (`weakmedsam run`) in processes of their own and injects one fault into each.

The product has no hook for this: here, in the child and before its command starts, a function of it is wrapped, or an
audit hook of Python raises where a file is opened for writing, a folder made or a name changed. Run as a program this
file loads PyTorch once and forks a worker for each line that it reads, which spares seconds each. `Workers` is the
client of that program.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_HEX = re.compile(r"[0-9a-f]{12,}(-\w+)?")
_WRITES = os.O_WRONLY | os.O_RDWR
_FORKABLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


class Workers:
    """Forks workers on demand; a context manager.

    Parameters
    ----------
    log : Path
        Gets what the workers print; the last lines are shown by `said`.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        # One thread: no pool of threads that a fork would lose. No GPU: the same holds for its driver.
        environment = {**os.environ, **_FORKABLE, "PYTHONUTF8": "1"}
        folders = os.pathsep.join([str(ROOT / "Testing"), str(ROOT)])
        self._server = subprocess.Popen(
            [sys.executable, "-m", "faults.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**environment, "PYTHONPATH": folders},
        )  # fmt: skip

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        # It holds nothing that would have to be closed; its workers have been waited for.
        self._server.kill()
        self._server.communicate()

    def start(self, folder: Path, cache: Path, fault: dict | None = None, parent: int | None = None) -> int:
        """Start a worker on a run folder; returns its process id."""
        order = {"folder": str(folder), "cache": str(cache), "fault": fault, "parent": parent, "log": str(self._log)}
        return self._ask(order)

    def wait(self, pid: int) -> int:
        """Exit code of a worker, the negative number of a signal that ended it; 60 seconds at most."""
        return self._ask({"wait": pid})

    def run(self, folder: Path, cache: Path, fault: dict | None = None, parent: int | None = None) -> int:
        """Start and wait."""
        return self.wait(self.start(folder, cache, fault, parent))

    def said(self) -> str:
        """The last lines that workers printed."""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:])

    def _ask(self, order: dict) -> int:
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


def serve() -> None:
    """Fork a worker for each order on stdin; the answer is its process id, or the exit code of one waited for."""
    from faults import tiny_run
    from WeakMedSAMLib.engine.runs.worker import run_folder

    with tempfile.TemporaryDirectory() as folder:
        # Once here, so that no worker spends its time on what is loaded at its first use.
        places = tiny_run.make_tiny_run(Path(folder) / "out", tiny_run.make_scans(Path(folder)))
        run_folder(places.path, cache_root=Path(folder) / "cache")
    for line in sys.stdin:
        order = json.loads(line)
        answer = _collect(order["wait"]) if "wait" in order else _fork(order)
        print(answer, flush=True)


def _fork(order: dict) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        output = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (1, 2):
            os.dup2(output, stream)
        code = _work(order)
    except BaseException:  # noqa: BLE001 - the child must never return into the server's loop
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def _collect(pid: int) -> int:
    end = time.monotonic() + 60
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _work(order: dict) -> int:
    from WeakMedSAMLib.engine.cli.main import main

    _inject(order["fault"], order["parent"], [order["folder"], order["cache"]])
    parent = [] if order["parent"] is None else ["--parent", str(order["parent"])]
    try:
        main(["run", order["folder"], "--events", "--cache", order["cache"], *parent])
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1
    return 98


def _inject(fault: dict | None, parent: int | None, folders: list[str]) -> None:
    if fault is None:
        return
    if fault["kind"] == "stage":
        _at_event(fault, parent)
    else:
        sys.addaudithook(WriteHook(fault, [os.path.realpath(folder) for folder in folders]))


def _at_event(fault: dict, parent: int | None) -> None:
    """Act once, right before the event is taken: "started" or "finished" of a stage, or "inside" at a progress."""
    from WeakMedSAMLib.contract.events import Progress, Stage
    from WeakMedSAMLib.engine.base.reporting import RunReport
    from WeakMedSAMLib.engine.runs import session as run_session

    original, watch = RunReport.__call__, run_session.ParentWatch
    run_session.ParentWatch = lambda pid, gone: watch(pid, gone, poll_s=0.01)
    seen = {"stage": "", "acted": False}

    def call(report, event):
        if isinstance(event, Stage):
            seen["stage"] = event.stage
        moment = event.state if isinstance(event, Stage) else "inside" if isinstance(event, Progress) else ""
        if not seen["acted"] and (seen["stage"], moment) == (fault["stage"], fault["moment"]):
            seen["acted"] = True
            _act(fault, parent, report)
        original(report, event)

    RunReport.__call__ = call


def _act(fault: dict, parent: int | None, report: object) -> None:
    if fault["action"] == "fill":
        fill(Path(fault["folder"]), fault["spare"])
    elif fault["action"] == "parent":
        os.kill(parent, signal.SIGKILL)
        end = time.monotonic() + 5
        while not report._reason and time.monotonic() < end:
            time.sleep(0.005)
    elif fault["action"] == "meet":
        meet(Path(fault["folder"]), fault["name"], fault["others"])
    else:
        os.kill(os.getpid(), signal.Signals[fault["action"]])


def meet(folder: Path, name: str, others: int) -> None:
    """Wait until so many others are at this point, too; 30 seconds at most."""
    (folder / f"here-{name}").touch()
    end = time.monotonic() + 30
    while len(list(folder.glob("here-*"))) <= others and time.monotonic() < end:
        time.sleep(0.002)


def fill(folder: Path, spare: int) -> None:
    """Take every byte that the file system still has, but for a few."""
    piece = b"x" * (1 << 20)
    with (folder / "balloon").open("ab", buffering=0) as stream:
        while piece:
            try:
                stream.write(piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece = piece[: len(piece) // 2]
        stream.truncate(max(0, stream.tell() - spare))


class WriteHook:
    """Counts what a worker does to files in the run folder and the cache, and acts at one of these.

    A write has a name: the folder and kind of file, what was done to it, and how often that was done before, such as
    ``run/results/000/.tmp-*.json open 1``. With the kind ``"list"`` all names go into the file ``fault["to"]``; with
    ``"error"`` the write of the name ``fault["at"]`` and all after it fail with the error number ``fault["errno"]``,
    as on a disk that is full; with ``"kill"`` the process is killed right before it.
    """

    def __init__(self, fault: dict, folders: list[str]) -> None:
        self._fault, self._folders = fault, dict(zip(("run", "cache"), folders, strict=True))
        self._counts: Counter[str] = Counter()
        self._busy = self._failing = False

    def __call__(self, event: str, args: tuple) -> None:
        path = _written(event, args)
        if path is None or self._busy:
            return
        self._busy = True
        try:
            self._see(event, os.path.abspath(path))
        finally:
            self._busy = False

    def _see(self, event: str, path: str) -> None:
        place = next((place for place, folder in self._folders.items() if path.startswith(folder + os.sep)), None)
        if place is None:
            return
        short = _HEX.sub("*", path[len(self._folders[place]) :])
        kind = f"{place}{short} {event.removeprefix('os.')}"
        self._counts[kind] += 1
        name = f"{kind} {self._counts[kind]}"
        if self._fault["kind"] == "list":
            with open(self._fault["to"], "a", encoding="utf-8") as stream:
                stream.write(name + "\n")
        elif self._failing or name == self._fault["at"]:
            self._failing = True
            if self._fault["kind"] == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            number = self._fault["errno"]
            raise OSError(number, os.strerror(number), path)


def _written(event: str, args: tuple) -> str | None:
    """The path that an audit event is about, if it writes."""
    if event == "open":
        path, mode, flags = args
        writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITES)
        return os.fsdecode(path) if writes and isinstance(path, (str, bytes, os.PathLike)) else None
    if event == "os.rename":
        return os.fsdecode(args[1])
    return os.fsdecode(args[0]) if event == "os.mkdir" else None


if __name__ == "__main__":
    serve()
