"""The log of a reader's gestures: JSON lines beside the label file, each with its price and why it was made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.files import read_text, write_text
from WeakMedSAMLib.studies.effort_prices import PRICES

REVIEW = "review"  # of the masks of one state: those of the states before need none


@dataclass(frozen=True)
class Played:
    """One gesture.

    Attributes
    ----------
    state : int
        Of the policy: all that is done before its masks.
    gesture : str
        One of `PRICES`.
    why : str
        In words.
    amount : float
        So many units of the price.
    volume, class_name : str
        Of what, or empty.
    index : int, optional
        Slice, or none.
    """

    state: int
    gesture: str
    why: str
    amount: float = 1.0
    volume: str = ""
    class_name: str = ""
    index: int | None = None

    @property
    def seconds(self) -> float:
        """What it costs."""
        return self.amount * PRICES[self.gesture].seconds

    def to_json(self) -> dict[str, Any]:
        """As plain data, with its price."""
        known = asdict(self)
        return {**known, "amount": round(self.amount, 4), "seconds": round(self.seconds, 4)}


def write_log(file: Path, played: Iterable[Played]) -> None:
    """Write gestures, one a line."""
    write_text(file, "".join(json.dumps(one.to_json()) + "\n" for one in played))


def read_log(file: Path) -> list[Played]:
    """The gestures of a log."""
    lines = [json.loads(line) for line in read_text(file).splitlines()]
    return [Played(**{name: value for name, value in line.items() if name != "seconds"}) for line in lines]


def amounts_until(played: Sequence[Played], state: int) -> dict[str, float]:
    """Gesture -> units of it until the masks of a state are reviewed.

    Masks of the states before were corrected as they were, and need not be looked at to the end.
    """
    found: dict[str, float] = {}
    for one in played:
        if one.state == state or (one.state < state and one.gesture != REVIEW):
            found[one.gesture] = found.get(one.gesture, 0.0) + one.amount
    return {name: round(amount, 4) for name, amount in found.items()}


class Hand:
    """A reader's hand at the computer: makes gestures, knows on which slice and class it is, and keeps a log.

    Parameters
    ----------
    state : int
        Of the policy.
    classes : int
        How many there are: of one alone none is chosen.
    """

    def __init__(self, state: int, classes: int) -> None:
        self.log: list[Played] = []
        self._state, self._classes = state, classes
        self._volume, self._class, self._index = "", "", 0

    def does(self, gesture: str, why: str, amount: float = 1.0) -> None:
        """Make a gesture that is of no volume."""
        self.log.append(Played(self._state, gesture, why, amount))

    def opens(self, volume: str, why: str) -> None:
        """Open a volume; its first slice is shown."""
        self._volume, self._class, self._index = volume, "", 0
        self.log.append(Played(self._state, "open", why, volume=volume))

    def passes(self, gesture: str, slices: int, why: str) -> None:
        """Pass all slices of the volume, from the first to the last."""
        self.log.append(Played(self._state, gesture, why, float(slices), self._volume))
        self._index = slices - 1

    def goes_to(self, index: int, why: str) -> None:
        """Scroll to a slice."""
        if distance := abs(index - self._index):
            self.log.append(Played(self._state, "scroll", why, float(distance), self._volume, index=index))
        self._index = index

    def is_led_to(self, index: int, class_name: str, why: str) -> None:
        """Have the program show a slice, and choose a class, by a button."""
        self.log.append(Played(self._state, "button", why, 1.0, self._volume, class_name, index))
        self._index, self._class = index, class_name

    def marks(self, gesture: str, class_name: str, why: str, amount: float = 1.0) -> None:
        """Make a gesture of a class where the hand is, after a change of class if it is another one."""
        if class_name != self._class and self._classes > 1:
            self.log.append(Played(self._state, "class", why, volume=self._volume, class_name=class_name))
        self._class = class_name
        self.log.append(Played(self._state, gesture, why, amount, self._volume, class_name, self._index))

    def at(self, volume: str) -> None:
        """Begin with a volume that is open."""
        self._volume, self._class, self._index = volume, "", 0

    def notes(self, gesture: str, class_name: str, index: int | None, why: str, amount: float = 1.0) -> None:
        """Log what is done on a slice, or in the volume, wherever the hand is."""
        self.log.append(Played(self._state, gesture, why, amount, self._volume, class_name, index))
