"""The resident worker: it holds the backbone, answers about single slices, runs updates, and encodes in between.

It ends when nobody has asked for long, when its input is closed, when the program that started it is gone, and when it
is told to. The copies of volumes that were made for it are removed then.
"""

from __future__ import annotations

import logging
import os
import queue
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import MAX_LINE_CHARACTERS, Event, encode
from WeakMedSAMLib.contract.resident import (
    IDLE_SECONDS,
    Answer,
    Bye,
    Close,
    Closed,
    Encode,
    Failed,
    Farewell,
    Open,
    Ping,
    Pong,
    Predict,
    Ready,
    Request,
    Stop,
    Stopped,
    Superseded,
    Told,
    Update,
    Updated,
)
from WeakMedSAMLib.contract.resident_lines import id_in, parse_request
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings, load_run
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.base.device import choose_device, precision_for
from WeakMedSAMLib.engine.base.memory import allow_many_maps, is_gpu_out_of_memory, is_out_of_memory, private_memory_mb
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.runs.process_watch import ParentWatch
from WeakMedSAMLib.engine.runs.resident_encoding import BackgroundEncoding
from WeakMedSAMLib.engine.runs.resident_slices import SliceAnswers
from WeakMedSAMLib.engine.runs.session import RunFailed
from WeakMedSAMLib.engine.runs.worker import Cancelled, run_folder

_PIECE = 65536
_GRACE_S = 8.0
_log = logging.getLogger(__name__)

Tell = Callable[[Answer], None]
# What the input gives: lines as they come, and None once it is closed.
Lines = queue.Queue[str | None]


@dataclass(frozen=True)
class ResidentOptions:
    """How a resident worker is started.

    Attributes
    ----------
    folder : Path
        Holds the files of volumes.
    removes : bool
        Whether the folder was made for this worker, which then removes it at its end.
    backbone, device : str
        As of `runs.RunSettings`.
    cache_root : Path, optional
        Folder of the feature cache.
    idle_s : float
        Seconds without a request after which it ends.
    """

    folder: Path
    removes: bool = False
    backbone: str = RunSettings.backbone
    device: str = "auto"
    cache_root: Path | None = None
    idle_s: float = IDLE_SECONDS


def serve(
    lines: Lines, tell: Tell, options: ResidentOptions, build: Callable[[str], Backbone] = build_backbone
) -> Farewell:
    """Answer until it is time to end; returns why it is.

    Parameters
    ----------
    lines : Queue
        Requests; see `read_lines`.
    tell : callable
        Takes every answer.
    options : ResidentOptions
        How it was started.
    build : callable
        The maker of backbones.

    Raises
    ------
    UserError
        Why it cannot begin; told as an answer too.
    """
    try:
        allow_many_maps()
        with FeatureCache(options.cache_root) as cache:
            device = choose_device(options.device)
            backbone = build(options.backbone).to(device, precision_for(device))
            tell(Ready(backbone.info.name, str(device), sorted(kind.value for kind in backbone.info.prompts)))
            answers = SliceAnswers(backbone, cache, options.folder)
            update = partial(_update, backbone, options, tell)
            reason = _Resident(lines, tell, answers, update, options.idle_s).serve()
            # Windows removes no file that is mapped.
            answers.close()
        tell(Bye(reason))
        return reason
    except UserError as error:
        tell(Failed.of(error))
        raise
    finally:
        if options.removes:
            shutil.rmtree(options.folder, ignore_errors=True)


class _Resident:
    """Takes requests in their order, but of questions that wait the newest alone."""

    def __init__(
        self, lines: Lines, tell: Tell, answers: SliceAnswers, update: Callable[[Update], Answer], idle_s: float
    ) -> None:
        self._lines, self._tell, self._answers, self._idle_s = lines, tell, answers, idle_s
        self._update = update
        self._encoding = BackgroundEncoding(tell, answers.encode, _logged)
        self._waiting: deque[Request] = deque()
        self._is_closed = False

    def serve(self) -> Farewell:
        """Answer until there is a reason to end."""
        try:
            return self._serve()
        finally:
            self._encoding.stop()

    def _serve(self) -> Farewell:
        while True:
            # What is encoded is asked for, too: it is not idle meanwhile.
            if not self._encoding.is_under_way:
                try:
                    self._take(self._lines.get(timeout=self._idle_s))
                except queue.Empty:
                    return "idle"
            self._take_all()
            while self._waiting:
                if self._answer(self._waiting.popleft()):
                    return "closed"
                self._take_all()
            if self._is_closed:
                return "input_closed"
            self._encoding.step()

    def _take_all(self) -> None:
        """Take what has come meanwhile, without waiting."""
        while not self._lines.empty():
            self._take(self._lines.get())

    def _take(self, line: str | None) -> None:
        if line is None:
            self._is_closed = True
            return
        try:
            request = parse_request(line)
        except UserError as error:
            self._tell(Failed.of(error, id_in(line)))
            return
        if isinstance(request, Predict):
            for older in [one for one in self._waiting if isinstance(one, Predict)]:
                self._waiting.remove(older)
                self._tell(Superseded(older.id))
        self._waiting.append(request)

    def _is_outdated(self) -> bool:
        """Whether a newer question has come than that which is worked on."""
        self._take_all()
        return any(isinstance(one, Predict) for one in self._waiting)

    def _answer(self, request: Request) -> bool:
        """Answer one request, whatever comes of it; True if it is to end."""
        try:
            if isinstance(request, Encode):
                self._encoding.begin(request)
            else:
                self._tell(self._answer_to(request))
        except UserError as error:
            self._tell(Failed.of(error, request.id))
        except Exception as problem:  # noqa: BLE001 - a slice that fails must not end what answers the next one
            self._tell(Failed.of(_logged(problem), request.id))
        return isinstance(request, Close) and request.volume is None

    def _answer_to(self, request: Request) -> Answer:
        match request:
            case Open():
                self._encoding.stop(request.volume)
                return self._answers.open(request)
            case Predict():
                return self._answers.predict(request, self._is_outdated) or Superseded(request.id)
            case Update():
                return self._update(request)
            case Stop():
                self._encoding.stop()
                return Stopped(request.id)
            case Close():
                self._encoding.stop(request.volume)
                self._answers.close(request.volume)
                return Closed(request.id)
            case Ping():
                return Pong(request.id, round(private_memory_mb(), 1))
        raise TypeError(f"no answer to {type(request).__name__}")


def _update(backbone: Backbone, options: ResidentOptions, tell: Tell, asked: Update) -> Answer:
    """Run a run folder by the backbone that is held.

    Raises
    ------
    UserError
        ``bad_request`` for a run that is no update or needs another backbone, ``cancelled``; what `run_folder` says.
    """
    places = RunFolder(Path(asked.folder))
    settings = load_run(places.path).settings
    if not settings.update or settings.backbone != backbone.info.name:
        message = f"A request cannot be used: {places.path} is no update by the backbone {backbone.info.name}."
        raise UserError("bad_request", message, "Run it by `weakmedsam run`.")

    def report(event: Event) -> None:
        tell(Told(asked.id, encode(event)))

    try:
        done = run_folder(places.path, options.device, None, report, options.cache_root, build=lambda _name: backbone)
    except Cancelled as end:
        raise UserError("cancelled", str(end), "Update again; nothing is lost.") from None
    except RunFailed as problem:
        hint = f"The details are in {problem.log}; please report it with them."
        raise UserError(
            "internal", str(problem), hint, {"log": str(problem.log), "reason": problem.reason}
        ) from problem
    return Updated(asked.id, round(done.seconds, 3))


def read_lines(stream: int, parent: int | None = None) -> Lines:
    """Read lines from a file descriptor in a thread of its own; once its end is there, the process ends in seconds.

    Parameters
    ----------
    stream : int
        Read past Python's buffers: a thread that holds these while the process ends would abort it.
    parent : int, optional
        Id of the process without which the answers are of no use; once it is gone, the input counts as closed.
    """
    lines: Lines = queue.Queue()

    def read() -> None:
        for line in _split(lambda: os.read(stream, _PIECE)):
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, name="requests", daemon=True).start()
    if parent is not None:
        ParentWatch(parent, lambda: lines.put(None), grace_s=_GRACE_S).start()
    return lines


def _split(read: Callable[[], bytes]) -> Iterator[str]:
    """Lines of a stream of bytes, without their ends; of one that is too long, so much that it is refused."""
    begun = b""
    while piece := _read(read):
        *ended, rest = piece.split(b"\n")
        for part in ended:
            yield (begun + part)[: MAX_LINE_CHARACTERS + 1].decode("utf-8", "replace")
            begun = b""
        begun = (begun + rest)[: MAX_LINE_CHARACTERS + 1]


def _read(read: Callable[[], bytes]) -> bytes:
    """The next bytes; none at the end, however the other side went."""
    try:
        return read()
    except OSError:
        return b""


def _logged(problem: Exception) -> UserError:
    _log.error("A request failed", exc_info=problem)
    return _translate(problem)


def _translate(problem: Exception) -> UserError:
    if is_gpu_out_of_memory(problem):
        hint = "Close other programs that use the GPU, or choose the CPU."
        return UserError("gpu_out_of_memory", "The memory of the GPU does not suffice.", hint)
    if is_out_of_memory(problem):
        return UserError("out_of_memory", "There is not enough memory.", "Close other programs, or use fewer volumes.")
    reason = f"{type(problem).__name__}: {problem}"
    message = f"The slice could not be answered ({reason})."
    return UserError("resident_failed", message, "Ask again; if it happens again, report it.", {"reason": reason})
