"""Long names in short lines."""

from __future__ import annotations


def shortened(name: str, most: int) -> str:
    """Return a name with at most so many letters: the middle is left out, since names of scans differ at their ends."""
    if len(name) <= most:
        return name
    end = (most - 1) // 2
    return f"{name[: most - 1 - end]}…{name[len(name) - end :]}"
