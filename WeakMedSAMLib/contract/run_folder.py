"""The places in a run folder, and the guard that nothing in a file leads out of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .errors import UserError
from .fields import require_name
from .files import private_folder

if TYPE_CHECKING:
    from .runs import RunVolume

_ID = re.compile(r"[0-9]{3,9}")


@dataclass(frozen=True)
class RunFolder:
    """The names of the places in a run folder. Only numbers that the program gave become part of a path."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    @property
    def volumes(self) -> Path:
        """Folder of the volumes, ``NNN.nrrd``."""
        return self.path / "volumes"

    @property
    def tags(self) -> Path:
        """The slice tags."""
        return self.path / "tags.json"

    @property
    def run(self) -> Path:
        """The run description."""
        return self.path / "run.json"

    @property
    def events(self) -> Path:
        """All event lines so far."""
        return self.path / "events.jsonl"

    @property
    def state(self) -> Path:
        """Folder of stage outputs, from which a run resumes."""
        return self.path / "state"

    @property
    def model(self) -> Path:
        """Folder of the trained model."""
        return self.path / "model"

    @property
    def previews(self) -> Path:
        """Folder of the pictures of an example slice, one a stage."""
        return self.path / "previews"

    @property
    def log(self) -> Path:
        """Log text."""
        return self.path / "log.txt"

    @property
    def cancel(self) -> Path:
        """A file of this name asks the worker to stop."""
        return self.path / "cancel"

    def results(self, volume_id: str) -> Path:
        """Folder of the results of one volume; `UserError` ``bad_run`` if `volume_id` is no id."""
        return self.path / "results" / checked_id(volume_id)

    def volume(self, volume: RunVolume) -> Path:
        """File of one volume, which need not be there.

        Raises
        ------
        UserError
            ``path_escapes`` if the file lies elsewhere, by a symbolic link for instance.
        """
        file = self.path / volume.file
        if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(self.path)):
            raise _escapes(volume.file)
        return file

    def create(self) -> RunFolder:
        """Make the folder and those of volumes and state (mode 0700); `UserError` ``cannot_write``."""
        for folder in (self.path, self.volumes, self.state):
            private_folder(folder)
        return self


def checked_id(volume_id: str) -> str:
    """Return `volume_id` if it is three to nine digits; `UserError` ``bad_run`` else."""
    if not isinstance(volume_id, str) or not _ID.fullmatch(volume_id):
        raise UserError("bad_run", f"{volume_id!r} is not a volume id.", "An id is three to nine digits, such as 000.")
    return volume_id


def require_inside(file: str) -> None:
    """Raise `UserError` ``path_escapes`` unless a relative path with ``/`` stays in the folder on every system."""
    require_name(file, "A volume file")
    parts = PurePosixPath(file).parts
    if "\\" in file or ":" in file or ".." in parts or file.startswith("/") or not parts:
        raise _escapes(file)


def _escapes(file: str) -> UserError:
    hint = "Volumes lie inside the run folder, such as volumes/000.nrrd."
    return UserError("path_escapes", f"The file {file!r} is not inside the run folder.", hint)
