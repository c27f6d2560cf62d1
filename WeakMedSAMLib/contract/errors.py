"""The one error that a user can read and act on."""

from __future__ import annotations


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
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
