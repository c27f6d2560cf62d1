"""What a run looks like on a terminal, and as event lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any, TextIO

import click

from WeakMedSAMLib.contract.events import Done, Event, Hello, Progress, Stage, Warning_, encode
from WeakMedSAMLib.contract.likely_names import list_names

if TYPE_CHECKING:
    from WeakMedSAMLib.engine.data.segmentations import MaskFile
    from WeakMedSAMLib.engine.data.volumes import Scan

_PLAIN_STEPS = 4
_MOST_ALIKE = 3
_FILE = "file"  # the value of a note that says what it is about


def listener(events: bool) -> Callable[[Event], None]:
    """What to hand to a run: event lines on stdout, or words and progress bars."""
    return print_event_line if events else TerminalListener()


def print_event_line(event: Event) -> None:
    """One JSON object a line, flushed."""
    sys.stdout.write(encode(event) + "\n")
    sys.stdout.flush()


def spoken(seconds: float) -> str:
    """Seconds as one says them: ``"45 s"``, ``"3 min 20 s"``, ``"2 h 05 min"``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@contextmanager
def notes_by_kind() -> Iterator[Callable[[Event], None]]:
    """Hold back what is noticed while files are read, and say it at the end: a line a kind where many files have it.

    Yields
    ------
    callable
        Takes each warning; they go to stderr in the end, also where reading ends with an error.
    """
    held: dict[tuple[str, str, str], list[Warning_]] = {}

    def hold(event: Event) -> None:
        if isinstance(event, Warning_):
            words = _words_in({name: value for name, value in event.values.items() if name != _FILE})
            held.setdefault((event.code, event.hint, words), []).append(event)

    try:
        yield hold
    finally:
        show = TerminalListener()
        for same in held.values():
            for warning in _in_few_lines(same):
                show(warning)


def reading_notes(events: bool) -> AbstractContextManager[Callable[[Event], None]]:
    """What takes the notes of volumes that a run is made from: a program gets an event each, a person a line a kind."""
    return nullcontext(print_event_line) if events else notes_by_kind()


def _in_few_lines(same: Sequence[Warning_]) -> Sequence[Warning_]:
    """Warnings of one kind as they are; of more than three the first, with the names of the other files."""
    first, *others = {warning.message: warning for warning in same}.values()
    if len(others) < _MOST_ALIKE:
        return [first, *others]
    names = list_names(list(dict.fromkeys(map(_file_of, others))))
    return [replace(first, message=f"{first.message} {len(others)} more are like it: {names}.")]


def _file_of(warning: Warning_) -> str:
    return str(warning.values.get(_FILE, ""))


def _words_in(values: Any) -> str:
    """All words in values, without numbers, which differ from file to file though the same is meant."""
    if isinstance(values, Mapping):
        return " ".join(map(_words_in, values.values()))
    if isinstance(values, (list, tuple)):
        return " ".join(map(_words_in, values))
    return "".join(letter for letter in values if not letter.isdigit()) if isinstance(values, str) else ""


def tell_notes(scan: Scan | MaskFile, show: Callable[[Event], None]) -> None:
    """Say what was noticed when a scan was read, in the words that a run has for it."""
    for note in scan.notes:
        show(note.as_warning())


class TerminalListener:
    """Shows stages with progress bars and the time left; plain lines where the output is no terminal.

    Parameters
    ----------
    stream : text stream, optional
        stdout by default. Warnings go to stderr.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._bar: Any = None
        self._bar_stage = ""
        self._told = 0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        self._show(event)

    @singledispatchmethod
    def _show(self, event: Event) -> None:
        """Events of other kinds say nothing on a terminal."""

    @_show.register
    def _(self, event: Hello) -> None:
        self._say(f"WeakMedSAM {event.versions.get('weakmedsam', '')} on {event.device}")

    @_show.register
    def _(self, event: Stage) -> None:
        self._end_bar()
        place = f"{event.number}/{event.total} " if event.number and event.total else ""
        if event.state == "started" and not self._stream.isatty():
            self._say(f"{place}{event.stage} ...")
        elif event.state == "finished":
            took = "" if event.seconds is None else f"  {spoken(event.seconds)}"
            self._say(f"{place}{event.stage} done{took}")
        elif event.state == "reused":
            self._say(f"{place}{event.stage} was done already")

    @_show.register
    def _(self, event: Progress) -> None:
        if self._stream.isatty():
            self._advance_bar(event)
        else:
            self._advance_lines(event)

    @_show.register
    def _(self, event: Warning_) -> None:
        self._end_bar()
        click.echo(f"{click.style('Warning:', fg='yellow')} {event.message} {event.hint}".rstrip(), err=True)

    @_show.register
    def _(self, event: Done) -> None:
        self._end_bar()

    def _advance_bar(self, event: Progress) -> None:
        if self._bar is None or self._bar_stage != event.stage or event.done < self._bar.pos:
            self._end_bar()
            self._bar_stage = event.stage
            self._bar = click.progressbar(
                length=event.total,
                label=f"{event.stage:<10}",
                show_eta=False,
                show_pos=True,
                item_show_func=lambda left: "" if left is None else f"{spoken(left)} left",
                file=self._stream,
            )
            self._bar.__enter__()
        self._bar.update(event.done - self._bar.pos, event.eta_s)

    def _end_bar(self) -> None:
        self._told = 0
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None

    def _advance_lines(self, event: Progress) -> None:
        """A line at each quarter of a stage, so that a log stays readable."""
        quarter = event.done * _PLAIN_STEPS // max(event.total, 1)
        if event.stage != self._bar_stage or quarter < self._told:
            self._bar_stage, self._told = event.stage, 0
        if quarter > self._told and event.done < event.total:
            self._told = quarter
            left = "" if event.eta_s is None else f", {spoken(event.eta_s)} left"
            self._say(f"{event.stage} {event.done}/{event.total}{left}")

    def _say(self, text: str) -> None:
        click.echo(text, file=self._stream)
