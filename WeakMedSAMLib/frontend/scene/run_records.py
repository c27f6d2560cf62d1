"""What the scene remembers of a run, and where on this computer its folder is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import slicer

from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.contract.run_names import folder_name
from WeakMedSAMLib.frontend.base import folders

RUN_STATUSES = ("preparing", "running", "finished", "cancelled", "failed")
# A run of these has not ended.
UNDER_WAY = ("preparing", "running")
_FOLDERS_KEY = "WeakMedSAM/EarlierRunsFolders"
_MOST_FOLDERS = 20


@dataclass
class RunRecord:
    """One run, as the scene remembers it.

    Attributes
    ----------
    runId : str
        As in ``run.json``.
    folder : str
        The run folder. A scene has only its name, since it may come from anywhere: see `folderOf`.
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
    updates : dict
        Volume id of the run -> name of the folder, in the run's folder of updates, of that which drew its masks last.
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
    updates: dict[str, str] = field(default_factory=dict)


def recordFromJson(entry: Mapping[str, Any]) -> RunRecord:
    """Make a record from plain data; what is missing or of another type is as in an empty record."""
    empty = RunRecord(entry["runId"])
    known = {
        name: entry[name] for name, value in asdict(empty).items() if name in entry and type(entry[name]) is type(value)
    }
    record = RunRecord(**known)
    # Scenes of earlier versions have a whole path.
    record.folder = folderName(record.folder)
    return record


def folderName(folder: str) -> str:
    """Return the last part of a path of any system; empty if it is no name that may follow a folder."""
    name = re.split(r"[/\\]", folder.rstrip("/\\"))[-1]
    return "" if name in ("", ".", "..") or ":" in name or "\0" in name else name


def folderOf(record: RunRecord) -> Path:
    """Return the run folder of a record on this computer; nothing is there if it was deleted, or made on another one.

    It is looked for only where runs of this computer were put, never where a scene says: to open a path of somebody
    else's scene can mean to call a stranger's server.
    """
    if Path(record.folder).is_absolute():
        return Path(record.folder)
    name = folderName(record.folder)
    usual = folders.runsFolder()
    found = (folder / name for folder in [usual, *_earlierFolders()] if name and (folder / name).is_dir())
    return next(found, usual / (name or folder_name(folderName(record.runId))))


def updateFolderOf(record: RunRecord, volumeId: str) -> Path | None:
    """Return the run folder of the latest update of a volume, which need not be there; None if there was none."""
    name = folderName(record.updates.get(volumeId, ""))
    return RunFolder(folderOf(record)).updates / name if name else None


def rememberRunsFolder(folder: str) -> None:
    """Note in the settings of this computer where a run folder was put, for the day when runs are put elsewhere."""
    if Path(folder).is_absolute():
        known, parent = [str(path) for path in _earlierFolders()], str(Path(folder).parent)
        if parent not in known:
            _setEarlierFolders([parent, *known][:_MOST_FOLDERS])


def forgetRunsFolder(folder: Path) -> None:
    """Look no longer for run folders in a folder."""
    _setEarlierFolders([str(path) for path in _earlierFolders() if path != Path(folder)])


def _earlierFolders() -> list[Path]:
    try:
        known = json.loads(str(slicer.app.userSettings().value(_FOLDERS_KEY) or "[]"))
    except ValueError:
        return []
    return [Path(path) for path in known if isinstance(path, str)] if isinstance(known, list) else []


def _setEarlierFolders(known: list[str]) -> None:
    slicer.app.userSettings().setValue(_FOLDERS_KEY, json.dumps(known))
