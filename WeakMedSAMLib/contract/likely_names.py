"""Names that do not meet though they most likely mean the same: 001 and 1, ``Scan-1`` and ``scan 1.nii.gz``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

# What file names carry beside the name: the format, and what of a case it is.
_FORMATS = re.compile(r"(?:\.(?:seg|nii|nrrd|nhdr|mha|mhd|img|hdr|dcm|gz|zip|json|csv))+$")
_ROLES = re.compile(r"(?:_(?:images?|masks?|seg(?:mentation)?|labels?|flair|0000))+$")
_APART = re.compile(r"[^\W_]+")
_RUNS = re.compile(r"[0-9]+|[^0-9]+")
_SHORTEST_TYPO = 4
_NEARLY_THE_SAME = 0.8
MOST_NAMED = 5


def likely_names(name: str, candidates: Iterable[str]) -> list[str]:
    """Find what a name that is not among the candidates most likely stands for.

    Not told apart are upper and lower case, forms of Unicode, leading zeros, what stands between the parts (blanks,
    dashes, underscores, points), the folders in front, the suffix of a file format, endings such as ``_image`` and
    ``_0000``, and the ``.0`` of a number. Where none fits so, a name may be a part of the other; where none is, small
    mistakes in typing are forgiven, but never a digit, since ``case 1`` and ``case 2`` are two cases.

    Parameters
    ----------
    name : str
        As one side has it.
    candidates : iterable of str
        Names of the other side.

    Returns
    -------
    list of str
        The best first; empty where nothing is likely.
    """
    others = list(dict.fromkeys(candidates))
    for alike in (_same_spelling, _same_parts, _one_in_the_other):
        found = [other for other in others if alike(name, other)]
        if found:
            return found
    closeness = [(_closeness(_parts(name), _parts(other)), other) for other in others]
    return [other for score, other in sorted(closeness, key=lambda pair: -pair[0]) if score >= _NEARLY_THE_SAME]


def likely_pairs(names: Sequence[str], others: Sequence[str]) -> list[tuple[str, str]]:
    """Pair the names of two sides that are each other's only likely one.

    Returns
    -------
    list of tuple of str
        One of `names`, and one of `others`.
    """
    forth = {name: likely_names(name, others) for name in names}
    only = [(name, found[0]) for name, found in forth.items() if len(found) == 1]
    return [(name, other) for name, other in only if likely_names(other, names) == [name]]


def list_names(names: Sequence[str]) -> str:
    """Return names for a message: the first few in quotes, and how many more there are."""
    words = ", ".join(map(repr, names[:MOST_NAMED]))
    more = len(names) - MOST_NAMED
    return f"{words} and {more} more" if more > 0 else words


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return a question that proposes the likely ones among the candidates; empty where there are none."""
    found = likely_names(name, candidates)
    return f"Is it {' or '.join(map(repr, found[:MOST_NAMED]))}?" if found else ""


def same_but_for_writing(first: str, second: str) -> bool:
    """Say whether two names differ in nothing but what programs and people change (see `likely_names`)."""
    return _same_spelling(first, second) or _same_parts(first, second)


def _same_spelling(first: str, second: str) -> bool:
    return _spelling(first) == _spelling(second)


def _same_parts(first: str, second: str) -> bool:
    return bool(_parts(first)) and _parts(first) == _parts(second)


def _one_in_the_other(first: str, second: str) -> bool:
    """Whether the parts of one follow each other in the other, as those of ``12`` in ``patient 12 ct``."""
    short, long = sorted((_parts(first), _parts(second)), key=len)
    starts = range(len(long) - len(short) + 1)
    return bool(short) and any(long[start : start + len(short)] == short for start in starts)


@lru_cache(maxsize=10_000)
def _spelling(name: str) -> str:
    """The name as it is told aloud: neither case nor form of Unicode nor blanks at the ends."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold().strip())


@lru_cache(maxsize=10_000)
def _parts(name: str) -> tuple[str, ...]:
    """What is left of a name without all that programs change: parts in lower case, numbers without leading zeros."""
    text = re.split(r"[\\/]", _spelling(name).strip("'\"="))[-1]
    text = _FORMATS.sub("", text)
    text = re.sub(r"^([0-9]+)\.0+$", r"\1", text)
    text = _ROLES.sub("", text) or text
    parts = [part for word in _APART.findall(text) for part in _RUNS.findall(word)]
    return tuple(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)


def _closeness(first: tuple[str, ...], second: tuple[str, ...]) -> float:
    """How much the letters of two names are alike, 0..1; 0 where a number differs, or they are too short to tell."""
    numbers = [[part for part in parts if part.isdigit()] for parts in (first, second)]
    letters = [" ".join(part for part in parts if not part.isdigit()) for parts in (first, second)]
    if numbers[0] != numbers[1] or min(map(len, letters)) < _SHORTEST_TYPO:
        return 0.0
    return SequenceMatcher(None, letters[0], letters[1], autojunk=False).ratio()
