"""What is known of a class before any scan is looked at: said once, it holds for all volumes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from .errors import UserError

# Of the patient, not of the picture.
Side: TypeAlias = Literal["left", "right", "front", "back"]
Brightness: TypeAlias = Literal["brighter", "darker"]
Pieces: TypeAlias = Literal["one", "several"]
# What a class may share with others: none of its pixels, all of them, or any.
Sharing: TypeAlias = Literal["exclusive", "free"]

# SNOMED CT codes of the modifiers of terminology entries that say a side, and those of SRT, which older files have.
_SIDE_CODES: dict[str, Side] = {"7771000": "left", "24028007": "right", "G-A101": "left", "G-A100": "right"}
_MODIFIERS = (3, 6)  # of the type and of the region, among the parts of an entry

# Side -> axis of LPS, and whether the side is where that coordinate grows.
SIDES: dict[str, tuple[int, bool]] = {"left": (0, True), "right": (0, False), "back": (1, True), "front": (1, False)}


@dataclass(frozen=True)
class Knowledge:
    """What is known of a class; None is "not said". It is a prior: no label is overruled by it.

    Attributes
    ----------
    side : {"left", "right", "front", "back"} or None
        Half of the patient's body that it lies in.
    brightness : {"brighter", "darker"} or None
        Than what is around it.
    pieces : {"one", "several"} or None
        Whether it is one connected piece in a volume.
    smallest_ml, largest_ml : float or None
        Its volume in a patient who shows it.
    inside_of : str or None
        The class that it is a part of.
    sharing : {"exclusive", "free"}
        Whether its pixels may belong to other classes too; exclusive if it is not said.

    Raises
    ------
    UserError
        ``bad_field``.
    """

    side: Side | None = None
    brightness: Brightness | None = None
    pieces: Pieces | None = None
    smallest_ml: float | None = None
    largest_ml: float | None = None
    inside_of: str | None = None
    sharing: Sharing = "exclusive"

    def __post_init__(self) -> None:
        for name, value in (("smallest_ml", self.smallest_ml), ("largest_ml", self.largest_ml)):
            if value is not None and value <= 0:
                raise UserError("bad_field", f"{name!r} is {value}.", "Use millilitres above 0, or leave it out.")
        if None not in (self.smallest_ml, self.largest_ml) and self.smallest_ml > self.largest_ml:  # type: ignore[operator]
            message = f"The smallest volume, {self.smallest_ml} ml, is above the largest, {self.largest_ml} ml."
            raise UserError("bad_field", message, "Exchange them.")

    @property
    def is_said(self) -> bool:
        """Whether anything is known."""
        return self != Knowledge()

    def to_json(self) -> dict[str, Any]:
        """Return what is said as plain data."""
        nothing = Knowledge()
        return {
            one.name: value for one in fields(self) if (value := getattr(self, one.name)) != getattr(nothing, one.name)
        }


def proposed_side(terminology: str) -> Side | None:
    """Return the side that a terminology entry of 3D Slicer says, by the modifier of its type or of its region.

    Parameters
    ----------
    terminology : str
        ``context~category~type~modifier~context~region~modifier``, codes as ``scheme^value^meaning``.

    Returns
    -------
    {"left", "right"} or None
        None if it says none, both, or is no such entry. "Left ventricle" is the name of a type, and says no side.
    """
    parts = terminology.split("~")
    codes = [parts[number].split("^") for number in _MODIFIERS if number < len(parts)]
    said = {_SIDE_CODES[code[1]] for code in codes if len(code) == 3 and code[1] in _SIDE_CODES}
    return said.pop() if len(said) == 1 else None
