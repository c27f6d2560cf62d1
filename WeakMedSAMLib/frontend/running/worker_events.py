"""Events out of the worker's lines, also where a library has printed something into the same line."""

from __future__ import annotations

from WeakMedSAMLib.contract.events import Event, parse_line

_BEGINNING = '{"event":'


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
    place = line.find(_BEGINNING, 1)
    event = parse_line(line[place:]) if place > 0 else None
    return event, line if event is None else line[:place]
