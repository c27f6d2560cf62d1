"""What the scene remembers of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

RUN_STATUSES = ("preparing", "running", "finished", "cancelled", "failed")


@dataclass
class RunRecord:
    """One run, as the scene remembers it.

    Attributes
    ----------
    runId : str
        As in ``run.json``.
    folder : str
        The run folder on this computer; it may be gone on another one.
    created : str
        UTC, ISO 8601.
    status : str
        One of `RUN_STATUSES`.
    message : str
        What went wrong or is worth knowing, for the user.
    preset, device : str
    classes : list
        `ClassTable.to_json` of the classes at that time.
    volumes, segmentations : dict
        Volume id of the run (``"000"``) -> id of the MRML node. Nodes that are gone are left out.
    settings, versions : dict
        Plain data, for the report.
    """

    runId: str
    folder: str = ""
    created: str = ""
    status: str = "preparing"
    message: str = ""
    preset: str = ""
    device: str = ""
    classes: list[dict[str, Any]] = field(default_factory=list)
    volumes: dict[str, str] = field(default_factory=dict)
    segmentations: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)


def recordFromJson(entry: Mapping[str, Any]) -> RunRecord:
    """Make a record from plain data; what is missing or of another type is as in an empty record."""
    empty = RunRecord(entry["runId"])
    known = {
        name: entry[name] for name, value in asdict(empty).items() if name in entry and type(entry[name]) is type(value)
    }
    return RunRecord(**known)
