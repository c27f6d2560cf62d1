"""The one series below a folder: of one patient and study, each image once, and as many as it says."""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.dicom.header import Header, read_whole
from WeakMedSAMLib.engine.data.dicom.tags import FAULTS
from WeakMedSAMLib.engine.data.notes import Note

_OWNERS = {
    "patients": ("PatientID", "PatientName", "PatientBirthDate"),
    "studies": ("StudyInstanceUID",),
    "frames of reference": ("FrameOfReferenceUID",),
}
_MOST_LISTED = 12
_LOST_HINT = "If images were lost, copy the whole series again from the archive."


def only_series(folder: Path, images: Sequence[Header]) -> tuple[list[Header], tuple[Note, ...]]:
    """Files of the only series, each image once; and notes of copies and of numbers that disagree.

    Raises
    ------
    UserError
        ``dicom_several_series``, ``dicom_several_owners``, ``dicom_same_uid``.
    """
    by_series: dict[str, list[Header]] = defaultdict(list)
    for image in images:
        by_series[image.text("SeriesInstanceUID")].append(image)
    if len(by_series) > 1:
        found = list(by_series.values())
        listed = "; ".join(_described(some) for some in found[:_MOST_LISTED])
        more = f"; and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
        raise UserError(
            "dicom_several_series",
            f"The folder {folder} holds {len(found)} series: {listed}{more}.",
            "Put the files of the wanted series into a folder of their own.",
            {"count": len(found)},
        )
    _check_owner(folder, images)
    return _each_once(folder, images)


def _described(headers: Sequence[Header]) -> str:
    name = headers[0].text("SeriesDescription") or "no description"
    modality = headers[0].text("Modality") or "unknown modality"
    return f"{name} ({modality}, {len(headers)} files)"


def _check_owner(folder: Path, images: Sequence[Header]) -> None:
    """Refuse images that say to be of different patients, studies or coordinate systems under one series."""
    for what, keywords in _OWNERS.items():
        for keyword in keywords:
            first: dict[str, Header] = {}
            for image in images:
                if said := image.text(keyword).rstrip("^ ").casefold():
                    first.setdefault(said, image)
            if len(first) > 1:
                files = [str(image.file) for image in first.values()][:2]
                # The names themselves stay out of messages, which end in logs.
                raise UserError(
                    "dicom_several_owners",
                    f"The series in {folder} holds images of {len(first)} {what}: {keyword} differs between {files[0]} "
                    f"and {files[1]}.",
                    "Put the files that belong together into a folder of their own.",
                    {"differs": keyword, "files": files},
                )


def _each_once(folder: Path, images: Sequence[Header]) -> tuple[list[Header], tuple[Note, ...]]:
    first: dict[str, Header] = {}
    kept, copies = [], []
    for image in images:
        uid = image.text("SOPInstanceUID")
        other = first.setdefault(uid, image)
        if not uid or other is image:
            kept.append(image)
            continue
        if not _is_same(image.file, other.file):
            raise UserError(
                "dicom_same_uid",
                f"{other.file} and {image.file} say to be the same image (SOP Instance UID) and differ.",
                "Keep the one that is right: copy the series again from the archive.",
                {"files": [str(other.file), str(image.file)]},
            )
        copies.append((image, other))
    return kept, tuple(_copy_notes(folder, copies))


def _is_same(file: Path, other: Path) -> bool:
    """Whether two files hold the same, byte by byte or element by element."""
    try:
        return filecmp.cmp(file, other, shallow=False) or bool(read_whole(file) == read_whole(other))
    except FAULTS:
        return False


def _copy_notes(folder: Path, copies: Sequence[tuple[Header, Header]]) -> Iterator[Note]:
    if not copies:
        return
    pairs = [[image.file.relative_to(folder).as_posix() for image in pair] for pair in copies]
    listed = ", ".join(f"{copy} of {original}" for copy, original in pairs[:5])
    more = f" and {len(pairs) - 5} more" if len(pairs) > 5 else ""
    message = f"{folder.name}: copies of other files were passed over: {listed}{more}."
    yield Note(
        "dicom_copies", message, "The copies are identical, and can be deleted.", {"file": folder.name, "files": pairs}
    )


def count_notes(folder: Path, headers: Sequence[Header]) -> Iterator[Note]:
    """What the numbers in the headers say of images that are not here."""
    yield from _gap_notes(
        folder, {int(text) for header in headers if (text := header.text("InstanceNumber")).isdigit()}
    )
    by_acquisition: dict[str, list[Header]] = defaultdict(list)
    for header in headers:
        by_acquisition[header.text("AcquisitionNumber")].append(header)
    for keyword in ("ImagesInAcquisition", "NumberOfSlices"):
        for some in by_acquisition.values():
            said = {text for header in some if (text := header.text(keyword)) not in ("", "0")}
            if len(said) == 1 and not said & {str(len(some)), str(len(headers))}:
                yield _count_note(folder, keyword, said.pop(), len(some))
                break


def _count_note(folder: Path, keyword: str, said: str, found: int) -> Note:
    message = f"{folder.name}: its header says {keyword} {said}, and {found} are here."
    values = {"file": folder.name, "element": keyword, "said": said, "found": found}
    return Note("dicom_count_differs", message, _LOST_HINT, values)


def _gap_notes(folder: Path, present: set[int]) -> Iterator[Note]:
    """Numbers that are not there: before the first and between the others."""
    first, last = min(present, default=1), max(present, default=1)
    if first > 1:
        message = f"{folder.name}: the numbers of its images begin at {first} (InstanceNumber)."
        yield Note("dicom_number_gaps", message, _LOST_HINT, {"file": folder.name, "first": first})
    count = last - first + 1 - len(present)
    if count > 0 and present:
        absent = list(islice((number for number in range(first, last) if number not in present), _MOST_LISTED))
        shown = ", ".join(map(str, absent)) + (" ..." if count > len(absent) else "")
        message = f"{folder.name}: {count} numbers are missing among its images: {shown} (InstanceNumber)."
        yield Note("dicom_number_gaps", message, _LOST_HINT, {"file": folder.name, "count": count, "missing": absent})
