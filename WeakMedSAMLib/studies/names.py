"""Entries of a grid that are chosen by name; nothing of the engine is needed to list them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from WeakMedSAMLib.contract.errors import UserError


class Named(Protocol):
    """What has a name."""

    @property
    def name(self) -> str:
        """On the command line, and of its files."""


N = TypeVar("N", bound=Named)


def fitting(entries: Sequence[N], pattern: str, kind: str) -> list[N]:
    """The entries whose name fits one of some patterns such as ``tags,box*``.

    Raises
    ------
    UserError
        ``no_such_cell``, with the names that there are.
    """
    patterns = [part.strip() for part in pattern.split(",")]
    for one in patterns:
        if not any(fnmatchcase(entry.name, one) for entry in entries):
            names = ", ".join(entry.name for entry in entries)
            raise UserError("no_such_cell", f"No {kind} fits {one!r}.", f"There are: {names}.")
    return [entry for entry in entries if any(fnmatchcase(entry.name, one) for one in patterns)]
