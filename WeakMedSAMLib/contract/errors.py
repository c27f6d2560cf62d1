"""The one error that a user can read and act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol


class Said(Protocol):
    """What is said to a user, as errors, problems, notes, advice and events have it: a code, words and the values.

    Whoever speaks another language has words of his own for the code and fills in the values; nobody parses sentences.
    """

    @property
    def code(self) -> str:
        """Short, stable, machine-readable name."""

    @property
    def message(self) -> str:
        """What it is, in English."""

    @property
    def hint(self) -> str:
        """The way out, in English."""

    @property
    def values(self) -> Mapping[str, Any]:
        """The values in the message by name, plain JSON."""


class UserError(Exception):
    """Something that the user can put right.

    Parameters
    ----------
    code : str
        Short, stable, machine-readable name such as ``"volume_is_4d"``.
    message : str
        What is wrong; names the file and the value.
    hint : str
        The way out.
    values : mapping
        The values in the message by name (plain JSON), so that nobody has to parse the sentence.

    Attributes
    ----------
    volume : str
        Id of the volume in the run that it is about (see `about`); empty where it is about all, or there is no run.
    """

    def __init__(self, code: str, message: str, hint: str = "", values: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.values = dict(values or {})
        self.volume = ""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


@contextmanager
def about(volume_id: str) -> Iterator[None]:
    """Note at a `UserError` that is raised in the block which volume of the run it is about."""
    try:
        yield
    except UserError as error:
        error.volume = error.volume or volume_id
        raise
