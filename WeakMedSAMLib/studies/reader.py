"""A simulated reader: looks at true masks, and writes what a person would say of the scans into a label file.

A process of its own, ``python -m WeakMedSAMLib.studies.reader``: what it writes is all that a run learns of the truth.
"""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.contract.knowledge import SIDES, Knowledge, Side
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.cli.options import FOLDER, PLACE
from WeakMedSAMLib.engine.cli.outcome import outcome
from WeakMedSAMLib.engine.data.layouts.known import AUTO
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, class_table, parse_mask_classes, tags_from_masks
from WeakMedSAMLib.studies.cases import Case, find_cases
from WeakMedSAMLib.studies.gestures import GESTURES, Drawing, drawings

NOTHING, SCAN_TAGS_ALONE = OTHERS = ("nothing", "scan-tags")  # in place of slice tags
PARTS = 3  # of the patients, one of which gets gestures where not all do
_MODULE = "WeakMedSAMLib.studies.reader"


@dataclass(frozen=True)
class Reading:
    """Which scans are read, and what is said of them.

    Attributes
    ----------
    folder : Path
        Holds the cases, with their masks.
    labels : str
        Which label values are a class.
    stride, cases, axis, layout
        As for `find_cases`.
    gesture : str
        What is given beside slice tags: a name out of `GESTURES`, or empty.
    sides : str
        The sides that are told, such as ``"liver=right,spleen=left"``, or empty.
    part : int, optional
        Which third of the patients gets the gesture; all otherwise.
    others : str
        What is said of the other two in place of slice tags, out of `OTHERS`; slice tags if empty.
    seed : int
        Of the hand, and of the thirds.
    draw : Path, optional
        JSON file, name of a case -> slices: of each the classes that it is tagged as showing are drawn, too.
    """

    folder: Path
    labels: str
    stride: int = 1
    cases: int | None = None
    axis: str = "k"
    layout: str = AUTO
    gesture: str = ""
    sides: str = ""
    part: int | None = None
    others: str = ""
    seed: int = 0
    draw: Path | None = None

    def found_cases(self) -> list[Case]:
        """The scans."""
        return find_cases(self.folder, self.cases, self.stride, self.axis, self.layout)


def read(reading: Reading) -> CohortLabels:
    """Labels of the scans, from their true masks.

    Raises
    ------
    UserError
        ``bad_labels``, what cases raise, and `read_json` where slices are drawn.
    """
    classes, cases = parse_mask_classes(reading.labels), reading.found_cases()
    with_gesture = {case.name for case in cases}
    if reading.part is not None:
        with_gesture = cases_of_part(cases, reading.part, reading.seed)
    table = with_sides(class_table(classes), parse_sides(reading.sides))
    drawn = {} if reading.draw is None else read_json(reading.draw)

    def labels(case: Case) -> VolumeLabels:
        if case.name not in with_gesture and reading.others:
            return _of_scan(case, classes, reading.others)
        given = reading.gesture if case.name in with_gesture else ""
        return _labels(case, classes, given, reading.seed, drawn.get(case.name, []))

    return CohortLabels(table, [labels(case) for case in cases])


def cases_of_part(cases: Sequence[Case], part: int, seed: int) -> set[str]:
    """Names of the cases of one third of the patients, dealt out by chance; over the parts everyone comes once."""
    patients = np.random.default_rng(seed).permutation(sorted({case.patient for case in cases}))
    return {case.name for case in cases if case.patient in patients[part::PARTS]}


def parse_sides(text: str) -> dict[str, Side]:
    """Read which classes lie on which side of the patient, such as ``"liver=right,spleen=left"``.

    Raises
    ------
    UserError
        ``bad_labels``.
    """
    sides: dict[str, Side] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, side = entry.rpartition("=")
        if not name.strip() or side.strip() not in SIDES:
            message = f"{entry!r} does not say which class lies on which side."
            raise UserError(
                "bad_labels", message, f"Write it like liver=right,spleen=left; sides are {', '.join(SIDES)}."
            )
        sides[name.strip()] = side.strip()  # type: ignore[assignment]
    return sides


def with_sides(table: ClassTable, sides: Mapping[str, Side]) -> ClassTable:
    """The class table with the sides told; `UserError` ``unknown_class``."""
    for name in sides:
        table.index(name)
    return ClassTable(
        replace(entry, known=Knowledge(side=sides[entry.name])) if entry.name in sides else entry for entry in table
    )


def read_apart(reading: Reading, out: Path) -> CohortLabels:
    """What `read` gives, by way of a process of its own and of the label file ``out``.

    Raises
    ------
    RuntimeError
        The process failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", _MODULE, *_arguments(reading, out)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the reader's process ended with {done.returncode}: {done.stderr.strip()}")
    return read_label_file(out)


def _labels(case: Case, classes: Sequence[MaskClass], gesture: str, seed: int, drawn: Sequence[int]) -> VolumeLabels:
    """Slice tags of a scan, what the gesture gives of every class that it shows, and the slices that are drawn."""
    truth = case.masks()
    masks = {entry.name: truth.mask(entry) for entry in classes}
    labels = replace(tags_from_masks(case.name, None, masks, case.axis), size=case.geometry().size)
    given: list[Point | Box | Drawing] = []
    for name, mask in masks.items():
        if gesture:
            given += GESTURES[gesture](name, mask, case.axis, chance_of(seed, case.name, name))
        given += drawings(name, mask, case.axis, drawn)
    POINTS.put(labels, [mark for mark in given if isinstance(mark, Point)])
    BOXES.put(labels, [mark for mark in given if isinstance(mark, Box)])
    for one in given:
        if isinstance(one, Drawing):
            PAINTED.put(labels, one.class_name, one.index, "drawn", one.pixels)
    return labels


def _of_scan(case: Case, classes: Sequence[MaskClass], others: str) -> VolumeLabels:
    """A scan of which nothing is said, or whether it shows each class."""
    count = case.geometry().size["ijk".index(case.axis)]
    labels = VolumeLabels(case.name, axis=case.axis, n_slices=count, size=case.geometry().size)
    if others == SCAN_TAGS_ALONE:
        truth = case.masks()
        masks = {entry.name: truth.mask(entry) for entry in classes}
        tags = tags_from_masks(case.name, None, masks, case.axis)
        SCAN_TAGS.put(labels, {name: bool((tags.state(name) == PRESENT).any()) for name in masks})
    return labels


def chance_of(seed: int, *names: str) -> np.random.Generator:
    """Numbers for one class of one scan: whatever else is read, they are the same."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def _arguments(reading: Reading, out: Path) -> list[str]:
    """The reading as `main` takes it; what is left as it is by default is not named."""
    given = {one.name: getattr(reading, one.name) for one in fields(reading) if one.name != "folder"}
    told = [f"--{name}={value}" for name, value in given.items() if value not in (None, "")]
    return [str(reading.folder), *told, f"--out={out}"]


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--labels", required=True, help="Label values by class: 1, or liver=1,kidneys=2+3.")
@click.option("--gesture", type=click.Choice(["", *GESTURES]), default="", help="What is given beside slice tags.")
@click.option("--sides", default="", help="Sides of classes that are told, as liver=right,spleen=left.")
@click.option("--part", type=click.IntRange(0, PARTS - 1), help="Only this third of the patients gets the gesture.")
@click.option(
    "--others", type=click.Choice(["", *OTHERS]), default="", help="What is said of the others, not slice tags."
)
@click.option("--seed", default=0, show_default=True, help="Of the hand, and of the thirds.")
@click.option("--draw", type=PLACE, help="Slices that are drawn, JSON: name of a case -> slices.")
@click.option("--stride", type=click.IntRange(1), default=1, show_default=True, help="Use every so-manieth slice only.")
@click.option("--cases", type=click.IntRange(1), help="Only the first so many.")
@click.option("--axis", type=click.Choice(["i", "j", "k"]), default="k", show_default=True, help="Slice axis.")
@click.option("--layout", default=AUTO, show_default=True, help="As for `weakmedsam benchmark accuracy`.")
@click.option("--out", type=PLACE, required=True, help="Label file to write, JSON.")
def main(out: Path, **options: Any) -> None:
    """Write what a reader who knows the true masks of FOLDER says of its scans."""
    write_label_file(out, read(Reading(**options)))


if __name__ == "__main__":
    sys.exit(outcome(main))
