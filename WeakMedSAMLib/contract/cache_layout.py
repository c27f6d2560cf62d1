"""Where things lie in the folder of the feature cache, which processes share: its entries, and who uses which.

An entry is a folder called after its key. Each process has a folder of its own with a file for every entry that it
uses, named like it, and holds an operating-system lock on a file beside that folder as long as it lives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{64}")
_LOCK = ".lock"


@dataclass(frozen=True)
class CacheLayout:
    """The names of the places in a cache folder, whether anything is there or not."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by a process for as long as it changes what is here."""
        return self.root / _LOCK

    @property
    def users(self) -> Path:
        """Folder of the processes that use the cache."""
        return self.root / ".users"

    def user(self, name: str) -> Path:
        """Folder of one of them: a file for each entry that it uses, and what it has half written."""
        return self.users / name

    def user_lock(self, name: str) -> Path:
        """Held by that process as long as it lives."""
        return self.users / f"{name}{_LOCK}"


def is_key(name: str) -> bool:
    """Say whether a name is the key of an entry."""
    return _KEY.fullmatch(name) is not None
