"""What ITK, GDCM and the libraries below them say while they read a file: kept off stderr, and told as notes.

They write to the file descriptor, past Python; SimpleITK's logger sees a part only.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.engine.data.notes import Note, reader_note

_STDERR = 2
_MOST_SENTENCES = 5
_LONGEST = 300
# There is one stderr, whichever thread reads.
_ALONE = threading.RLock()
# "WARNING: In /a/b.cxx, line 12" stands on a line of its own, "Class (0x55...): " before the words, in either order.
_PLACE = re.compile(r"^(WARNING|Warning|Debug|ERROR): In .*, line \d+$")
_SENDER = re.compile(r"^(WARNING: |Warning: |\[nrrd\] )?(\w+ ?\(0x[0-9a-f]+\): )?")


class Heard:
    """Sentences that were said; filled when listening ends."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def notes(self, path: Path) -> tuple[Note, ...]:
        """A note for each sentence about a file; a long talk is cut short."""
        return tuple(reader_note(path.name, said) for said in self.sentences[:_MOST_SENTENCES])


@contextmanager
def listening(to_itk: bool = True) -> Iterator[Heard]:
    """Keep stderr silent while ITK reads, and hear what would have been there; without ITK's own words, if so asked."""
    heard = Heard()
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    with _ALONE, tempfile.TemporaryFile() as kept:
        before = _diverted(kept)
        sitk.ProcessObject.SetGlobalWarningDisplay(to_itk and before is not None)
        try:
            yield heard
        finally:
            sitk.ProcessObject.SetGlobalWarningDisplay(shown)
            if before is not None:
                os.dup2(before, _STDERR)
                os.close(before)
            kept.seek(0)
            heard.sentences = _sentences(kept.read().decode("utf-8", "replace"))


def _diverted(kept: IO[bytes]) -> int | None:
    """Lead stderr into a file; the descriptor to go back to, or None where there is no stderr."""
    with suppress(AttributeError, ValueError, OSError):
        sys.stderr.flush()
    try:
        before = os.dup(_STDERR)
    except OSError:
        return None
    os.dup2(kept.fileno(), _STDERR)
    return before


def _sentences(text: str) -> list[str]:
    """Each sentence once, without source files, addresses and senders."""
    lines = (_SENDER.sub("", line.strip()) for line in text.splitlines() if not _PLACE.match(line.strip()))
    return list(dict.fromkeys(line[:_LONGEST] for line in lines if line))
