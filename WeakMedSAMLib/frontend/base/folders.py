"""Where run folders and the feature cache lie, how large they are, how they are removed. They hold patient images."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.cache_layout import CacheLayout, is_key
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.run_folder import RunFolder, is_part
from WeakMedSAMLib.contract.run_names import is_folder_name, short_id
from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.contract.user_folders import cache_folder
from WeakMedSAMLib.frontend.base.held_files import isHeld
from WeakMedSAMLib.frontend.base.steps import Steps, inThread

_RUNS_KEY = "WeakMedSAM/RunsFolder"
_CACHE_KEY = "WeakMedSAM/CacheFolder"


@dataclass(frozen=True)
class RunOnDisk:
    """A run folder that was found.

    Attributes
    ----------
    folder : Path
    runId, created : str
    volumeNames : tuple of str
    model : Path, optional
        Folder of the model that it was started with.
    """

    folder: Path
    runId: str
    created: str
    volumeNames: tuple[str, ...]
    model: Path | None = None

    def goesOnFrom(self, other: RunOnDisk) -> bool:
        """Say whether it was started with a model that lies in the folder of another run."""
        return self.model is not None and other.folder != self.folder and other.folder in self.model.parents


def runsFolder() -> Path:
    """Return the folder of run folders: the chosen one, or one in the user's data folder."""
    return _chosen(_RUNS_KEY) or _dataFolder() / "runs"


def unsavedLabelsFolder() -> Path:
    """Return the folder of labels that no scene has yet, in the user's data folder: see `labels.recovery`."""
    return _dataFolder() / "unsaved-labels"


def setRunsFolder(folder: Path | str) -> None:
    """Choose the folder of run folders; empty for the usual one. Runs that are there stay where they are."""
    _choose(_RUNS_KEY, folder)


def cacheFolder() -> Path:
    """Return the folder of the feature cache: the chosen one, or that which the engine itself uses."""
    return _chosen(_CACHE_KEY) or cache_folder()


def setCacheFolder(folder: Path | str) -> None:
    """Choose the folder of the feature cache; empty for the usual one."""
    _choose(_CACHE_KEY, folder)


def runsOnDisk(parent: Path) -> list[RunOnDisk]:
    """List the runs in a folder, the newest first; what is no run of ours is left out."""
    found = [_runIn(folder) for folder in _listed(parent) if is_folder_name(folder.name)]
    return sorted((run for run in found if run is not None), key=lambda run: run.created, reverse=True)


def runSizeSteps(parent: Path) -> Steps[int]:
    """Count the bytes of all runs in a folder, in short steps."""
    return inThread(lambda: _size(part for folder in _listed(parent) if _isRun(folder) for part in _partsOf(folder)))


def cacheSizeSteps(folder: Path) -> Steps[int]:
    """Count the bytes of the feature cache, in short steps."""
    return inThread(lambda: _size([*_entriesOf(folder), CacheLayout(folder).users]))


def deleteRunSteps(folder: Path) -> Steps[int]:
    """Delete a run folder in short steps; files in it that are not ours stay (see `leftIn`), and then the folder too.

    Returns
    -------
    int
        Bytes freed.

    Raises
    ------
    UserError
        ``not_a_run`` if it is not a run folder, ``cannot_delete``.
    """
    folder = Path(folder)
    if not _isRun(folder):
        message = _("{folder} is not a run folder of WeakMedSAM.").format(folder=folder)
        raise UserError("not_a_run", message, _("Nothing was deleted."))
    last = RunFolder(folder).run
    # Until then the rest can be found and deleted again.
    freed = yield from _deleteSteps([*(part for part in _partsOf(folder) if part != last), last])
    yield from inThread(partial(_removeEmpty, folder))
    return freed


def leftIn(folder: Path) -> list[str]:
    """Return the files that are left in a folder, relative to it; nothing if it is gone."""
    return [path.relative_to(folder).as_posix() for path, _size in _filesIn(folder)]


def clearCacheSteps(folder: Path) -> Steps[int]:
    """Delete the entries of the feature cache in short steps, but those that a run uses at this moment.

    Returns
    -------
    int
        Bytes freed.

    Raises
    ------
    UserError
        ``cannot_delete``.
    """
    layout = CacheLayout(folder)
    users = [user for user in _listed(layout.users) if user.is_dir()]
    living = [user for user in users if isHeld(layout.user_lock(user.name))]
    used = {path.name for user in living for path in _listed(user)}
    gone = [user for user in users if user not in living]
    return (yield from _deleteSteps([*gone, *(entry for entry in _entriesOf(folder) if entry.name not in used)]))


def sizeInWords(count: int) -> str:
    """Say a number of bytes."""
    if not count:
        return _("nothing")
    if count < 1_000_000:
        return _("{count} kB").format(count=round(count / 1000))
    if count < 1_000_000_000:
        return _("{count} MB").format(count=round(count / 1_000_000))
    return _("{count} GB").format(count=f"{count / 1e9:.1f}")


def _dataFolder() -> Path:
    return Path(qt.QStandardPaths.writableLocation(qt.QStandardPaths.GenericDataLocation)) / "weakmedsam"


def _chosen(key: str) -> Path | None:
    text = str(slicer.app.userSettings().value(key) or "").strip()
    return Path(text) if text else None


def _choose(key: str, folder: Path | str) -> None:
    text = str(folder).strip()
    slicer.app.userSettings().setValue(key, str(Path(text).absolute()) if text else "")


def _listed(folder: Path) -> list[Path]:
    """What lies in a folder; nothing if it is not there or may not be read."""
    try:
        return sorted(Path(folder).iterdir())
    except OSError:
        return []


def _isRun(folder: Path) -> bool:
    """Whether a folder is a run, or what is left of one that was never described or not deleted to the end."""
    if not is_folder_name(folder.name) or folder.is_symlink() or not folder.is_dir():
        return False
    return RunFolder(folder).run.is_file() or all(is_part(entry.name) for entry in _listed(folder))


def _partsOf(folder: Path) -> list[Path]:
    """What a run folder holds of ours."""
    return [entry for entry in _listed(folder) if is_part(entry.name)]


def _runIn(folder: Path) -> RunOnDisk | None:
    if not _isRun(folder):
        return None
    try:
        run = load_run(folder)
    except UserError:
        return RunOnDisk(folder, short_id(folder.name), "", ())
    model = Path(run.settings.model) if run.settings.model else None
    return RunOnDisk(folder, run.run_id, run.created, tuple(volume.name for volume in run.volumes), model)


def _entriesOf(folder: Path) -> list[Path]:
    return [path for path in _listed(folder) if is_key(path.name)]


def _size(paths: Iterable[Path]) -> int:
    return sum(size for path in paths for _file, size in _filesIn(path))


def _deleteSteps(paths: list[Path]) -> Steps[int]:
    """Delete files and folders, never what a symbolic link points to."""
    try:
        # In another thread: to delete a file of gigabytes can take longer than a window may freeze.
        return (yield from inThread(partial(_delete, paths)))
    except OSError as error:
        reason = error.strerror or str(error)
        message = _("Cannot delete {file}: {reason}.").format(file=error.filename, reason=reason)
        hint = _("Close programs that use it, then try again.")
        raise UserError("cannot_delete", message, hint) from error


def _delete(paths: list[Path]) -> int:
    freed = 0
    for path in paths:
        for file, size in list(_filesIn(path)):
            file.unlink(missing_ok=True)
            freed += size
        if not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
    return freed


def _removeEmpty(folder: Path) -> None:
    """Remove the folders without any file in them, the folder itself included."""
    for child in _listed(folder):
        if child.is_dir() and not child.is_symlink():
            _removeEmpty(child)
    # It is not empty if somebody put files into it.
    with suppress(OSError):
        folder.rmdir()


def _filesIn(path: Path) -> Iterator[tuple[Path, int]]:
    """Every file in a folder with its bytes, or the file itself; links are not followed."""
    try:
        about = path.lstat()
        if not stat.S_ISDIR(about.st_mode):
            yield path, about.st_size
            return
        with os.scandir(path) as entries:
            inside = [Path(entry.path) for entry in entries]
    except OSError:
        return
    for child in inside:
        yield from _filesIn(child)
