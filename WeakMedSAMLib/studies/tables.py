"""Tables of documentation, and figures in them and on terminals."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from WeakMedSAMLib.contract.files import read_text, write_text

_NEXT = "\n## "


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def figure(value: float | None) -> str:
    """A share to thousandths; a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"


def put_section(page: Path, heading: str, text: str) -> Path:
    """Put a section into a page, in place of the one with this heading (``## ...``, a line); the rest stays."""
    page.parent.mkdir(parents=True, exist_ok=True)
    before, _heading, after = (read_text(page) if page.exists() else "").partition(heading)
    _old, following, rest = after.partition(_NEXT)
    parts = (before.strip(), text.strip(), (following + rest).strip())
    write_text(page, "\n\n".join(filter(None, parts)) + "\n")
    return page
