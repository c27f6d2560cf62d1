"""Makes a run folder from volumes and tags: copies under opaque ids, nothing of the user's names in a path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import private_folder
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import write_label_file
from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.run_folder import volume_file, volume_id
from WeakMedSAMLib.contract.run_names import RUN_FOLDERS, folder_name
from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, RunSettings, RunVolume, load_run, save_run
from WeakMedSAMLib.engine.base.reporting import Listener
from WeakMedSAMLib.engine.base.state import stage_key
from WeakMedSAMLib.engine.base.versions import versions
from WeakMedSAMLib.engine.data.label_match import Match, held_numbering, match_labels
from WeakMedSAMLib.engine.data.volumes import Scan, open_scan, volume_name, write_volume
from WeakMedSAMLib.engine.runs.session import require_writable


def make_run(
    out: Path,
    volumes: Sequence[Path],
    tags: CohortLabels,
    settings: RunSettings,
    axis: str | None = None,
    names: Sequence[str] | None = None,
    patients: Sequence[str | None] | None = None,
    unsaid: Numbering | None = None,
    report: Listener = lambda _event: None,
) -> RunFolder:
    """Make a run folder inside ``out``; the same volumes and settings give the same folder, so a run goes on there.

    Parameters
    ----------
    out : Path
        Made if absent.
    volumes : sequence of Path
        Files or DICOM folders; opened all at once, since what cannot be used is refused first; read one at a time.
    tags : CohortLabels
        Class table and tags; those of other volumes go along, so that the run can say that it has no use for them.
    settings : RunSettings
        What the user chose.
    axis : str, optional
        Slice axis of volumes without tags; that of the first tagged one otherwise.
    names : sequence of str, optional
        Names of the volumes, in place of those of their files.
    patients : sequence of str or None, optional
        Whose volume each is; without it every volume is a patient of its own.
    unsaid : {"slicer", "file"}, optional
        How slices are counted by tags that do not say it and carry no hash.
    report : callable, optional
        Takes what was noticed about the volumes, as warnings. They name files, which no event of the run itself does.

    Returns
    -------
    RunFolder

    Raises
    ------
    UserError
        ``no_volumes``, ``ambiguous_volume``, ``cannot_write``, ``disk_full``, and what volumes and tags raise.
    """
    if not volumes:
        raise UserError("no_volumes", "No volume was given.", "Give one or more: --volume scan.nrrd")
    called = list(names) if names is not None else [volume_name(path.resolve()) for path in volumes]
    _require_told_apart(called, tags)
    scans = [open_scan(path, name) for path, name in zip(volumes, called, strict=True)]
    require_writable(private_folder(out), _bytes_of(scans))
    places = RunFolder(out / folder_name(_identity(volumes, called, tags.classes, settings))).create()
    axis = axis or next((volume.axis for volume in tags.volumes), "k")
    find = partial(match_labels, tags, axis=axis, unsaid=unsaid)
    copied = [_copy(places, volume_id(number), scan, find, report) for number, scan in enumerate(scans)]
    matches = [match for _, match in copied]
    kept = [*(match.labels for match in matches), *_others(tags, matches)]
    write_label_file(places.tags, CohortLabels(tags.classes, kept))
    whose = patients or [None] * len(copied)
    entries = [replace(volume, patient=patient) for (volume, _), patient in zip(copied, whose, strict=True)]
    _save(places, entries, tags.classes, settings)
    return places


def model_folder(path: Path) -> Path:
    """The model folder of a run, of the one run in a folder of results, or the folder itself if it is one; absolute.

    Raises
    ------
    UserError
        ``no_model``, ``several_models``.
    """
    for folder in (RunFolder(path).model, path):
        if _holds_model(folder):
            return folder.resolve()
    runs = sorted(run for run in path.glob(RUN_FOLDERS) if _holds_model(RunFolder(run).model))
    if len(runs) > 1:
        message = f"{path} holds the models of {len(runs)} runs: {', '.join(run.name for run in runs)}."
        raise UserError("several_models", message, f"Give the folder of one of them, such as {runs[0]}.")
    if not runs:
        raise UserError(
            "no_model", f"{path} holds no trained model.", "Give the folder of a finished run, or its model/."
        )
    return RunFolder(runs[0]).model.resolve()


def _holds_model(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("*.safetensors"))


def with_classes(tags: CohortLabels, names: Sequence[str]) -> CohortLabels:
    """The tags of only these classes, in this order; `UserError` ``unknown_class``."""
    kept = {name: name for name in names}
    return CohortLabels(tags.classes.with_names(kept), [volume.with_classes(kept) for volume in tags.volumes])


def _require_told_apart(names: Sequence[str], tags: CohortLabels) -> None:
    """Two volumes of one name would get the same tags unless the tags carry hashes."""
    by_name = {entry.name for entry in tags.volumes if entry.sha256 is None}
    twice = [name for name, count in Counter(names).items() if count > 1 and name in by_name]
    if twice:
        message = f"Two volumes are named {twice[0]!r}, and the tags of that name carry no hash."
        raise UserError("ambiguous_volume", message, "Rename one of the files, and its entry in the tag file.")


def _bytes_of(scans: Sequence[Scan]) -> int:
    """Room for the copies: the voxels as 16-bit numbers, which is what scans are."""
    return sum(2 * prod(scan.geometry.size) for scan in scans)


def _identity(volumes: Sequence[Path], names: Sequence[str], classes: ClassTable, settings: RunSettings) -> str:
    """Short hash of what makes it another run; tags do not, since their edit reuses what does not depend on them."""
    places = [path.resolve() for path in volumes]
    return stage_key(places, list(names), classes.to_json(), settings.to_json())[:12]


def _copy(
    places: RunFolder, volume_id: str, volume: Scan, find: Callable[[Scan], Match], report: Listener
) -> tuple[RunVolume, Match]:
    """Copy one volume, and let go of its voxels.

    Tags with a hash are then about the copy, in which what was not finite is replaced. The copy has its
    slices in the order in which 3D Slicer shows the loaded file, and the tags count them so. Tags without a hash stay
    without, so that the run can warn that they were matched by name.
    """
    _ = volume.array  # what is wrong with the voxels is a note, too
    for note in volume.notes:
        report(note.as_warning())
    match = find(volume)
    sha256, noticed = volume.array_sha256, {note.code: note.message for note in volume.notes}
    file, numbering = volume_file(volume_id), held_numbering(volume)
    entry = RunVolume(
        volume_id, file, volume.name, sha256, str(volume.path), None, noticed, numbering, not volume.has_two_numberings
    )
    # Not packed, so that a run reads the voxels where they lie.
    write_volume(places.volume(entry), volume.array, volume.geometry, encoding="raw")
    volume.release()
    return entry, replace(match, labels=replace(match.labels, sha256=None if match.by_name else sha256))


def _others(tags: CohortLabels, matches: Sequence[Match]) -> list[VolumeLabels]:
    """Tags of volumes that are not part of the run."""
    names = {match.labels.name for match in matches}
    used = {id(match.entry) for match in matches}
    return [entry for entry in tags.volumes if entry.name not in names and id(entry) not in used]


def _save(places: RunFolder, volumes: list[RunVolume], classes: ClassTable, settings: RunSettings) -> None:
    """Write run.json; a run that is repeated keeps its id and its date."""
    run = RunDescription(volumes=volumes, classes=classes, settings=settings, versions=versions())
    if places.run.exists():
        before = load_run(places.path)
        run = replace(run, run_id=before.run_id, created=before.created)
    save_run(places.path, run)
