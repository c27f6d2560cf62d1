"""Requests to the resident worker and its answers: one JSON object a line, ASCII, on its input and its output.

A request has the key ``ask``, an answer the key ``answer``; both say their version. A line of output without it is log
text. An answer carries the id of its request, which whoever asks gives, each once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, get_args

import numpy as np

from .errors import Said, UserError
from .events import MAX_LINE_CHARACTERS
from .fields import build
from .labels.labelled_volume import AXES
from .runs import IntensityChoice

RESIDENT_VERSION = 1
# Without a request, after which the worker ends.
IDLE_SECONDS = 600.0
_ASK, _ANSWER, _VERSION = "ask", "answer", "version"

# First and last row or column, both inside; a box has one of rows and one of columns.
Range: TypeAlias = tuple[int, int]
BoxRanges: TypeAlias = tuple[Range, Range]
# Row, column, and whether it shows what is asked for.
PointAt: TypeAlias = tuple[int, int, bool]
# Why a worker ends: nobody asked for long, whoever asked is gone, it was told to.
Farewell: TypeAlias = Literal["idle", "input_closed", "closed"]


@dataclass(frozen=True)
class Request:
    """What all requests have.

    Attributes
    ----------
    id : int
        Of the request.
    """

    ask: ClassVar[str]

    id: int


@dataclass(frozen=True)
class Open(Request):
    """Make a volume known, cut into slices along one axis.

    Attributes
    ----------
    volume : str
        What later requests call it; another volume of that name takes its place.
    file : str
        Name of a NRRD in the folder of volumes that the worker was given.
    sha256 : str
        `identity.content_hash` of its voxels.
    axis : str
        ``"i"``, ``"j"`` or ``"k"``.
    intensity : str or pair of float
        As of `runs.RunSettings`.
    """

    ask = "open"

    volume: str
    file: str
    sha256: str
    axis: str = AXES[-1]
    intensity: IntensityChoice = "auto"


@dataclass(frozen=True)
class Predict(Request):
    """Ask for the mask on one slice: rows and columns are counted as in the volume's voxels.

    A newer one takes the place of those that wait.

    Attributes
    ----------
    volume : str
    slice : int
    boxes : tuple of BoxRanges
        What is asked for fits tightly into each.
    points : tuple of PointAt
    """

    ask = "predict"

    volume: str
    slice: int
    boxes: tuple[BoxRanges, ...] = ()
    points: tuple[PointAt, ...] = ()


@dataclass(frozen=True)
class Update(Request):
    """Run a run folder whose settings say ``update``, with the network that is held; its ``cancel`` file ends it.

    Answered by `Told` for every event of the run, then by `Updated` or `Failed`. What is asked meanwhile waits.

    Attributes
    ----------
    folder : str
        The run folder: absolute, anywhere.
    """

    ask = "update"

    folder: str


@dataclass(frozen=True)
class Close(Request):
    """Forget a volume; without one all of them, and end."""

    ask = "close"

    volume: str | None = None


@dataclass(frozen=True)
class Ping(Request):
    """Ask whether it is there."""

    ask = "ping"


@dataclass(frozen=True)
class Ready:
    """The first answer: what the worker computes on, and the prompts that its network answers (of `PromptKind`)."""

    answer: ClassVar[str] = "ready"

    backbone: str
    device: str
    prompts: list[str]


@dataclass(frozen=True)
class Opened:
    """A volume is known; how many slices it has, each so many rows and columns."""

    answer: ClassVar[str] = "opened"

    id: int
    volume: str
    slices: int
    rows: int
    columns: int


@dataclass(frozen=True)
class Mask:
    """The mask on a slice.

    Attributes
    ----------
    id : int
    rows, columns : int
    runs : list of int
        See `to_runs`.
    quality : float
        Intersection over union with the truth that the network predicts, the lowest of all its prompts'.
    encoded : bool
        Whether the slice had to be encoded for it.
    seconds : float
        That it took.
    """

    answer: ClassVar[str] = "mask"

    id: int
    rows: int
    columns: int
    runs: list[int]
    quality: float
    encoded: bool
    seconds: float

    def array(self) -> np.ndarray:
        """Return it as rows x columns, bool; `UserError` ``bad_answer`` if the runs do not fill them."""
        return from_runs(self.runs, self.rows, self.columns)


@dataclass(frozen=True)
class Told:
    """What an update says on its way: the line of an event, as a worker writes it (`events.encode`)."""

    answer: ClassVar[str] = "told"

    id: int
    line: str


@dataclass(frozen=True)
class Updated:
    """The results of an update are in its run folder."""

    answer: ClassVar[str] = "updated"

    id: int
    seconds: float


@dataclass(frozen=True)
class Superseded:
    """A newer question came before this one was answered."""

    answer: ClassVar[str] = "superseded"

    id: int


@dataclass(frozen=True)
class Closed:
    """A volume is forgotten."""

    answer: ClassVar[str] = "closed"

    id: int


@dataclass(frozen=True)
class Pong:
    """It is there, and holds so much memory of its own, in MB."""

    answer: ClassVar[str] = "pong"

    id: int
    memory_mb: float


@dataclass(frozen=True)
class Failed:
    """What the user can put right, as `errors.UserError`; without an id it is about no request, or about none known."""

    answer: ClassVar[str] = "failed"

    code: str
    message: str
    hint: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    id: int | None = None

    @classmethod
    def of(cls, said: Said, request: int | None = None) -> Failed:
        """The answer that tells of an error."""
        return cls(said.code, said.message, said.hint, dict(said.values), request)

    def error(self) -> UserError:
        """Return it as the error that it was."""
        return UserError(self.code, self.message, self.hint, self.values)


@dataclass(frozen=True)
class Bye:
    """The last answer: why the worker ends."""

    answer: ClassVar[str] = "bye"

    reason: Farewell


Answer: TypeAlias = Ready | Opened | Mask | Told | Updated | Superseded | Closed | Pong | Failed | Bye
_REQUESTS: dict[str, type[Request]] = {kind.ask: kind for kind in (Open, Predict, Update, Close, Ping)}
_ANSWERS: dict[str, Any] = {kind.answer: kind for kind in get_args(Answer)}

T = TypeVar("T")


def encode_request(request: Request) -> str:
    """Write a request as one ASCII line, without the line end."""
    return _line({_ASK: request.ask, **_fields(request)})


def encode_answer(answer: Answer) -> str:
    """Write an answer as one ASCII line, without the line end."""
    return _line({_ANSWER: answer.answer, **_fields(answer)})


def parse_request(line: str) -> Request:
    """Read a request; `UserError` ``bad_request`` whatever else the line holds."""
    try:
        record = _record(line)
        kind = _REQUESTS[_word(record, _ASK)]
        return build(kind, record, f"The request {kind.ask!r}")
    except KeyError as error:
        raise _bad_request(f"it asks for {error.args[0]!r}, not {' or '.join(map(repr, _REQUESTS))}.") from None
    except (ValueError, RecursionError) as error:
        raise _bad_request(str(error)) from None
    except UserError as error:
        raise _bad_request(error.message) from None


def id_in(line: str) -> int | None:
    """Return the id of a request that cannot be used, if the line has one."""
    try:
        record = json.loads(line) if len(line) <= MAX_LINE_CHARACTERS else None
    except (ValueError, RecursionError):
        return None
    found = record.get("id") if isinstance(record, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def parse_answer(line: str) -> Answer | None:
    """Read a line of output.

    Returns
    -------
    Answer or None
        None if the line is log text.

    Raises
    ------
    UserError
        ``bad_answer`` for an answer that this version cannot read.
    """
    if not line.startswith(f'{{"{_ANSWER}":'):
        return None
    try:
        record = _record(line)
        kind = _ANSWERS[_word(record, _ANSWER)]
        found: Answer = build(kind, record, f"The answer {kind.answer!r}")
    except KeyError as error:
        raise _bad_answer(f"it is called {error.args[0]!r}.") from None
    except (ValueError, RecursionError) as error:
        raise _bad_answer(str(error)) from None
    except UserError as error:
        raise _bad_answer(error.message) from None
    return found


def to_runs(mask: np.ndarray) -> list[int]:
    """Return how many pixels off, on, off, ... a mask has row after row, from the first pixel on.

    The first number is 0 if the first pixel is on; an empty mask has one number.
    """
    flat = np.asarray(mask, bool).ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs: list[int] = np.diff([0, *edges, flat.size]).tolist()
    return [0, *runs] if flat.size and flat[0] else runs


def from_runs(runs: Sequence[int], rows: int, columns: int) -> np.ndarray:
    """Return the mask that `to_runs` was given: rows x columns, bool; `UserError` ``bad_answer``."""
    if rows < 1 or columns < 1 or any(run < 0 for run in runs) or sum(runs) != rows * columns:
        raise _bad_answer(f"its runs do not fill {rows} x {columns} pixels.")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(rows, columns)


def _record(line: str) -> dict[str, Any]:
    """The JSON object of a line without its version, which is ours; ValueError says what is wrong with it."""
    if len(line) > MAX_LINE_CHARACTERS:
        raise ValueError(f"a line has more than {MAX_LINE_CHARACTERS} letters.")
    try:
        record = json.loads(line, parse_constant=_refuse_constant)
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error}).") from None
    if not isinstance(record, dict):
        raise ValueError("it is no JSON object.")
    if record.pop(_VERSION, None) != RESIDENT_VERSION:
        raise ValueError(f"its version is not {RESIDENT_VERSION}.")
    return record


def _word(record: dict[str, Any], key: str) -> str:
    word = record.pop(key, None)
    if not isinstance(word, str):
        raise ValueError(f"it has no {key!r}.")
    return word


def _fields(item: Any) -> dict[str, Any]:
    """All fields but the optional ones that are None."""
    names = {entry.name for entry in fields(item)}
    return {name: value for name, value in asdict(item).items() if name in names and value is not None}


def _line(record: dict[str, Any]) -> str:
    first, *others = record.items()
    whole = dict([first, (_VERSION, RESIDENT_VERSION), *others])
    return json.dumps(whole, ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=str)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _bad_request(reason: str) -> UserError:
    return UserError("bad_request", f"A request cannot be used: {reason}", "Use one version of WeakMedSAM.")


def _bad_answer(reason: str) -> UserError:
    return UserError("bad_answer", f"An answer cannot be read: {reason}", "Use one version of WeakMedSAM.")
