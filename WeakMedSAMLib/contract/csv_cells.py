"""Rows and cells of CSV as spreadsheets, pandas and people leave them: taken where there is one meaning, else refused.

Known are Excel's first line ``sep=;``; comma, semicolon, tab or bar between cells; rows that a spreadsheet took for one
cell each, and saved so; ``="001"``, which keeps a spreadsheet from making 1 of it; whole numbers written as ``4.0``,
``4,0`` or ``4e+00``; and words for a blank cell, such as ``NaN``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from .errors import UserError

_SEPARATORS = ",;\t|"
_STATED_SEPARATOR = re.compile(r'"?sep=(.)"?[,;\t|]*', re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,9}(?:[.,][0-9]*)?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:[.,][0-9]{3})+", re.ASCII)
# A spreadsheet runs a cell that starts with one of these (the wide forms too); a quote in front makes it text.
_RUNNABLE = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
_QUOTE = "'"
_BLANK_WORDS = ("nan", "none", "null", "na", "n/a", "<na>", "#n/a", "nat")
_MONTHS = (
    r"(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz?|mrz|apr(?:il)?|may|mai|jun[ei]?|jul[yi]?|aug(?:ust)?"
    r"|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\.?"
)
_DATES = (
    re.compile(r"[0-9]{1,4}[-./][0-9]{1,2}[-./](?:[0-9]{2}|[0-9]{4})?(?: [0-9:]+)?", re.ASCII),
    re.compile(rf"[0-9]{{1,4}}[-. /]+{_MONTHS}(?:[-. /]+[0-9]{{2,4}})?", re.IGNORECASE),
    re.compile(rf"{_MONTHS}[-. /]+[0-9]{{1,4}}(?:[-. /,]+[0-9]{{2,4}})?", re.IGNORECASE),
)
_LARGEST = 10**9


def csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Read the rows that are not blank, the header first.

    Parameters
    ----------
    text : str
        The whole file, with or without a byte-order mark.

    Yields
    ------
    line : int
        Number of the (last) line of the row, from 1.
    cells : list of str
        As they stand, not trimmed.

    Raises
    ------
    UserError
        ``bad_tags`` with the number of the line.
    """
    text = text.removeprefix("\ufeff")
    separator = _separator(text)
    # A person's blank after the comma would make the quotes behind it part of the cell.
    pads = re.search(re.escape(separator) + ' +"', text) is not None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=pads)
    one_cell = False
    first = True
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) or (reader.line_num == 1 and _stated(text)):
                continue
            if first:
                one_cell = len(cells) == 1 and separator in cells[0]
            first = False
            yield reader.line_num, _unwrapped(cells, separator) if one_cell else cells
    except csv.Error as error:
        raise bad_line(reader.line_num, f"it is not CSV ({error})", "Export it again as CSV.") from None


def whole_number(line: int, column: str, cell: str) -> int | None:
    """Read a whole number of 0 or more; None for a blank cell.

    Raises
    ------
    UserError
        ``bad_tags`` for anything else, and for ``4.000``, which is 4 to some and 4000 to others.
    """
    if is_blank(cell):
        return None
    value = Decimal(cell.replace(",", ".")) if _NUMBER.fullmatch(cell) else None
    if value is None or value >= _LARGEST or value != value.to_integral_value() or _THOUSANDS.fullmatch(cell):
        raise bad_line(line, f"{column} is {cell[:40]!r}", _way_to_write(cell))
    return int(value)


def is_blank(cell: str) -> bool:
    """Say whether a trimmed cell holds nothing, or a word by which programs write that."""
    return not cell or cell.lower() in _BLANK_WORDS


def looks_like_date(cell: str) -> bool:
    """Say whether a cell looks like a date, which spreadsheets make of numbers and names such as ``1-2``."""
    return any(pattern.fullmatch(cell.strip()) for pattern in _DATES)


def neutral_cell(cell: Any) -> Any:
    """Return a cell so that no spreadsheet runs it: text that would be run gets a quote in front."""
    return _QUOTE + cell if isinstance(cell, str) and _needs_quote(cell) else cell


def plain_cell(cell: str) -> str:
    """Return what a cell stands for, without the quote of `neutral_cell` or the ``="001"`` of spreadsheets."""
    return cell[1:] if cell.startswith(_QUOTE) and _needs_quote(cell[1:]) else _as_text(cell)


def bad_line(line: int, what: str, hint: str) -> UserError:
    """Return the error about a line."""
    return UserError("bad_tags", f"Line {line}: {what}.", hint)


def _needs_quote(cell: str) -> bool:
    # A cell that starts with the quote gets one more, so that taking one away gives back what was there.
    return cell.startswith(_RUNNABLE) or cell.lstrip().startswith((*_RUNNABLE, _QUOTE))


def _as_text(cell: str) -> str:
    """What ``="001"`` stands for: 001, which spreadsheets would otherwise take for the number 1."""
    found = re.fullmatch(r'\s*="([^"]*)"\s*', cell)
    return found[1] if found else cell


def _way_to_write(cell: str) -> str:
    """What to do about a cell that is no whole number."""
    if looks_like_date(cell):
        return "A spreadsheet made a date of it: set the column to text, and type the number again."
    if _THOUSANDS.fullmatch(cell):
        return "That can be read in two ways: write the number without a point or comma."
    return "Give a whole number of 0 or more."


def _separator(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip(_SEPARATORS + " ")]
    stated = _stated(text)
    header = lines[1 if stated else 0] if len(lines) > bool(stated) else ""
    return stated if stated and stated in _SEPARATORS and stated in header else max(_SEPARATORS, key=header.count)


def _stated(text: str) -> str:
    """The separator that Excel's first line names, or nothing."""
    found = _STATED_SEPARATOR.fullmatch(re.split(r"[\r\n]", text, maxsplit=1)[0].rstrip(" "))
    return found[1] if found else ""


def _unwrapped(cells: list[str], separator: str) -> list[str]:
    if any(cell.strip() for cell in cells[1:]):
        return cells
    return next(csv.reader([cells[0]], delimiter=separator, strict=True))
