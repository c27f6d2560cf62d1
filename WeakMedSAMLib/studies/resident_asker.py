"""The resident worker as a process of its own, asked as 3D Slicer asks it, with a clock beside it."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from types import TracebackType

import WeakMedSAMLib
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Progress, Stage, parse_line
from WeakMedSAMLib.contract.resident import (
    Answer,
    Bye,
    Failed,
    Ping,
    Pong,
    Ready,
    Request,
    Told,
    Update,
)
from WeakMedSAMLib.contract.resident_lines import encode_request, parse_answer
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.contract.worker_arguments import BACKBONE, CACHE, DEVICE, IDLE, MODULE, PARENT, REMOVE, RESIDENT

WORKER = ("-m", MODULE)
_PATIENCE_S = 1800.0  # for an answer: a machine may be slow, and one that hangs is found out
_LOOK_S = 0.1  # between two looks at its memory
_WORDS = 2000  # letters of what it last wrote to its log


@dataclass(frozen=True)
class TimedUpdate:
    """How long an update took.

    Attributes
    ----------
    seconds : float
        From the request, or from the start of the process, until its results lie in the run folder.
    stages : dict
        Stage -> seconds, and what is none: ``"begin"`` until the first, ``"end"`` all the rest.
    silence : float
        The longest time in which nothing was told.
    work : float, optional
        Seconds of all cores that the process had; None where the system does not say it.
    """

    seconds: float
    stages: dict[str, float]
    silence: float
    work: float | None

    def to_json(self) -> dict[str, object]:
        """As plain JSON values."""
        stages = {name: round(seconds, 3) for name, seconds in self.stages.items()}
        figures = {"seconds": self.seconds, "work": self.work, "longest_silence": self.silence}
        return {**{name: None if one is None else round(one, 3) for name, one in figures.items()}, "stages": stages}


@dataclass
class _Account:
    """What Linux says of a process; None where the system does not say it, or the process is gone.

    Attributes
    ----------
    folder : Path
        Of the process in ``/proc``.
    peak : float
        Memory at most, so far.
    over : Event
        Ends the watch.
    """

    folder: Path
    peak: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def work(self) -> float | None:
        """Seconds of all cores that it has had."""
        try:
            words = (self.folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def now(self) -> float | None:
        """Memory, with its share of what others have mapped, too; MB (10^6 bytes)."""
        try:
            lines = (self.folder / "smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("Pss:")), None)

    def watch(self) -> None:
        """Remember the peak until it is over."""
        while not self.over.wait(_LOOK_S):
            self.peak = max(self.peak, self.now() or 0.0)


class ResidentAsker:
    """Starts the worker, and ends it at the end of the block if it has not ended by then.

    Parameters
    ----------
    folder : Path
        Of volumes; the worker removes it at its end.
    cache : Path
        Of features.
    backbone, device : str
        As of `runs.RunSettings`.
    idle_s : float
        Without a request, after which it ends.
    worker : sequence of str
        What Python is called with to start the engine.

    Attributes
    ----------
    started : float
        When, by `perf_counter`.
    """

    def __init__(
        self, folder: Path, cache: Path, backbone: str, device: str, idle_s: float, worker: Sequence[str] = WORKER
    ) -> None:
        options = [REMOVE, PARENT, str(os.getpid()), BACKBONE, backbone, DEVICE, device, IDLE, f"{idle_s:g}"]
        root = str(Path(WeakMedSAMLib.__file__).resolve().parents[1])
        paths = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        folder.mkdir(parents=True, exist_ok=True)
        self._log_file = folder.with_name(folder.name + ".log")
        self._log = self._log_file.open("w+", encoding="utf-8")
        self.started = perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, *worker, RESIDENT, str(folder), *options, CACHE, str(cache)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
            bufsize=1,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"},
        )
        self._answers: queue.Queue[tuple[float, Answer | None]] = queue.Queue()
        self._account = _Account(Path(f"/proc/{self._process.pid}"))
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._read, self._account.watch)]
        for thread in self._threads:
            thread.start()
        self._number = 0

    def __enter__(self) -> ResidentAsker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._account.over.set()
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                stream.close()

    @property
    def new_id(self) -> int:
        """Of the next request."""
        self._number += 1
        return self._number

    @property
    def memory_mb(self) -> float | None:
        """Memory of the process now (proportional set size), MB; None where the system does not say it."""
        return self._account.now()

    @property
    def peak_mb(self) -> float | None:
        """The largest so far, by a look every tenth of a second."""
        return self._account.peak or None

    def wait_ready(self) -> float:
        """Seconds from the start until it is ready."""
        at, answer = self._next()
        if not isinstance(answer, Ready):
            raise _unexpected(answer)
        return at - self.started

    def ask(self, request: Request) -> tuple[Answer, float]:
        """The answer to a request, and the seconds that it took."""
        asked = self._tell(request)
        at, answer = self._next()
        return answer, at - asked

    def own_memory_mb(self) -> float:
        """What it says that it holds of its own, MB."""
        answer, _seconds = self.ask(Ping(self.new_id))
        if not isinstance(answer, Pong):
            raise _unexpected(answer)
        return answer.memory_mb

    def update(self, folder: Path, is_first: bool = False, cancel_in: str = "") -> TimedUpdate:
        """Run the run folder of an update; counted from the start of the process if it is the first request.

        Parameters
        ----------
        folder : Path
            Of the run.
        is_first : bool
            Whether nothing was asked of the process, not even whether it is ready.
        cancel_in : str
            The stage at whose first progress the run is cancelled: `seconds` are then those until it has ended.
        """
        before = 0.0 if is_first else self._account.work()
        asked = self._tell(Update(self.new_id, str(folder)))
        begun = last = self.started if is_first else asked
        silence, stages = 0.0, dict[str, float]()
        while True:
            at, answer = self._next()
            if is_first and isinstance(answer, Ready):
                continue
            if not isinstance(answer, Told):
                break
            silence, last = max(silence, at - last), at
            event = parse_line(answer.line)
            if isinstance(event, Stage) and event.state == "started":
                stages.setdefault("begin", at - begun)
            elif isinstance(event, Stage) and event.seconds is not None:
                stages[event.stage] = event.seconds
            elif isinstance(event, Progress) and event.stage == cancel_in:
                cancel_in, begun = "", perf_counter()
                RunFolder(folder).cancel.touch()
        stages["end"] = at - begun - sum(stages.values())
        after = self._account.work()
        work = None if before is None or after is None else after - before
        return TimedUpdate(at - begun, stages, max(silence, at - last), work)

    def wait_end(self) -> tuple[Bye, float]:
        """Why it ends by itself, and the seconds from now until the process is gone."""
        now = perf_counter()
        _at, answer = self._next()
        if not isinstance(answer, Bye):
            raise _unexpected(answer)
        self._process.wait(_PATIENCE_S)
        return answer, perf_counter() - now

    def _tell(self, request: Request) -> float:
        """Send a request; when that was."""
        now = perf_counter()
        if self._process.stdin is not None:
            self._process.stdin.write(encode_request(request) + "\n")
        return now

    def _next(self) -> tuple[float, Answer]:
        at, answer = self._answers.get(timeout=_PATIENCE_S)
        if answer is None:
            words = self._log_file.read_text(encoding="utf-8", errors="replace")[-_WORDS:]
            raise UserError("resident_ended", f"The worker has ended: {words}", "Look at what it says.")
        if isinstance(answer, Failed) and answer.code != "cancelled":
            raise answer.error()
        return at, answer

    def _read(self) -> None:
        for line in self._process.stdout or ():
            answer = parse_answer(line.rstrip("\n"))
            if answer is not None:
                self._answers.put((perf_counter(), answer))
        self._answers.put((perf_counter(), None))


def _unexpected(answer: Answer) -> UserError:
    return UserError("bad_answer", f"The worker answered {answer}.", "Report it.")
