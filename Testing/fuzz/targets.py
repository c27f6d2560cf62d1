"""What is fuzzed: for each kind of input good examples, a way to spoil them, and the reader of the product.

A reader returns normally or raises `UserError`; everything else is a finding. `Finding` is for what a reader must not
do although it raised nothing.
"""

from __future__ import annotations

import gzip
import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import mutations
import numpy as np

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813

    from WeakMedSAMLib.engine.data.volumes import Geometry, Scan

MARK = 0x5A
SHAPE = (3, 4, 5)
Files = dict[str, bytes]


class Finding(Exception):
    """A reader did something that it must not do."""


@dataclass(frozen=True)
class Target:
    """One kind of input.

    Attributes
    ----------
    good : callable
        Makes good files in a folder, which is there; called once.
    spoil : callable
        Good files -> spoiled ones.
    read : callable
        Reads what lies in a folder.
    """

    good: Callable[[Path], None]
    spoil: Callable[[Random, Files], Files]
    read: Callable[[Path], None]


def files_of(folder: Path) -> Files:
    """All files below a folder by their relative names."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _scan() -> np.ndarray:
    return np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)


# ---- volumes


def _good_volumes(*names: str) -> Callable[[Path], None]:
    def good(folder: Path) -> None:
        import SimpleITK as sitk  # noqa: N813 - only the readers of volumes need it

        image = sitk.GetImageFromArray(_scan())
        image.SetSpacing((0.5, 0.75, 2.0))
        image.SetOrigin((-10.0, 3.0, 7.0))
        for name in names:
            sitk.WriteImage(image, str(folder / name), useCompression="packed" in name or name.endswith(".gz"))

    return good


def _spoil_text_header(end: bytes) -> Callable[[Random, Files], Files]:
    def spoil(random: Random, files: Files) -> Files:
        name = random.choice([name for name in files if not name.endswith(("raw", "raw.gz", "zraw"))])
        header, found, voxels = files[name].partition(end)
        if random.random() < 0.8:
            header = mutations.spoil_lines(random, header.decode("utf-8", "replace")).encode("utf-8", "replace")
            return {**_beside(files, name), name: header + found + voxels}
        return {**_beside(files, name), name: mutations.spoil_bytes(random, files[name])}

    return spoil


def _beside(files: Files, name: str) -> Files:
    """The files that the header of one may name."""
    stem = name.partition(".")[0]
    return {other: data for other, data in files.items() if other != name and other.partition(".")[0] == stem}


# Kind and place of the fields of a NIfTI-1 header that lengths, types and axes depend on.
_NIFTI_FIELDS = (
    *(("h", 40 + 2 * index) for index in range(8)),
    *(("f", 76 + 4 * index) for index in range(8)),
    *(("i", 0), ("h", 70), ("h", 72), ("f", 108), ("f", 112), ("f", 116), ("B", 123), ("h", 252), ("h", 254)),
    *(("f", 256 + 4 * index) for index in range(6)),
    *(("f", 280 + 4 * index) for index in range(12)),
    *(("i", 344), ("i", 348), ("i", 352)),
)


def _spoil_nifti(random: Random, files: Files) -> Files:
    name = random.choice(list(files))
    packed = name.endswith(".gz")
    data = bytearray(gzip.decompress(files[name]) if packed else files[name])
    if random.random() < 0.8:
        for _ in range(random.randint(1, 3)):
            kind, place = random.choice(_NIFTI_FIELDS)
            number = mutations.packed_number(random, f"<{kind}")
            data[place : place + len(number)] = number
        spoiled = gzip.compress(bytes(data), 1, mtime=0) if packed else bytes(data)
    else:
        spoiled = mutations.spoil_bytes(random, files[name])
    return {name: spoiled}


def _spoil_series(random: Random, files: Files) -> Files:
    spoiled = dict(files)
    for name in random.sample(sorted(files), random.randint(1, min(2, len(files)))):
        spoiled[name] = mutations.spoil_bytes(random, files[name])
    return spoiled


def _read_volumes(folder: Path) -> None:
    from WeakMedSAMLib.contract.errors import UserError
    from WeakMedSAMLib.engine.data.itk_files import suffix_of
    from WeakMedSAMLib.engine.data.volumes import read_geometry, read_labels, read_volume

    errors = []
    for path in sorted(path for path in folder.iterdir() if path.is_dir() or suffix_of(path)):
        for reader in (read_geometry, read_volume, read_labels):
            try:
                result = reader(path)
            except UserError as error:
                errors.append(error)
                continue
            array = getattr(result, "array", result[0] if isinstance(result, tuple) else None)
            if array is not None and (array.view(np.uint8) == MARK).all():
                raise Finding(f"{path.name} was read out of a file outside of its folder")
    if errors:
        raise errors[0]


def _good_nifti(folder: Path) -> None:
    """Both versions, with and without packing, and numbers that are none."""
    import nibabel

    _good_volumes("a.nii", "packed.nii.gz")(folder)
    affine = np.diag([-0.5, 0.75, 2.0, 1.0])
    nibabel.Nifti2Image(_scan().T, affine).to_filename(folder / "second.nii")
    values = np.where(_scan() % 7, _scan(), np.nan).astype(np.float32)
    nibabel.Nifti1Image(values.T, affine).to_filename(folder / "holes.nii")


# Notes by which a reader says that another one has other voxels or places, or does not read the file at all.
_NIBABEL_DIFFERS = {"volume_longer", "slicer_cannot_load"}
_ITK_DIFFERS = {"slicer_cannot_load", "slicer_shows_other_values", "slicer_opens_other_file"}


def _read_nifti(folder: Path) -> None:
    from WeakMedSAMLib.contract.errors import UserError
    from WeakMedSAMLib.engine.data.volumes import read_stored

    for path in sorted(folder.iterdir()):
        try:
            scan = read_stored(path)
        except UserError:
            continue
        told = {note.code for note in scan.notes}
        _compare_with_nibabel(path, scan, told)
        _compare_nifti_with_itk(path, scan, told)
    _read_volumes(folder)


def _compare_with_nibabel(path: Path, scan: Scan, told: set[str]) -> None:
    """Values are those of the standard; places are not compared, since nibabel's are not Slicer's."""
    import nibabel

    try:
        values = nibabel.load(path).get_fdata().T
    except Exception as error:
        if told & _NIBABEL_DIFFERS:
            return
        raise Finding(f"nibabel cannot read {path.name}, which was read: {error}") from error
    if not _has_values(scan, values):
        raise Finding(f"{path.name} has other voxels than nibabel gives")


def _compare_nifti_with_itk(path: Path, scan: Scan, told: set[str]) -> None:
    """Places are those of ITK, which are Slicer's, and so are values unless a note says otherwise."""
    import SimpleITK as sitk  # noqa: N813

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        image = sitk.ReadImage(str(path), imageIO="NiftiImageIO")
    except RuntimeError as error:
        if told & _ITK_DIFFERS:
            return
        raise Finding(f"ITK cannot read {path.name}, which was read and no note says so: {error}") from error
    if not np.allclose(_placed(scan.geometry), _placed_by_itk(image), rtol=1e-4, atol=1e-4):
        raise Finding(f"{path.name} lies elsewhere than ITK has it: {scan.geometry}")
    if not told & _ITK_DIFFERS and not _has_values(scan, sitk.GetArrayFromImage(image)):
        raise Finding(f"{path.name} has other voxels than ITK gives, and no note says so")


def _has_values(scan: Scan, values: np.ndarray) -> bool:
    """Whether a scan has these values, as float32 and with the lowest one in place of those that are not finite."""
    with np.errstate(over="ignore"):
        values = values.reshape(scan.array.shape).astype(np.float32)
    usable = np.isfinite(values)
    return np.array_equal(scan.array.astype(np.float32), np.where(usable, values, values[usable].min()))


def _placed(geometry: Geometry) -> np.ndarray:
    """Directions, distances and origin; the latter in voxels, which can be very far away."""
    return np.concatenate([geometry.direction, np.log(geometry.spacing), geometry.origin / np.array(geometry.spacing)])


def _placed_by_itk(image: sitk.Image) -> np.ndarray:
    """As `_placed`, of the first three axes; an image of two has 1 mm and 0 mm along the third."""
    used = min(image.GetDimension(), 3)
    direction, spacing, origin = np.eye(3), np.ones(3), np.zeros(3)
    axes = np.reshape(image.GetDirection(), (image.GetDimension(),) * 2)
    direction[:used, :used] = axes[:used, :used]
    spacing[:used], origin[:used] = image.GetSpacing()[:used], image.GetOrigin()[:used]
    return np.concatenate([direction.ravel(), np.log(spacing), origin / spacing])


def _compare_volumes(folder: Path) -> None:
    import other_readers

    for path in sorted(path for path in folder.iterdir() if path.suffix in (".nrrd", ".nhdr", ".mha", ".mhd")):
        try:
            other_readers.compare(path)
        except other_readers.Difference as difference:
            raise Finding(str(difference)) from difference
    _read_volumes(folder)


def _good_nrrd(folder: Path) -> None:
    _good_volumes("a.nrrd", "packed.nrrd")(folder)
    _good_segmentations(folder)


def _read_nrrd(folder: Path) -> None:
    if any(folder.glob("*.seg.nrrd")):
        _read_segmentations(folder)
    else:
        _compare_volumes(folder)


def _good_segmentations(folder: Path) -> None:
    """One of a single layer, and one of two whose segments overlap."""
    import nrrd

    for name, layers in (("c.seg.nrrd", 1), ("d.seg.nrrd", 2)):
        voxels = (_scan().T % 3).astype(np.uint8)
        header = {"space": "left-posterior-superior", "space origin": [1.0, 2, 3], "encoding": "raw"}
        header |= {"space directions": np.diag([0.5, 0.75, 2]), "kinds": ["domain"] * 3}
        if layers > 1:
            voxels = np.stack([voxels, 2 - voxels])
            header |= {"kinds": ["list"] + ["domain"] * 3}
            header |= {"space directions": np.vstack([[np.nan] * 3, header["space directions"]])}
        for n in range(2):
            header |= {
                f"Segment{n}_ID": f"S{n}",
                f"Segment{n}_Name": f"segment {n}",
                f"Segment{n}_Extent": "0 4 0 3 0 2",
            }
            header |= {f"Segment{n}_LabelValue": str(n + 1), f"Segment{n}_Layer": str(n * (layers - 1))}
        nrrd.write(str(folder / name), voxels, header)


def _read_segmentations(folder: Path) -> None:
    """By segment, as slicerio reads it where it reads it at all."""
    import other_readers

    from WeakMedSAMLib.contract.errors import UserError
    from WeakMedSAMLib.engine.data.mask_tags import MaskClass
    from WeakMedSAMLib.engine.data.segmentations import read_mask

    refusals = []
    for path in sorted(folder.glob("*.seg.nrrd")):
        try:
            masks = read_mask(path)
            found = {one.id: masks.mask(MaskClass("x", (), (one.id,))) for one in masks.segments}
        except UserError as error:
            refusals.append(error)
            continue
        try:
            other_readers.compare_segments(path, found, masks.layers.shape)
        except other_readers.Difference as difference:
            raise Finding(str(difference)) from difference
    if refusals:
        raise refusals[0]


def _good_series(folder: Path) -> None:
    import SimpleITK as sitk  # noqa: N813

    (folder / "series").mkdir()
    for number, plane in enumerate(_scan()):
        image = sitk.GetImageFromArray(plane)
        values = {
            "0008|0060": "CT", "0020|000e": "1.2.3.4", "0020|000d": "1.2.3", "0008|0018": f"1.2.3.4.{number}",
            "0020|0032": f"0\\0\\{number}", "0020|0037": "1\\0\\0\\0\\1\\0", "0028|1052": "-10", "0028|1053": "1",
        }  # fmt: skip
        for key, value in values.items():
            image.SetMetaData(key, value)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetFileName(str(folder / "series" / f"{number}.dcm"))
        writer.Execute(image)


def _good_enhanced(folder: Path) -> None:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian

    def item(**elements: object) -> list[Dataset]:
        made = Dataset()
        for keyword, value in elements.items():
            setattr(made, keyword, value)
        return [made]

    scan = _scan()
    (whole,) = item(
        file_meta=FileMetaDataset(), SOPClassUID=EnhancedMRImageStorage, SOPInstanceUID="1.2.3.5", Modality="MR",
        SeriesInstanceUID="1.2.3.4", StudyInstanceUID="1.2.3", NumberOfFrames=len(scan), Rows=scan.shape[1],
        Columns=scan.shape[2], SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", BitsAllocated=16,
        BitsStored=12, HighBit=11, PixelRepresentation=0, PixelData=scan.tobytes(),
    )  # fmt: skip
    whole.SharedFunctionalGroupsSequence = item(
        PixelMeasuresSequence=item(PixelSpacing=[1, 1], SliceThickness=1),
        PlaneOrientationSequence=item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        PixelValueTransformationSequence=item(RescaleSlope=2, RescaleIntercept=0, RescaleType="US"),
    )
    places = (item(ImagePositionPatient=[0, 0, number]) for number in range(len(scan)))
    whole.PerFrameFunctionalGroupsSequence = [item(PlanePositionSequence=place)[0] for place in places]
    whole.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    (folder / "enhanced").mkdir()
    whole.save_as(folder / "enhanced" / "a.dcm", enforce_file_format=True)


def _read_series(folder: Path) -> None:
    """Read as any volume; what is taken without a note must be what ITK makes of it, slice by slice."""
    from WeakMedSAMLib.engine.data.volumes import read_volume

    _read_volumes(folder)
    scan = read_volume(folder / "series")
    if not scan.notes:
        for file in sorted((folder / "series").iterdir()):
            _compare_series_with_itk(scan, file)


def _compare_series_with_itk(scan: Scan, file: Path) -> None:
    """Find a slice where it lies in the volume; a file that ITK cannot read cannot be compared."""
    import SimpleITK as sitk  # noqa: N813

    try:
        slice_ = sitk.ReadImage(str(file), imageIO="GDCMImageIO")
    except RuntimeError:
        return
    place = scan.geometry
    steps = np.linalg.inv(place.axes * place.spacing) @ (np.array(slice_.GetOrigin()) - place.origin)
    k = round(float(steps[2]))
    if not (np.allclose(steps, (0, 0, k), atol=0.1) and 0 <= k < place.size[2]):
        raise Finding(f"ITK has {file.name} elsewhere, and nothing was said")
    if not np.allclose(place.spacing[:2], slice_.GetSpacing()[:2], rtol=1e-3):
        raise Finding(f"ITK has another spacing for {file.name}, and nothing was said")
    if not np.array_equal(scan.array[k], sitk.GetArrayFromImage(slice_)[0].astype(np.float32)):
        raise Finding(f"ITK has other voxels for {file.name}, and nothing was said")


# ---- tags, runs, events

_CLASSES = [{"name": "=tumour", "color": [1, 2, 3], "label_value": 4, "terminology": "a~b^c|"}, {"name": "liver"}]
_KNOWN = [
    {**_CLASSES[0], "known": {"side": "left", "pieces": "one", "inside_of": "liver", "smallest_ml": 0.5}},
    {**_CLASSES[1], "known": {"brightness": "darker", "largest_ml": 2500, "sharing": "free"}},
]
_TAGS = {
    "schema": "weakmedsam-tags", "version": 3, "classes": _KNOWN,
    "volumes": [
        {"name": "scan 1", "sha256": "ab" * 32, "axis": "k", "slices": 10, "rest_is_absent": {"=tumour": True},
         "numbering": "file", "tags": {"=tumour": {"present": [[2, 4], [6, 6]], "absent": [[0, 1]]}}},
        {"name": "@scan 2", "axis": "i", "tags": {"liver": {"present": [[7, 9]]}}},
        {"name": "scan 3", "size": [12, 11, 10], "labels": {
            "points": [{"class": "liver", "voxel": [3, 4, 5]},
                       {"class": "=tumour", "voxel": [0, 0, 9], "shows": False}],
            "boxes": [{"class": "liver", "first": [1, 2, 5], "last": [6, 7, 5], "complete": True}]}},
    ],
}  # fmt: skip
_PLACED = {"coordinateSystem": "LPS", "coordinateUnits": "mm"}
_MARKUPS = {
    "@schema": "https://example.org/markups-schema-v1.0.3.json#",
    "markups": [
        {"type": "Fiducial", "name": "liver", **_PLACED, "controlPoints": [
            {"id": "1", "label": "F-1", "description": "not liver", "position": [-3.0, -4.0, 5.0]},
            {"id": "2", "label": "F", "description": "", "position": [-1.0, -2.0, 3.0], "positionStatus": "defined"}]},
        {"type": "ROI", "name": "=tumour", **_PLACED, "roiType": "Box", "center": [-4.0, -5.0, 6.0],
         "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0], "size": [3.0, 5.0, 1.0], "insideOut": False,
         "controlPoints": [{"id": "1", "label": "R", "description": "all of =tumour", "position": [-4.0, -5.0, 6.0]}]},
    ],
}  # fmt: skip
_CSV = """volume,sha256,axis,slices,class,label_value,color,first,last,tag,numbering
scan 1,{hash},k,10,'=tumour,4,#010203,2,4,present,slicer
scan 1,{hash},k,10,'=tumour,4,#010203,,,absent
'@scan 2,,i,,liver,5,,7,9,present
"scan, 3",,,,liver,5,,1,,untagged
""".format(hash="ab" * 32)
_RUN = {
    "schema": "weakmedsam-run", "schema_version": 3, "run_id": "f00", "created": "2025-01-02T03:04:05+00:00",
    "versions": {"weakmedsam": "0.1.0"}, "classes": _CLASSES,
    "settings": {"seed": 3, "intensity": [-160, 240], "overrides": {"pam_beta": 4, "pam": True}, "model": None},
    "volumes": [{"id": "000", "file": "volumes/000.nrrd", "name": "scan 1", "sha256": "ab" * 32, "source": "a.nii"},
                {"id": "001", "file": "volumes/001.nrrd", "name": "two", "numbering": "slicer",
                 "one_order": True}],
}  # fmt: skip
_EVENTS = (
    {"event": "hello", "versions": {"torch": "2"}, "device": "cpu", "events_version": 1},
    {"event": "stage", "stage": "embed", "state": "finished", "number": 1, "total": 9, "seconds": 1.5},
    {"event": "progress", "stage": "embed", "done": 3, "total": 9, "eta_s": 2.5},
    {"event": "metric", "name": "loss", "value": 0.5, "stage": "classifier", "step": 7},
    {"event": "artifact", "kind": "preview", "path": "previews/embed.png", "volume": "000", "stage": "embed"},
    {"event": "warning", "code": "few_volumes", "message": "Few.", "hint": "Add."},
    {"event": "done", "status": "ok", "seconds": 12.5, "later": [1, {"a": None}]},
)


def _good_json(name: str, data: object) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(json.dumps(data), encoding="utf-8") and None


def _spoil_json(name: str) -> Callable[[Random, Files], Files]:
    return lambda random, files: {**files, name: mutations.spoil_json(random, json.loads(files[name]))}


def _spoil_csv(random: Random, files: Files) -> Files:
    text = files["tags.csv"].decode()
    if random.random() < 0.7:
        return {"tags.csv": mutations.spoil_lines(random, text).encode("utf-8", "surrogatepass")}
    return {"tags.csv": mutations.spoil_bytes(random, text.encode())}


def _read_tags(folder: Path) -> None:
    from WeakMedSAMLib.contract.labels.checks import check
    from WeakMedSAMLib.contract.labels.label_files import read_label_file
    from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json
    from WeakMedSAMLib.contract.labels.slice_tags_csv import tags_from_csv, tags_to_csv

    for path in sorted(folder.iterdir()):
        cohort = read_label_file(path)
        check(cohort)
        if labels_from_json(json.loads(json.dumps(labels_to_json(cohort)))) != cohort:
            raise Finding("the tags are others when written as JSON and read again")
        again, text = tags_from_csv(tags_to_csv(cohort)), tags_to_csv(cohort)
        if again.volumes != [replace(volume, further={}) for volume in cohort.volumes]:
            raise Finding("the tags are others when written as CSV and read again")
        if any(line.startswith(f'"{mark}') for line in text.splitlines() for mark in "=+-@\t\r"):
            raise Finding("a spreadsheet would run a cell")


def _good_painted(folder: Path) -> None:
    from WeakMedSAMLib.contract.classes import ClassTable
    from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
    from WeakMedSAMLib.contract.labels.label_files import write_label_file
    from WeakMedSAMLib.contract.labels.painted import KIND
    from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

    labels = VolumeLabels("scan", "ab" * 32, "j", 4, "file", SHAPE[::-1])
    pixels = np.arange(SHAPE[0] * SHAPE[2]).reshape(SHAPE[0], SHAPE[2]) % 2
    KIND.put(labels, "liver", 0, "drawn", pixels)
    KIND.put(labels, "liver", 3, "fine", 1 - pixels)
    KIND.put(labels, "=tumour", 2, "scribbled", np.where(pixels, 1, 255))
    write_label_file(folder / "tags.json", CohortLabels(ClassTable.from_json(_CLASSES), [labels]))


def _spoil_painted(random: Random, files: Files) -> Files:
    data = json.loads(files["tags.json"])
    if random.random() < 0.5:
        return {**files, "tags.json": mutations.spoil_json(random, data)}
    del data["volumes"][0]["labels"]["painted"]["sha256"]  # else nothing else is looked at
    header, end, voxels = files["labels/000.nrrd"].partition(b"\n\n")
    if random.random() < 0.7:
        header = mutations.spoil_lines(random, header.decode("utf-8", "replace")).encode("utf-8", "replace")
        return {"tags.json": json.dumps(data).encode(), "labels/000.nrrd": header + end + voxels}
    spoiled = mutations.spoil_bytes(random, files["labels/000.nrrd"])
    return {"tags.json": json.dumps(data).encode(), "labels/000.nrrd": spoiled}


def _read_painted(folder: Path) -> None:
    from WeakMedSAMLib.contract.labels.checks import check
    from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
    from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json

    cohort = read_label_file(folder / "tags.json")
    check(cohort)
    if labels_from_json(json.loads(json.dumps(labels_to_json(cohort)))) != cohort:
        raise Finding("the labels are others when written as JSON and read again")
    write_label_file(folder / "again.json", cohort)
    if read_label_file(folder / "again.json") != cohort:
        raise Finding("the labels are others when written and read again")


def _read_markups(folder: Path) -> None:
    from WeakMedSAMLib.contract.labels.checks import check
    from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
    from WeakMedSAMLib.contract.labels.mrk_json import PlacedVolume
    from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

    blank = VolumeLabels("scan", "ab" * 32, "k", 10, "slicer", (12, 11, 10))
    cohort = read_label_file(folder / "marks.mrk.json", PlacedVolume(blank, np.eye(4)))
    check(cohort)
    placed = PlacedVolume(cohort.volumes[0], np.eye(4))
    again = folder / "again.mrk.json"
    write_label_file(again, cohort, placed)
    if read_label_file(again, placed).volumes != cohort.volumes:
        raise Finding("the points and boxes are others when written and read again")


def _read_run(folder: Path) -> None:
    from WeakMedSAMLib.contract.runs import RUN_VERSION, RunFolder, load_run, save_run
    from WeakMedSAMLib.engine.methods.registry import choose_settings

    run = load_run(folder)
    places = RunFolder(folder)
    for volume in run.volumes:
        for place in (places.volume(volume), places.results(volume.id)):
            if not place.resolve().is_relative_to(folder.resolve()):
                raise Finding(f"{place} is outside of the run folder")
    choose_settings(run.settings.preset, run.settings.overrides)
    save_run(folder, run)
    if load_run(folder) != replace(run, schema_version=RUN_VERSION):  # the newest is written
        raise Finding("the run is another when written and read again")


def _good_events(folder: Path) -> None:
    (folder / "events.jsonl").write_text("\n".join(map(json.dumps, _EVENTS)), encoding="ascii")


def _spoil_events(random: Random, files: Files) -> Files:
    lines = files["events.jsonl"].split(b"\n")
    place = random.randrange(len(lines))
    lines[place] = mutations.spoil_json(random, json.loads(lines[place])).replace(b"\n", b" ")
    return {"events.jsonl": b"\n".join(lines)}


def _read_events(folder: Path) -> None:
    from WeakMedSAMLib.contract.events import encode, parse_line

    for line in (folder / "events.jsonl").read_bytes().split(b"\n"):
        event = parse_line(line)
        if event is not None and parse_line(encode(event)) != event:
            raise Finding(f"{line[:200]!r} is another event when written and read again")


# ---- models, states and the cache


def _good_model(folder: Path) -> None:
    import torch

    from WeakMedSAMLib.contract.classes import ClassTable
    from WeakMedSAMLib.engine.features.preprocess import Intensity
    from WeakMedSAMLib.engine.methods.fast.model import FastModel
    from WeakMedSAMLib.engine.methods.fast.projection import Projection
    from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
    from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter
    from WeakMedSAMLib.engine.methods.registry import choose_settings
    from WeakMedSAMLib.engine.parts.model_files import save_model

    torch.manual_seed(0)
    model = FastModel(
        classes=ClassTable.from_names(["a", "b"]), backbone="litemedsam", weights_sha256="ab" * 32,
        settings=choose_settings("fast"), counts=(1, 3), patients=7,
        window=Intensity("ct_window", -160.0, 240.0),
        projection=Projection(torch.randn(6), torch.rand(6) + 1, torch.randn(6), torch.randn(6, 5)),
        classifier=SliceClassifier(5, (1, 3)), segmenter=Segmenter({"stage0": 6, "last": 4}, 2),
    )  # fmt: skip
    save_model(folder, model)


def _spoil_model(random: Random, files: Files) -> Files:
    name = random.choice(list(files))
    if name.endswith(".json"):
        return {**files, name: mutations.spoil_json(random, json.loads(files[name]))}
    length = int.from_bytes(files[name][:8], "little")
    header, tensors = files[name][8 : 8 + length], files[name][8 + length :]
    if random.random() < 0.6:
        header = mutations.spoil_json(random, json.loads(header))
        return {**files, name: len(header).to_bytes(8, "little") + header + tensors}
    if random.random() < 0.2:
        return {**files, name: mutations.packed_number(random, "<q") + header + tensors}
    return {**files, name: mutations.spoil_bytes(random, files[name])}


def _read_model(folder: Path) -> None:
    from WeakMedSAMLib.engine.features.levels import PackedLevel
    from WeakMedSAMLib.engine.methods.registry import load_model

    model = load_model(folder)
    nothing = PackedLevel(np.zeros((1, 3, 2, 2), np.uint8), np.zeros((1, 2, 6), np.float32), np.zeros(1, np.int32), 6)
    if not np.isfinite(next(model.projection.parts(nothing)).numpy()).all():
        raise Finding("the model gives numbers that are not finite")


def _good_state(folder: Path) -> None:
    from WeakMedSAMLib.engine.base.state import StageStore

    arrays = {"labels": _scan(), "maps": np.zeros((40, 40), np.float32), "loss": 0.5, "names": ["a", {"b": None}]}
    StageStore(folder).save("stage", "ab" * 32, arrays)


def _spoil_entry(random: Random, files: Files) -> Files:
    name = random.choice(list(files))
    if name.endswith(".json"):
        return {**files, name: mutations.spoil_json(random, json.loads(files[name]))}
    return {**files, name: _spoiled_array(random, files[name])}


def _spoiled_array(random: Random, data: bytes) -> bytes:
    """A ``.npy`` file with another header, its length made right again (NumPy's format, version 1)."""
    if random.random() < 0.3:
        return mutations.spoil_bytes(random, data)
    length = struct.unpack_from("<H", data, 8)[0]
    header = mutations.spoil_lines(random, data[10 : 10 + length].decode("latin-1")).encode("utf-8", "replace")[:65535]
    return data[:8] + struct.pack("<H", len(header)) + header + data[10 + length :]


def _read_state(folder: Path) -> None:
    from WeakMedSAMLib.engine.base.state import StageStore

    found = StageStore(folder).load("stage", "ab" * 32)
    _sum_arrays(found or {})


def _good_cache(folder: Path) -> None:
    from WeakMedSAMLib.engine.features.cache import FeatureCache

    with FeatureCache(folder) as cache, cache.writer("ab" * 32, {"image": ((3, 8, 8), "|u1"), "last": ((3, 4), "<f2")}):
        pass
    for place in folder.iterdir():
        if place.name.startswith("."):
            shutil.rmtree(place) if place.is_dir() else place.unlink()


def _read_cache(folder: Path) -> None:
    from WeakMedSAMLib.engine.features.cache import FeatureCache

    with FeatureCache(folder) as cache:
        _sum_arrays(cache.entry("ab" * 32) or {})


def _sum_arrays(values: dict[str, object]) -> None:
    """Touch every element, where a map of a file that is too short would end the process."""
    for value in values.values():
        if isinstance(value, np.ndarray):
            value.tobytes()


TARGETS: dict[str, Target] = {
    "nrrd": Target(_good_nrrd, _spoil_text_header(b"\n\n"), _read_nrrd),
    "nhdr": Target(_good_volumes("detached.nhdr", "packed.nhdr"), _spoil_text_header(b"\0"), _compare_volumes),
    "meta": Target(_good_volumes("a.mha", "packed.mha", "b.mhd"), _spoil_text_header(b"LOCAL\n"), _compare_volumes),
    "nifti": Target(_good_nifti, _spoil_nifti, _read_nifti),
    "dicom": Target(
        _good_series,
        _spoil_series,
        _read_series,
    ),
    "enhanced": Target(_good_enhanced, _spoil_series, _read_volumes),
    "tags-json": Target(_good_json("tags.json", _TAGS), _spoil_json("tags.json"), _read_tags),
    "tags-csv": Target(lambda folder: (folder / "tags.csv").write_text(_CSV) and None, _spoil_csv, _read_tags),
    "painted": Target(_good_painted, _spoil_painted, _read_painted),
    "mrk-json": Target(_good_json("marks.mrk.json", _MARKUPS), _spoil_json("marks.mrk.json"), _read_markups),
    "run": Target(_good_json("run.json", _RUN), _spoil_json("run.json"), _read_run),
    "events": Target(_good_events, _spoil_events, _read_events),
    "state": Target(_good_state, _spoil_entry, _read_state),
    "cache": Target(_good_cache, _spoil_entry, _read_cache),
    "model": Target(_good_model, _spoil_model, _read_model),
}
