"""What pydicom says while it reads: kept off the terminal, and told as notes of the volume."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from WeakMedSAMLib.engine.data.notes import Note, reader_note

_MOST = 8
_LONGEST = 300


class Ear(logging.Handler):
    """Hears what is said, and of which file.

    Attributes
    ----------
    file : Path or None
        The file that is being read.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.file: Path | None = None
        self._said: dict[str, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take one line of a log."""
        self.hear(record.getMessage())

    def hear(self, text: str) -> None:
        """Take one warning."""
        name = self.file.name if self.file else ""
        files = self._said.setdefault(" ".join(text.split())[:_LONGEST].rstrip("."), [])
        if name not in files:
            files.append(name)

    def notes(self) -> tuple[Note, ...]:
        """One note for each different thing that was said."""
        told = list(self._said.items())[:_MOST]
        return tuple(reader_note(files[0], text, len(files) - 1) for text, files in told)


@contextmanager
def listening(ear: Ear) -> Iterator[None]:
    """Let an ear hear what pydicom warns of, in place of the terminal."""
    log = logging.getLogger("pydicom")
    was = log.propagate
    log.addHandler(ear)
    log.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, *_args, **_more: ear.hear(str(message))
            yield
    finally:
        log.removeHandler(ear)
        log.propagate = was
