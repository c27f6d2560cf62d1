"""Scan tags out of a list of reports: CSV with one row a scan, of which the columns asked for are read alone.

Such lists hold names, dates and findings of patients. What no column was asked for is in no label, and in no message.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.csv_cells import bad_line, csv_rows, is_blank, plain_cell
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels, comparable_name
from WeakMedSAMLib.contract.labels.scan_tags import KIND
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.likely_names import list_names

YES = frozenset({"1", "yes", "y", "true", "present", "positive", "pos", "ja", "j", "x", "+"})
NO = frozenset({"0", "no", "n", "false", "absent", "negative", "neg", "nein", "-"})


def report_columns(text: str, volumes: Iterable[str] = ()) -> tuple[list[str], str]:
    """Return the columns of a list of reports, and the one in which most volumes are named; empty if none is.

    Parameters
    ----------
    text : str
        As for `scan_tags_from_csv`.
    volumes : iterable of str
        What the volumes are called.

    Returns
    -------
    columns : list of str
        Those that have a name, once each.
    scans : str

    Raises
    ------
    UserError
        As `csv_cells.csv_rows`.
    """
    rows = csv_rows(text)
    _line, header = next(rows, (0, []))
    wanted = {comparable_name(name) for name in volumes}
    met: dict[int, set[str]] = {place: set() for place, cell in enumerate(header) if cell.strip()}
    for _line, cells in rows:
        for place, names in met.items():
            name = comparable_name(plain_cell(cells[place])) if place < len(cells) else ""
            names |= {name} & wanted
    columns = list(dict.fromkeys(header[place].strip() for place in met))
    most = max(met, key=lambda place: len(met[place]), default=None)
    return columns, header[most].strip() if most is not None and met[most] else ""


def scan_tags_from_csv(
    text: str,
    scans: str,
    classes: Mapping[str, str],
    yes: Collection[str] = YES,
    no: Collection[str] = NO,
) -> CohortLabels:
    """Make scan tags of a list of reports.

    Parameters
    ----------
    text : str
        CSV with a header; `csv_cells` says what of spreadsheets is understood.
    scans : str
        The column with the names of the scans, as the volumes are called.
    classes : mapping
        Class name -> column that says whether the scan shows it. A blank cell says nothing.
    yes, no : collection of str
        What such a cell holds, in any case of letters.

    Returns
    -------
    CohortLabels
        Volumes of which nothing is known but scan tags; scans with blank cells alone are left out.

    Raises
    ------
    UserError
        ``bad_tags`` with the number of the line: a cell that is neither yes nor no, a scan that is said to show a class
        and not to show it, no scan; a column that is not there, or there twice.
    """
    rows = csv_rows(text)
    _line, header = next(rows, (0, []))
    columns = _columns([cell.strip() for cell in header], [scans, *classes.values()])
    answers = {word.lower(): True for word in yes} | {word.lower(): False for word in no}
    found: dict[str, dict[str, tuple[bool, int]]] = {}
    for line, cells in rows:
        said = found.setdefault(_name(line, cells, columns[scans], scans), {})
        for name, shown in _shown(line, cells, classes, columns, answers):
            before, at = said.setdefault(name, (shown, line))
            if before != shown:
                message = f"the scan is said to {_verb(shown)} class {name!r}, in line {at} to {_verb(before)} it"
                raise bad_line(line, message, "Keep one of both lines.")
    return CohortLabels(
        ClassTable.from_names(list(classes)), [_labels(name, said) for name, said in found.items() if said]
    )


def _columns(header: list[str], asked: list[str]) -> dict[str, int]:
    """Column that is asked for -> its place."""
    places = {}
    for name in dict.fromkeys(asked):
        at = [place for place, cell in enumerate(header) if cell.casefold() == name.strip().casefold()]
        if len(at) != 1:
            what = f"There is no column {name!r}." if not at else f"The column {name!r} is there {len(at)} times."
            hint = f"The columns are {list_names([cell for cell in header if cell]) or 'none: the file is empty'}."
            raise UserError("bad_tags", what, hint)
        places[name] = at[0]
    return places


def _name(line: int, cells: list[str], place: int, column: str) -> str:
    name = plain_cell(cells[place]).strip() if place < len(cells) else ""
    if is_blank(name):
        raise bad_line(line, f"{column} is blank", "Name the scan, or take the line out.")
    return name


def _shown(
    line: int, cells: list[str], classes: Mapping[str, str], columns: Mapping[str, int], answers: Mapping[str, bool]
) -> Iterator[tuple[str, bool]]:
    """Class, and whether the scan shows it, for cells that say so."""
    for name, column in classes.items():
        cell = plain_cell(cells[columns[column]]).strip() if columns[column] < len(cells) else ""
        if cell.lower() in answers:
            yield name, answers[cell.lower()]
        elif not is_blank(cell):
            known = f"{list_names(sorted(word for word in answers if answers[word]))} for yes"
            hint = f"Known are {known}, {list_names(sorted(word for word in answers if not answers[word]))} for no."
            raise bad_line(line, f"{column} is neither yes nor no, but {cell[:40]!r}", hint)


def _verb(shown: bool) -> str:
    return "show" if shown else "lack"


def _labels(name: str, said: Mapping[str, tuple[bool, int]]) -> VolumeLabels:
    labels = VolumeLabels(name)
    KIND.put(labels, {class_name: shown for class_name, (shown, _line) in said.items()})
    return labels
