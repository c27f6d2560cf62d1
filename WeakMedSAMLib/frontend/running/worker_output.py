"""Lines out of the bytes that a process writes, whatever it writes."""

from __future__ import annotations

from WeakMedSAMLib.contract.events import MAX_LINE_CHARACTERS

TOO_LONG = "[a line longer than 1 MB was left out]"


class LineReader:
    """Cuts a stream of bytes into lines of text.

    Parameters
    ----------
    limit : int
        Bytes of the longest line that is kept. A longer one is replaced by a note, so that memory stays bounded.
    """

    def __init__(self, limit: int = MAX_LINE_CHARACTERS) -> None:
        self._limit = limit
        self._begun = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[str]:
        """Take the next bytes and return the lines that are complete now; bytes that are not UTF-8 become marks."""
        *ended, rest = data.split(b"\n")
        lines = []
        for part in ended:
            self._add(part)
            lines.append(self._take())
        self._add(rest)
        return lines

    def end(self) -> list[str]:
        """Return the last line, if the stream ended without a line end."""
        return [self._take()] if self._begun or self._skipping else []

    def _add(self, part: bytes) -> None:
        if self._skipping or len(self._begun) + len(part) > self._limit:
            self._skipping = True
            self._begun.clear()
        else:
            self._begun += part

    def _take(self) -> str:
        line = TOO_LONG if self._skipping else _text(bytes(self._begun))
        self._begun.clear()
        self._skipping = False
        return line


def _text(data: bytes) -> str:
    """Decode; of a progress bar that redraws its line by carriage returns, only what is seen last."""
    return data.decode("utf-8", errors="replace").rstrip("\r").rpartition("\r")[2]
