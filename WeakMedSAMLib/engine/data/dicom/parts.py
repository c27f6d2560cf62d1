"""Acquisitions that share a series are kept apart: one volume has one echo time, image type, b-value, time point."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.dicom.frames import EXPORT_HINT, Frame
from WeakMedSAMLib.engine.data.dicom.stack import geometry_of, has_repeats, in_order, repeats
from WeakMedSAMLib.engine.data.notes import Note

Parts = dict[str, list[Frame]]
_MOST_LISTED = 12
_BY_SLICE = {"echo_time", "inversion_time", "flip_angle", "time_point", "cardiac_phase", "kvp"}


def chosen(folder: Path, frames: Sequence[Frame], part: str) -> list[Frame]:
    """The slices of one volume, in order.

    Parameters
    ----------
    folder : Path
        For messages.
    frames : sequence
        All slices of a series.
    part : str
        Name of the wanted part, if the series has several; empty for one that has one alone.

    Raises
    ------
    UserError
        ``dicom_several_parts``: there are several and none was named, or one that is not there; ``dicom_mixed_slices``:
        they are not whole.
    """
    parts = split(frames)
    if part and part in parts:
        return in_order(parts[part])
    if not part and len(parts) == 1:
        return in_order(frames)
    whole = {name: some for name, some in parts.items() if len(parts) > 1 and _is_whole(folder, some)}
    if not whole:
        raise _mixed(folder, parts, part)
    raise _several(folder, parts, whole)


def split(frames: Sequence[Frame]) -> Parts:
    """The acquisitions among the slices of a series, by name; the only one has an empty name."""
    parts = _by_marks(frames, [frame.marks for frame in frames])
    if _each_alone(frames, parts):
        return {"": list(frames)}
    if len(parts) > 1 or not has_repeats(frames):
        return parts
    return _by_moment(frames) or parts


def _each_alone(frames: Sequence[Frame], parts: Parts) -> bool:
    """Whether each slice, at a place of its own, is a part of its own: then what tells them apart goes with the slice.

    Such are times that are counted on from slice to slice, and inversion times of slices that were taken in turn.
    """
    return 2 < len(frames) == len(parts) and not has_repeats(frames) and _differing(frames).issubset(_BY_SLICE)


def _differing(frames: Sequence[Frame]) -> set[str]:
    """The marks in which slices differ."""
    return {key for key in frames[0].marks if len({frame.marks[key] for frame in frames}) > 1}


def mark_notes(folder: Path, frames: Sequence[Frame]) -> Iterator[Note]:
    """What differs between the slices of one volume that tells acquisitions apart elsewhere."""
    if differing := sorted(_differing(frames)):
        message = f"{folder.name}: each slice has its own {', '.join(differing)}; they were read as one volume."
        hint = "If they are of several acquisitions, put the files of one into a folder of its own."
        yield Note("dicom_marks_by_slice", message, hint, {"file": folder.name, "marks": differing})


def _by_marks(frames: Sequence[Frame], marks: Sequence[Mapping[str, str]]) -> Parts:
    """Slices by the marks in which they differ; marks that tell no more than those before them are left out."""
    keys: list[str] = []
    for key in marks[0]:
        if len(_groups(marks, [*keys, key])) > len(_groups(marks, keys)):
            keys.append(key)
    parts: dict[tuple[str, ...], list[Frame]] = defaultdict(list)
    for frame, each in zip(frames, marks, strict=True):
        parts[tuple(each[key] for key in keys)].append(frame)
    names = [_names({each[key] for each in marks}) for key in keys]
    return {
        ",".join(f"{key}={name[value]}" for key, name, value in zip(keys, names, values, strict=True)): some
        for values, some in parts.items()
    }


def _groups(marks: Sequence[Mapping[str, str]], keys: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(each[key] for key in keys) for each in marks}


def _names(values: set[str]) -> dict[str, str]:
    """A name for each value: of lists only what not all of them have, if that tells them apart; without odd letters."""
    common = set.intersection(*(set(value.split("\\")) for value in values))
    short = {value: _plain([word for word in value.split("\\") if word not in common]) for value in values}
    long = {value: _plain(value.split("\\")) for value in values}
    numbered = {value: f"{long[value]}~{number}" for number, value in enumerate(sorted(values), start=1)}
    return next(names for names in (short, long, numbered) if len(set(names.values())) == len(values))


def _plain(words: Sequence[str]) -> str:
    letters = (c if c.isalnum() or c in ".-+_" else "_" for c in "_".join(words))
    return "".join(letters) or "none"


def _by_moment(frames: Sequence[Frame]) -> Parts | None:
    """Images at one place, told apart by the first moment of which each makes a part with a slice at every place."""
    places = len(frames) - repeats(frames)
    for key in frames[0].moments:
        parts = _by_marks(frames, [{key: frame.moments[key]} for frame in frames])
        lengths = {len(some) for some in parts.values()}
        if len(parts) > 1 and lengths == {places} and not any(has_repeats(some) for some in parts.values()):
            return parts
    return None


def _is_whole(folder: Path, frames: Sequence[Frame]) -> bool:
    try:
        geometry_of(folder, in_order(frames))
    except UserError:
        return False
    return True


def _several(folder: Path, parts: Parts, whole: Parts) -> UserError:
    listed = "; ".join(_described(name, some, name in whole) for name, some in list(parts.items())[:_MOST_LISTED])
    more = f"; and {len(parts) - _MOST_LISTED} more" if len(parts) > _MOST_LISTED else ""
    return UserError(
        "dicom_several_parts",
        f"The series in {folder} holds {len(parts)} acquisitions, not one: {listed}{more}.",
        f'Name the one that you want behind the folder, such as "{folder}#{next(iter(whole))}", or put its files into '
        "a folder of their own.",
        {"parts": {name: sorted({str(frame.file) for frame in some}) for name, some in whole.items()}},
    )


def _described(name: str, frames: Sequence[Frame], is_whole: bool) -> str:
    files = sorted({frame.file.name for frame in frames})
    named = files[0] if len(files) == 1 else f"{files[0]} to {files[-1]}"
    return f"{name} ({len(frames)} slices, {named}{'' if is_whole else '; not whole'})"


def _mixed(folder: Path, parts: Parts, part: str) -> UserError:
    if len(parts) == 1:
        message = f"The series in {folder} has no part {part!r}: it is one acquisition."
        return UserError("dicom_several_parts", message, f"Give {folder} alone.")
    listed = "; ".join(_described(name, some, True) for name, some in list(parts.items())[:_MOST_LISTED])
    message = f"The series in {folder} mixes slices of several acquisitions, none of them whole: {listed}."
    return UserError("dicom_mixed_slices", message, EXPORT_HINT, {"parts": list(parts)})
