"""Lines out of the bytes that the worker writes, whatever it writes, and events out of the lines."""

from __future__ import annotations

from WeakMedSAMLib.contract.events import MAX_LINE_CHARACTERS, Event, parse_line

_BEGINNING = '{"event":'
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


def eventOfLine(line: str) -> tuple[Event | None, str]:
    """Split a line into the event that it holds and the text that is log.

    Returns
    -------
    event : Event or None
    text : str
        What stands before the event, or the whole line if there is none.
    """
    event = parse_line(line)
    if event is not None:
        return event, ""
    # A library that writes without a line end pushes the event away from the start of the line.
    start = line.find(_BEGINNING, 1)
    event = parse_line(line[start:]) if start > 0 else None
    return event, line if event is None else line[:start]


def _text(data: bytes) -> str:
    """Decode; of a progress bar that redraws its line by carriage returns, only what is seen last."""
    return data.decode("utf-8", errors="replace").rstrip("\r").rpartition("\r")[2]
