"""Slice tags as CSV, for people with a spreadsheet.

One row a range: ``volume,sha256,axis,slices,class,label_value,color,first,last,tag,numbering``. `first` and `last` are
inclusive and 0-based; `last` may be blank for a single slice. With both blank the row is about the rest: tag ``absent``
makes all slices absent that no other row names, tag ``untagged`` only makes volume and class known. `numbering` is
``slicer`` or ``file``, see `labelled_volume.Numbering`. What a volume or class has (sha256, axis, slices, numbering,
label_value, color) may be blank in all its rows but one, or have no column. Other columns are ignored.
Terminology and shortcut keys are not in this format. `csv_cells` says what else of spreadsheets is understood.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.csv_cells import bad_line, csv_rows, is_blank, neutral_cell, plain_cell, whole_number
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import ONE_DIRECTION, CohortLabels
from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, TAG_NAMES, UNTAGGED
from WeakMedSAMLib.contract.labels.spans import Span, count_tags, paint, require_few, spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

COLUMNS = ("volume", "sha256", "axis", "slices", "class", "label_value", "color", "first", "last", "tag", "numbering")
_REQUIRED = ("volume", "class", "first", "last", "tag")
_NEARLY_A_COLUMN = 0.75


def tags_to_csv(cohort: CohortLabels) -> str:
    """Return the tags of a cohort as CSV text, line ends CR LF.

    Text that is not ASCII starts with a byte-order mark, without which spreadsheets show wrong letters and save them.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    for row in _rows(cohort):
        writer.writerow([neutral_cell(cell) for cell in row])
    text = stream.getvalue()
    return text if text.isascii() else "\ufeff" + text


def tags_from_csv(text: str) -> CohortLabels:
    """Make the tags of a cohort from CSV text (comma, semicolon, tab or bar between cells; seen from the header).

    Raises
    ------
    UserError
        ``bad_tags`` with the number of the line, ``tags_conflict``, ``tag_beyond_last_slice``, ``duplicate_volume`` and
        what `ClassTable` raises.
    """
    rows = list(_read_rows(text))
    volumes = _volumes(rows)
    require_few(sum(count_tags(volume.spans, volume.n_slices, volume.rest_is_absent) for volume in volumes))
    return CohortLabels(ClassTable.from_json(_classes(rows)), [volume.to_labels() for volume in volumes])


def is_tags_csv(text: str) -> bool:
    """Say whether the header of CSV text is that of slice tags, perhaps with faults; `UserError` as `csv_rows`."""
    _line, cells = next(csv_rows(text), (0, []))
    # One or two such names are in many tables.
    return not cells or len({_column(cell) for cell in cells} & {*_REQUIRED}) > 2


def _rows(cohort: CohortLabels) -> Iterator[tuple[Any, ...]]:
    classes = [(entry.name, entry.label_value, "#" + bytes(entry.color).hex()) for entry in cohort.classes]
    volumes = [(entry, (entry.name, entry.sha256 or "", entry.axis, entry.n_slices or "")) for entry in cohort.volumes]
    for volume, volume_cells in volumes:
        numbering = volume.numbering or ""
        for class_cells in classes:
            yield from ((*volume_cells, *class_cells, *cells, numbering) for cells in _ranges(volume, class_cells[0]))
        if not classes:
            yield (*volume_cells, "", "", "", "", "", TAG_NAMES[UNTAGGED], numbering)
    if not volumes:
        yield from (("", "", "", "", *cells, "", "", TAG_NAMES[UNTAGGED], "") for cells in classes)


def _ranges(volume: VolumeLabels, class_name: str) -> list[tuple[Any, Any, str]]:
    state = volume.stated(class_name)
    spans = sorted(spans_of(state, PRESENT) + spans_of(state, ABSENT), key=lambda span: span.first)
    cells: list[tuple[Any, Any, str]] = [(span.first, span.last, TAG_NAMES[span.tag]) for span in spans]
    if volume.is_rest_absent(class_name):
        cells.append(("", "", TAG_NAMES[ABSENT]))
    return cells or [("", "", TAG_NAMES[UNTAGGED])]


@dataclass
class _Volume:
    """What the file says of one volume; as `VolumeLabels`, with ranges by class in place of states."""

    name: str
    sha256: str | None = None
    axis: str = "k"
    n_slices: int | None = None
    spans: dict[str, list[Span]] = field(default_factory=dict)
    rest_is_absent: dict[str, bool] = field(default_factory=dict)
    numbering: Numbering | None = None

    def to_labels(self) -> VolumeLabels:
        labels = VolumeLabels(self.name, self.sha256, self.axis, numbering=self.numbering)
        labels.states = {name: paint(self.name, name, spans) for name, spans in self.spans.items()}
        labels.rest_is_absent = dict(self.rest_is_absent)
        return labels if self.n_slices is None else labels.settled(self.n_slices)


@dataclass(frozen=True)
class _Row:
    """One line of the file, checked cell by cell; None where a cell is blank."""

    line: int
    volume: str | None
    sha256: str | None
    axis: str | None
    numbering: Any
    slices: int | None
    class_name: str | None
    label_value: int | None
    color: list[int] | None
    span: Span | None
    tag: int


def _read_rows(text: str) -> Iterator[_Row]:
    header: list[str] | None = None
    for line, cells in csv_rows(text):
        if header is None:
            header = _checked_header(cells)
            continue
        if any(not is_blank(cell.strip()) for cell in cells[len(header) :]):
            what = f"it has {len(cells)} cells for {len(header)} columns"
            raise bad_line(line, what, "Put names with a comma or semicolon between double quotes.")
        yield _row(line, dict(zip(header, map(plain_cell, cells), strict=False)))
    if header is None:
        raise UserError("bad_tags", "The tag file is empty.", f"Its first line is {','.join(COLUMNS)}.")


def _checked_header(cells: list[str]) -> list[str]:
    header = [_column(cell) for cell in cells]
    hint = f"The columns are {','.join(COLUMNS)}; {', '.join(_REQUIRED)} are needed."
    for name in COLUMNS:
        if header.count(name) > 1:
            raise UserError("bad_tags", f"The column {name!r} is there twice.", hint)
    for name in COLUMNS:
        # A column of numbers of anything is no misspelt numbering.
        other = set(header) - {*COLUMNS, "", "number", "numbers"}
        nearly = [] if name in header else get_close_matches(name, other, 1, _NEARLY_A_COLUMN)
        if nearly:
            words = "It would be passed over: correct its name, or call it something else."
            raise UserError("bad_tags", f"The column {nearly[0]!r} is nearly {name!r}.", f"{words} {hint}")
        if name in _REQUIRED and name not in header:
            raise UserError("bad_tags", f"The column {name!r} is missing.", hint)
    return header


def _column(cell: str) -> str:
    """The column that a cell of the header means, whatever its case and what stands between its words."""
    text = cell.strip().lower()
    known = {name.replace("_", ""): name for name in COLUMNS} | {"colour": "color"}
    return known.get(re.sub(r"[\W_]+", "", text), text)


def _row(line: int, cells: dict[str, str]) -> _Row:
    trimmed = {name: cells.get(name, "").strip() for name in COLUMNS}
    words = ("sha256", "axis", "color", "numbering")
    known = {name: "" if is_blank(trimmed[name]) else trimmed[name] for name in words}
    numbers = {name: whole_number(line, name, trimmed[name]) for name in ("slices", "label_value", "first", "last")}
    tag = _tag(line, trimmed["tag"])
    _require_name(line, "volume", trimmed["volume"], known["axis"])
    _require_name(line, "class", trimmed["class"], numbers["label_value"])
    # The name is not trimmed: it must equal that of the volume, odd as it may be.
    volume = cells.get("volume", "") if trimmed["volume"] else None
    return _Row(
        line=line,
        volume=volume,
        sha256=known["sha256"].lower() or None,
        axis=known["axis"].lower() or None,
        numbering=known["numbering"].lower() or None,
        slices=numbers["slices"],
        class_name=trimmed["class"] or None,
        label_value=numbers["label_value"],
        color=_color(line, known["color"]),
        span=_span(line, numbers["first"], numbers["last"], tag),
        tag=tag,
    )


def _require_name(line: int, column: str, name: str, said: object) -> None:
    """Refuse a word for a blank cell as a name, unless the row says more of what has this name, as our own files do."""
    if name and is_blank(name) and not said and said != 0:
        other = "label_value" if column == "class" else "axis"
        hint = f"Name the {column}; if it is really called so, fill the column {other} in this row."
        raise bad_line(line, f"the {column} is {name!r}, which is how programs write a blank cell", hint)


def _tag(line: int, cell: str) -> int:
    for tag, name in TAG_NAMES.items():
        if cell.lower() == name:
            return tag
    raise bad_line(line, f"the tag is {cell[:40]!r}", f"Use {', '.join(TAG_NAMES.values())}.")


def _color(line: int, cell: str) -> list[int] | None:
    if not cell:
        return None
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", cell):
        raise bad_line(line, f"the color is {cell[:40]!r}", "Use red, green, blue as #rrggbb.")
    return list(bytes.fromhex(cell[1:]))


def _span(line: int, first: int | None, last: int | None, tag: int) -> Span | None:
    if first is None and last is None:
        if tag == PRESENT:
            raise bad_line(line, "present, but on no slice", "Give the first and the last slice.")
        return None
    if first is None:
        raise bad_line(line, f"the last slice is {last}, the first is blank", "Give the first slice.")
    return Span(first, first if last is None else last, tag)


def _classes(rows: list[_Row]) -> list[dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.class_name is None:
            continue
        entry = entries.setdefault(row.class_name, {"name": row.class_name})
        for key, value in (("label_value", row.label_value), ("color", row.color)):
            _agree(row, entry, key, value, f"class {row.class_name!r}")
    return list(entries.values())


def _volumes(rows: list[_Row]) -> list[_Volume]:
    hashes: dict[str, set[str]] = {}
    for row in rows:
        if row.volume is not None and row.sha256 is not None:
            hashes.setdefault(row.volume, set()).add(row.sha256)
    found: dict[tuple[str, str | None], tuple[_Volume, dict[str, Any]]] = {}
    for row in rows:
        if row.volume is None:
            _require_only_a_class(row)
            continue
        sha256 = _hash_of(row, hashes.get(row.volume, set()))
        volume, given = found.setdefault((row.volume, sha256), (_Volume(row.volume, sha256), {}))
        for key, value in (("axis", row.axis), ("numbering", row.numbering), ("slices", row.slices)):
            _agree(row, given, key, value, f"volume {row.volume!r}")
        volume.axis, volume.n_slices = given.get("axis", "k"), given.get("slices")
        volume.numbering = given.get("numbering")
        _add_tags(row, volume)
    return [volume for volume, _ in found.values()]


def _hash_of(row: _Row, hashes: set[str]) -> str | None:
    """Return the hash a row is about: its own, or the only one that other rows give for the name."""
    if row.sha256 is None and len(hashes) > 1:
        message = f"there are {len(hashes)} volumes named {row.volume!r}"
        raise bad_line(row.line, message, "Fill the sha256 column in this row.")
    return row.sha256 or next(iter(hashes), None)


def _add_tags(row: _Row, volume: _Volume) -> None:
    if row.class_name is None:
        if row.span is not None or row.tag != UNTAGGED:
            raise bad_line(row.line, "the class is blank", "Name the class.")
    elif row.span is not None:
        volume.spans.setdefault(row.class_name, []).append(row.span)
    elif row.tag == ABSENT:
        volume.rest_is_absent[row.class_name] = True


def _require_only_a_class(row: _Row) -> None:
    if row.span is not None or row.tag != UNTAGGED or row.class_name is None:
        raise bad_line(row.line, "the volume is blank", "Name the volume.")


def _agree(row: _Row, entry: dict[str, Any], key: str, value: Any, what: str) -> None:
    """Take over what a row says of its volume or class; all rows must say the same."""
    if value is not None and entry.setdefault(key, value) != value:
        hint = ONE_DIRECTION if key == "axis" else "Make them the same."
        raise bad_line(row.line, f"{key} of {what} is {value!r}, above it is {entry[key]!r}", hint)
