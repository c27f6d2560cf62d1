"""What is known of one run: what its worker has said, how far it is, and in the end its outcome."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.events import (
    STAND_IN,
    Artifact,
    Done,
    Error,
    Event,
    Hello,
    Progress,
    Stage,
    Warning_,
    with_name,
)
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.frontend.running.estimates import START, RunSize, expectedStages, learn
from WeakMedSAMLib.frontend.running.run_progress import RunProgress
from WeakMedSAMLib.frontend.running.worker_output import eventOfLine

_LOG_LINES = 2000
_LOG_CHARACTERS = 2000


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and all that is needed to load its results.

    Attributes
    ----------
    runId : str
    status : str
        ``"finished"``, ``"cancelled"`` or ``"failed"``.
    message, hint : str
        What happened, and the way out.
    code : str
        Short name of an error, such as ``"gpu_out_of_memory"``; empty without one.
    folder : Path or None
        The run folder; None if it was not written.
    volumeIds : tuple of str
        Volumes of the run (``"000"``) whose results are there, also in a run that did not finish.
    warnings : tuple of Warning_
        What the worker warned of.
    device : str
        That the worker ran on.
    versions : dict
        Of what the worker ran on.
    seconds : float
        From the click to the end.
    ended : str
        When; UTC, ISO 8601.
    secondsByStage : dict
    """

    runId: str
    status: str
    message: str = ""
    hint: str = ""
    code: str = ""
    folder: Path | None = None
    volumeIds: tuple[str, ...] = ()
    warnings: tuple[Warning_, ...] = ()
    device: str = ""
    versions: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    ended: str = ""
    secondsByStage: dict[str, float] = field(default_factory=dict)


class RunTrace:
    """Takes the worker's lines and remembers what they say.

    Parameters
    ----------
    runId : str
    size : RunSize
        How much work it is.
    device : str
        That it is expected to run on.
    names : mapping, optional
        Id of a volume in the run -> its name, for messages.
    settings : RunSettings, optional
        What the run was started with: its preset says which stages there are, and how long they take.
    clock : callable
        Seconds, never going back.

    Attributes
    ----------
    folder : RunFolder or None
        Set once it is written.
    progress : RunProgress
    previewPath : Path or None
        The latest picture.
    logLines : deque of str
        The last lines, shortened where they are very long.
    """

    def __init__(
        self,
        runId: str,
        size: RunSize,
        device: str,
        clock: Callable[[], float],
        names: Mapping[str, str] | None = None,
        settings: RunSettings | None = None,
    ) -> None:
        self.runId = runId
        self._names = names or {}
        self._settings = settings or RunSettings()
        self.size = size
        self.device = device
        self.folder: RunFolder | None = None
        self.progress = RunProgress(self._expected(), clock)
        self.previewPath: Path | None = None
        self.logLines: deque[str] = deque(maxlen=_LOG_LINES)
        self.warnings: list[Warning_] = []
        self.error: Error | None = None
        self.done: Done | None = None
        self._versions: dict[str, Any] = {}
        self._volumeIds: list[str] = []
        self._clock = clock
        self._begun = clock()

    def teach(self) -> None:
        """Remember how long the stages took, if the run was one as the panel starts them, of the real worker."""
        if not self._settings.overrides and not self._settings.update and not self._versions.get(STAND_IN):
            learn(self.size, self.device, self.progress.secondsByStage, self._settings.preset)

    def _expected(self) -> dict[str, float]:
        return expectedStages(
            self.size, self.device, self._settings.preset, self._settings.overrides, self._settings.update
        )

    def take(self, line: str, isError: bool) -> tuple[Event | None, list[str]]:
        """Take a line of the worker; returns the event in it, and what is new in the log.

        The worker knows volumes by number only, so that no name gets into its files; here they get their names back.
        """
        self.progress.signOfLife()
        event, text = (None, line) if isError else eventOfLine(line)
        if isinstance(event, (Warning_, Error)):
            event = with_name(event, self._names)
        texts = [part for part in (text, self._onEvent(event)) if part.strip()]
        return event, [self.addLog(part) for part in texts]

    def addLog(self, text: str) -> str:
        """Add a line to the log and return it as it is kept."""
        kept = text if len(text) <= _LOG_CHARACTERS else text[:_LOG_CHARACTERS] + "..."
        self.logLines.append(kept)
        return kept

    def outcome(self, status: str, message: str = "", hint: str = "", code: str = "") -> Outcome:
        """Put together what is known now that the run has ended."""
        return Outcome(
            runId=self.runId,
            status=status,
            message=message,
            hint=hint,
            code=code,
            folder=None if self.folder is None else self.folder.path,
            volumeIds=tuple(self._volumeIds),
            warnings=tuple(self.warnings),
            device=self.device,
            versions=dict(self._versions),
            seconds=self._clock() - self._begun,
            ended=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            secondsByStage=dict(self.progress.secondsByStage),
        )

    def _onEvent(self, event: Event | None) -> str:
        """Take note of an event; returns what it means for the log."""
        if isinstance(event, Progress):
            self.progress.step(event.stage, event.done, event.total, event.eta_s)
        elif isinstance(event, Stage):
            return self._onStage(event)
        elif isinstance(event, Hello):
            self.device, self._versions = event.device, dict(event.versions)
            self.progress.expect(self._expected())
            self.progress.finish(START)
        elif isinstance(event, Artifact):
            self._onArtifact(event)
        elif isinstance(event, Done):
            self.done = event
        elif isinstance(event, (Warning_, Error)):
            return self._onProblem(event)
        return ""

    def _onStage(self, event: Stage) -> str:
        if event.state == "reused":
            self.progress.reuse(event.stage)
        elif event.state == "finished":
            self.progress.finish(event.stage, event.seconds)
        else:
            self.progress.begin(event.stage)
        return f"{event.stage}: {event.state}"

    def _onArtifact(self, event: Artifact) -> None:
        path = insideOf(self.folder.path, event.path) if self.folder else None
        if path is not None and event.kind == "preview":
            self.previewPath = path
        elif path is not None and event.kind == "result" and event.volume not in self._volumeIds:
            self._volumeIds.append(event.volume)

    def _onProblem(self, event: Warning_ | Error) -> str:
        if isinstance(event, Error):
            self.error = event
        else:
            self.warnings.append(event)
        return f"{event.message} {event.hint}"


def insideOf(folder: Path, relative: str) -> Path | None:
    """Return the place in a run folder that an event names, or None if it leads out of it."""
    try:
        path = Path(folder) / relative
        return path if path.resolve().is_relative_to(Path(folder).resolve()) else None
    except (ValueError, OSError, RuntimeError):  # no name on any system, too long, or a circle of links
        return None
