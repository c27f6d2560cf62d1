"""Requests to the resident worker and its answers; as lines see `resident_lines`.

An answer carries the id of its request, which whoever asks gives, each once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import numpy as np

from .errors import Said, UserError
from .labels.labelled_volume import AXES
from .runs import IntensityChoice

# Without a request, after which the worker ends.
IDLE_SECONDS = 600.0

# First and last row or column, both inside; a box has one of rows and one of columns.
Range: TypeAlias = tuple[int, int]
BoxRanges: TypeAlias = tuple[Range, Range]
# Lowest and highest grey value that are told apart.
Window: TypeAlias = tuple[float, float]
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
class Encode(Request):
    """Put the features of all slices of an open volume into the cache, for a run: what is asked meanwhile goes first.

    Answered by `Encoding` on its way, then by `Encoded` or `Failed`; a newer one takes the place of one under way. One
    that is stopped, or whose volume is closed, fails as ``cancelled``; what it has encoded is kept, and whoever encodes
    the volume next goes on from there. Nothing is removed from the cache for it: ``cache_full``.

    Attributes
    ----------
    volume : str
    windows : tuple of Window
        What `Encoded` has named for other volumes of that run, by which this one may get another range of grey values.
    """

    ask = "encode"

    volume: str
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True)
class Stop(Request):
    """End the encoding that is under way, if there is one; it has ended once this is answered."""

    ask = "stop"


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
class Encoding:
    """How many of the slices of a volume have features by now."""

    answer: ClassVar[str] = "encoding"

    id: int
    done: int
    total: int


@dataclass(frozen=True)
class Encoded:
    """The features of all slices are in the cache.

    Attributes
    ----------
    id : int
    window : list of float or None
        Grey values of a CT, which other CT of its run may have to share; None of other volumes.
    """

    answer: ClassVar[str] = "encoded"

    id: int
    window: list[float] | None = None


@dataclass(frozen=True)
class Stopped:
    """Nothing is encoded any more."""

    answer: ClassVar[str] = "stopped"

    id: int


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


Answer: TypeAlias = (
    Ready | Opened | Mask | Told | Updated | Encoding | Encoded | Stopped | Superseded | Closed | Pong | Failed | Bye
)
REQUESTS: dict[str, type[Request]] = {kind.ask: kind for kind in (Open, Predict, Update, Encode, Stop, Close, Ping)}
ANSWERS: dict[str, Any] = {kind.answer: kind for kind in get_args(Answer)}


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
        raise bad_answer(f"its runs do not fill {rows} x {columns} pixels.")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(rows, columns)


def bad_answer(reason: str) -> UserError:
    """The error of an answer that this version cannot read."""
    return UserError("bad_answer", f"An answer cannot be read: {reason}", "Use one version of WeakMedSAM.")
