"""Kinds of files that an export can write. Each registers itself; here stands which come with the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.quality import ClassQuality
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.exports import Exported
from WeakMedSAMLib.frontend.results.run_results import RunResult, StoredResult

# Files of the folder `formats`, in the order in which their formats are listed.
_PACKAGED = ("segmentation", "labelmap", "tags", "report")
_formats: dict[str, ExportFormat] = {}


@dataclass(frozen=True)
class ExportSubject:
    """The masks of one volume of a run, as they are in the scene.

    Attributes
    ----------
    volumeNode, segmentationNode : MRML node
    segmentIds : list of str
        The segments of the run in that segmentation.
    result : StoredResult or None
        What the run says of the volume; None where its folder is gone.
    """

    volumeNode: Any
    segmentationNode: Any
    segmentIds: list[str]
    result: StoredResult | None

    @property
    def known(self) -> dict[str, ClassQuality]:
        """What the run says of each class."""
        return self.result.classes if self.result is not None else {}


@dataclass(frozen=True)
class ExportWork:
    """What to write where.

    Attributes
    ----------
    paths : dict
        Kind of format -> file.
    subjects : tuple of ExportSubject
        The masks: of one volume, and of any number for a format that is of a run.
    classes : ClassTable
        Gives the label values.
    run : RunResult or None
        Needed for formats of a run.
    cohort : CohortLabels or None
        Needed for formats of tags.
    includeNames : bool
        Whether the report calls volumes by their names.
    """

    paths: dict[str, Path]
    subjects: tuple[ExportSubject, ...]
    classes: ClassTable
    run: RunResult | None = None
    cohort: CohortLabels | None = None
    includeNames: bool = False


@dataclass(frozen=True)
class ExportFormat:
    """One kind of file.

    Attributes
    ----------
    kind : str
        Its name; the panel has a check box ``<kind>Check`` for it, or it is for scripts alone.
    ending : str
        What the name of the file ends in, behind the name that volume or user give it.
    source : {"masks", "run", "tags"}
        What it is of: the masks of a volume, a run with any number of volumes, or all tags.
    writeSteps : callable
        Writes the file in short pieces.
    """

    kind: str
    ending: str
    source: Literal["masks", "run", "tags"]
    writeSteps: Callable[[ExportWork, Path], Steps[Exported]]


def register(entry: ExportFormat) -> None:
    """Make a format known; ValueError for a kind that another one has."""
    if entry.kind in _formats:
        raise ValueError(f"There is a format {entry.kind!r} already")
    _formats[entry.kind] = entry


def exportFormats() -> dict[str, ExportFormat]:
    """Return all formats by their kinds, those of the package with whatever else was registered."""
    for name in _PACKAGED:
        import_module(f"{__package__}.formats.{name}")
    return dict(_formats)
