"""A volume's file is opened, and its voxels read and hashed, once by whoever makes a run and once in the run."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from faults.tiny_run import make_scans, make_tiny_run

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data import volumes
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.itk_files import VolumeFile
from WeakMedSAMLib.engine.data.volumes import Shelf, open_scan, open_stored, write_volume
from WeakMedSAMLib.engine.runs.worker import run_folder

GEOMETRY = Geometry((1.0, 2.0, 3.0), (0.5, 0.7, 2.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (6, 5, 4))


@pytest.fixture
def counted(monkeypatch):
    """What is done to every file; hashes have no name, for they are of voxels."""
    counts = Counter()

    def count(owner, name, called):
        original = getattr(owner, name)

        def counting(first, *rest):
            counts[called(first)] += 1
            return original(first, *rest)

        monkeypatch.setattr(owner, name, counting)

    count(volumes, "_open", lambda path: f"open {path.name}")
    count(VolumeFile, "voxels", lambda file: f"read {file.path.name}")
    count(volumes, "content_hash", lambda _array: "hash")
    return counts


def once(*names):
    return {"hash": len(names), **{f"{what} {name}": 1 for name in names for what in ("open", "read")}}


def pack(places):
    """The copies as earlier versions wrote them."""
    for path in places.volumes.iterdir():
        scan = open_scan(path)
        write_volume(path, scan.array, scan.geometry)


@pytest.mark.parametrize("is_packed", [False, True])
def test_every_volume_is_opened_read_and_hashed_once(tmp_path, counted, is_packed):
    places = make_tiny_run(tmp_path / "out", make_scans(tmp_path))
    assert counted == once("scan 0.nrrd", "scan 1.nrrd")
    if is_packed:
        pack(places)
    for _ in ("with features to be computed", "with features in the cache"):
        counted.clear()
        run_folder(places.path, cache_root=tmp_path / "cache")
        assert counted == once("000.nrrd", "001.nrrd")


def array(dtype=np.int16):
    return np.arange(120).reshape(GEOMETRY.shape).astype(dtype)


def stored(path, voxels, encoding="raw", shelf=None):
    write_volume(path, voxels, GEOMETRY, encoding=encoding)
    return open_stored(path, shelf=shelf)


def is_mapped(scan):
    return isinstance(scan.array.base, np.memmap)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32])
def test_voxels_of_a_run_are_read_where_they_lie(tmp_path, dtype):
    scan = stored(tmp_path / "a.nrrd", array(dtype))
    assert is_mapped(scan)
    assert not scan.array.flags.writeable
    np.testing.assert_array_equal(scan.array, array(dtype))
    assert scan.array.dtype == dtype
    assert not is_mapped(open_scan(tmp_path / "a.nrrd"))


def swap(path):
    header, _, voxels = path.read_bytes().partition(b"\n\n")
    path.write_bytes(header.replace(b"little", b"big") + b"\n\n" + np.frombuffer(voxels, "<i2").byteswap().tobytes())


def test_what_does_not_lie_as_it_is_used_is_read(tmp_path):
    packed = stored(tmp_path / "packed.nrrd", array(), "gzip")
    wide = stored(tmp_path / "wide.nrrd", array(np.float64))
    write_volume(tmp_path / "swapped.nrrd", array(), GEOMETRY, encoding="raw")
    swap(tmp_path / "swapped.nrrd")
    for scan in (packed, wide, open_stored(tmp_path / "swapped.nrrd")):
        assert not is_mapped(scan)
        np.testing.assert_array_equal(scan.array, array())
    holes = array(np.float32)
    holes[0, 0, 0] = np.nan
    holed = stored(tmp_path / "holes.nrrd", holes)
    assert not is_mapped(holed)
    assert holed.array[0, 0, 0] == 1
    assert np.isnan(open_stored(tmp_path / "holes.nrrd")._source.voxels()[0][0, 0, 0])


def test_a_copy_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "a.nrrd"
    scan = stored(path, array())
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(UserError) as caught:
        _ = scan.array
    assert caught.value.code == "volume_truncated"


def test_only_so_many_scans_are_in_memory(tmp_path):
    shelf = Shelf(room=2)
    scans = [stored(tmp_path / f"{n}.nrrd", array() + n, "gzip", shelf) for n in range(3)]
    mapped = stored(tmp_path / "mapped.nrrd", array() + 9, shelf=shelf)
    hashes = [scan.sha256 for scan in (mapped, *scans)]
    assert len(set(hashes)) == 4
    assert ["array" in vars(scan) for scan in scans] == [False, True, True]
    np.testing.assert_array_equal(scans[0].array, array())
    assert ["array" in vars(scan) for scan in scans] == [True, False, True]
    assert is_mapped(mapped)
    assert [scan.sha256 for scan in (mapped, *scans)] == hashes


def test_notes_of_voxels_that_are_read_again_are_said_once(tmp_path):
    holes = array(np.float32)
    holes[1, 2, 3] = np.inf
    scan = stored(tmp_path / "a.nrrd", holes)
    for _ in range(2):
        assert [note.code for note in scan.notes] == ([] if "array" not in vars(scan) else ["voxels_not_finite"])
        _ = scan.array
    before = scan.notes, scan.sha256
    scan.release()
    _ = scan.array
    assert (scan.notes, scan.sha256) == before
