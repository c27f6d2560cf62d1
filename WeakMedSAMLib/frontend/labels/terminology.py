"""Slicer's terminology entries as text: ``context~category~type~modifier~context~region~modifier``."""

from __future__ import annotations

_PARTS = 7
_CODE_PARTS = 3


def isTerminology(text: str) -> bool:
    """Say whether a text has the form of Slicer's serialized terminology entries."""
    parts = text.split("~")
    codes = [parts[number] for number in (1, 2, 3, 5, 6)] if len(parts) == _PARTS else []
    return bool(codes) and all(len(code.split("^")) == _CODE_PARTS for code in codes) and bool(_meaning(parts[2]))


def terminologyText(text: str) -> str:
    """Return a terminology entry in words, such as "Lung (Right and left)" or "Neoplasm, Brain"; empty for none."""
    if not isTerminology(text):
        return ""
    parts = text.split("~")
    kind, modifier, region, side = (_meaning(parts[number]) for number in (2, 3, 5, 6))
    words = f"{kind} ({modifier})" if modifier else kind
    place = f"{region} ({side})" if side else region
    return ", ".join(each for each in (words, place) if each)


def _meaning(code: str) -> str:
    return code.split("^")[-1]
