"""Event lines: what the worker tells whoever started it, one JSON object a line.

Each line is ASCII and has the key ``event``, which says what it is. A line without it is log text. Unknown events and
unknown fields come from another version: they are kept and written back, never dropped.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import PurePath
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

import numpy as np

from .errors import Said
from .fields import fits, is_required, type_hints

EVENTS_VERSION = 1
MAX_LINE_CHARACTERS = 2**20
MAX_DEPTH = 50
_EVENT_KEY = "event"
# A stand-in for the worker says so by a version of this name in `Hello`.
STAND_IN = "fake"

# The words that events have for these things; both sides write and compare no others, as mypy checks.
StageState: TypeAlias = Literal["started", "finished", "reused"]
ArtifactKind: TypeAlias = Literal["preview", "result", "model", "report"]
Ending: TypeAlias = Literal["ok", "cancelled", "failed"]


T = TypeVar("T", bound="Told")


@dataclass(kw_only=True)
class Event:
    """What all events have.

    Attributes
    ----------
    message : str
        A sentence for the user, or empty.
    extra : dict
        Fields that this version does not know, as they came.
    """

    event: ClassVar[str] = ""

    message: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Hello(Event):
    """The worker has started: versions of what it runs on (name -> version) and the device ("cpu", "cuda:0", "mps")."""

    event = "hello"

    versions: dict[str, Any]
    device: str
    events_version: int = EVENTS_VERSION


@dataclass
class Stage(Event):
    """A stage changes its state: "started", "finished" (with its `seconds`) or "reused" (its output was there).

    `number` and `total` say where it stands among the stages, from 1.
    """

    event = "stage"

    stage: str
    state: StageState = "started"
    number: int | None = None
    total: int | None = None
    seconds: float | None = None


@dataclass
class Progress(Event):
    """`done` of `total` steps of a stage; `eta_s` seconds are left, None if that cannot be said yet."""

    event = "progress"

    stage: str
    done: int
    total: int
    eta_s: float | None = None


@dataclass
class Metric(Event):
    """A figure worth plotting, such as a loss; None if it is not a number. `step` counts within the stage."""

    event = "metric"

    name: str
    value: float | None
    stage: str = ""
    step: int | None = None


@dataclass
class Told(Event):
    """What the user can act on, with a code. Its `message` says what.

    `values` are those in the message by name; `volume` is the id of the volume in the run that it is about, empty where
    it is about all. No name of a volume is among them, since it may be that of a patient.
    """

    code: str
    hint: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    volume: str = ""

    @classmethod
    def of(cls: type[T], said: Said, volume: str = "") -> T:
        """The event that tells of a problem, a note or an error."""
        return cls(code=said.code, message=said.message, hint=said.hint, values=dict(said.values), volume=volume)


@dataclass
class Warning_(Told):  # noqa: N801 - `Warning` is a builtin
    """Something the user should know; the run goes on."""

    event = "warning"


@dataclass
class Artifact(Event):
    """A file is there: `kind` is "preview" (PNG), "result", "model" or "report"; `path` is relative to the run folder.

    `volume` is the id of the volume in the run, empty where it is about all.
    """

    event = "artifact"

    kind: ArtifactKind
    path: str
    volume: str = ""
    stage: str = ""


@dataclass
class Error(Told):
    """The run has failed; as `errors.UserError`."""

    event = "error"


@dataclass
class Done(Event):
    """The last line of a run: `status` is "ok", "cancelled" or "failed"; `seconds` from start to end."""

    event = "done"

    status: Ending = "ok"
    seconds: float | None = None


@dataclass
class UnknownEvent(Event):
    """An event that this version cannot read: its name is unknown, or a field is missing or of another type.

    All its fields are in `extra`.
    """

    name: str = ""


_EVENTS: dict[str, type[Event]] = {
    entry.event: entry for entry in (Hello, Stage, Progress, Metric, Warning_, Artifact, Error, Done)
}


def refer_to(volume_id: str) -> str:
    """Return what the engine's sentences call a volume, whose name may be that of a patient."""
    return f"volume {volume_id}"


def with_name(event: T, names: Mapping[str, str]) -> T:
    """Return an event with the name of its volume where sentences call it by its id or file, and among its values.

    Parameters
    ----------
    event : Told
    names : mapping
        Id of a volume -> its name. An event about another volume, or about none, is returned as it is.
    """
    name = names.get(event.volume)
    if name is None:
        return event
    token, file = refer_to(event.volume), event.values.get("file")
    written = rf"'{token}'|\b{token}\b|\b{token.capitalize()}\b"
    values = {key: name if value == token else value for key, value in event.values.items()} | {"volume": name}
    if isinstance(file, str) and PurePath(file).stem == event.volume:
        written, values = rf"{written}|{re.escape(file)}", {**values, "file": name}
    message, hint = (re.sub(written, lambda _: f"'{name}'", text) for text in (event.message, event.hint))
    return replace(event, message=message, hint=hint, values=values)


def encode(event: Event) -> str:
    """Write an event as one ASCII JSON line, without the line end.

    Optional fields that are empty are left out; NaN and infinity become null; numpy numbers become plain ones, and
    what JSON does not have becomes text, since a report must never end a run.
    """
    if isinstance(event, UnknownEvent):
        record = {_EVENT_KEY: event.name, **event.extra}
    else:
        record = {**event.extra, _EVENT_KEY: event.event, **_own_fields(event)}
    return json.dumps(_plain(record), ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=str)


def parse_line(line: str | bytes) -> Event | None:
    """Read one line of the worker's output.

    Never raises, whatever the line holds.

    Returns
    -------
    Event or None
        None if the line is log text. `UnknownEvent` if it is an event of another version.
    """
    if isinstance(line, bytes):
        line = line.decode("utf-8", errors="replace")
    if len(line) > MAX_LINE_CHARACTERS or not line.lstrip().startswith("{"):
        return None
    try:
        record = json.loads(line, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record.get(_EVENT_KEY), str) or _is_deep(record):
        return None
    name = record.pop(_EVENT_KEY)
    return _built(name, record)


def _built(name: str, record: dict[str, Any]) -> Event:
    event_type = _EVENTS.get(name)
    if event_type is None or not _can_build(event_type, record):
        return UnknownEvent(name=name, extra=record)
    known = {entry.name for entry in _wire_fields(event_type)}
    values = {key: value for key, value in record.items() if key in known}
    extra = {key: value for key, value in record.items() if key not in known}
    return event_type(**values, extra=extra)


def _can_build(event_type: type[Event], record: dict[str, Any]) -> bool:
    hints = type_hints(event_type)
    for entry in _wire_fields(event_type):
        if entry.name not in record:
            if is_required(entry):
                return False
        elif not fits(record[entry.name], hints[entry.name]):
            return False
    return True


def _wire_fields(event_type: type[Event]) -> list[Field[Any]]:
    return [entry for entry in fields(event_type) if entry.name != "extra"]


def _own_fields(event: Event) -> dict[str, Any]:
    """Return the fields of an event without the optional ones that are empty, as they are by default."""
    values = {entry.name: (getattr(event, entry.name), entry) for entry in _wire_fields(type(event))}
    return {name: value for name, (value, entry) in values.items() if not _is_empty_default(value, entry)}


def _is_empty_default(value: Any, entry: Field[Any]) -> bool:
    if entry.default_factory is dict:
        return not value
    return (value is None and entry.default is None) or (isinstance(value, str) and value == entry.default == "")


def _is_deep(value: Any) -> bool:
    """Say whether a value is nested so deeply that writing it back could exhaust the stack."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
    return bool(level)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray) else value
