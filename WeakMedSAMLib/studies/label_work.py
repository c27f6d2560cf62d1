"""What benchmarks of labels share: places for runs, and updates of one volume after the other."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from WeakMedSAMLib.contract.files import private_folder
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.results import LABELS
from WeakMedSAMLib.contract.run_folder import volume_id
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.runs.worker import RunSummary
from WeakMedSAMLib.studies.cases import Case
from WeakMedSAMLib.studies.cohorts import run_of


@contextlib.contextmanager
def emptied_place(place: Path) -> Iterator[Path]:
    """A folder of which nothing is left at the end, nor of one that was broken off before."""
    shutil.rmtree(place, ignore_errors=True)
    private_folder(place)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        with contextlib.suppress(OSError):  # others may be running beside
            place.parent.rmdir()


def said_of(case: Case, labels: CohortLabels) -> VolumeLabels:
    """What the reader said of a case."""
    said = labels.volume_for(case.name, None)
    if said is None:
        raise ValueError(f"the reader said nothing of {case.name!r}")
    return said


def result_of(places: RunFolder, number: int) -> Path:
    """The label map that a run made of the volume of this number."""
    return places.results(volume_id(number)) / LABELS


def updated_alone(
    cases: Sequence[Case],
    labels: CohortLabels,
    settings: RunSettings,
    place: Path,
    run: Callable[[Path], RunSummary],
) -> Iterator[tuple[Case, CohortLabels, RunFolder, RunSummary]]:
    """Update each case alone, as a reader looks at one after the other: the case, its labels, its run, how it went."""
    for number, case in enumerate(cases):
        own = CohortLabels(labels.classes, [said_of(case, labels)])
        places = run_of([case], own, settings, place / volume_id(number))
        yield case, own, places, run(places.path)
