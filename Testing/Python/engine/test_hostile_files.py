"""What single hostile files try: other files, all memory, the end of the process."""

from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels import spans
from WeakMedSAMLib.contract.labels.label_json import labels_from_json
from WeakMedSAMLib.contract.labels.slice_tags_csv import tags_from_csv
from WeakMedSAMLib.contract.runs import RunDescription
from WeakMedSAMLib.engine.data.file_checks import stored_bytes
from WeakMedSAMLib.engine.data.volumes import read_geometry, read_volume

NRRD = "NRRD0004\ntype: short\ndimension: 3\nsizes: {sizes}\nencoding: {encoding}\nendian: little\n{more}\n"
META = (
    "ObjectType = Image\nNDims = {dims}\nDimSize = {sizes}\nElementType = MET_SHORT\n{more}ElementDataFile = {file}\n"
)
ELSEWHERE = [
    "../secret.raw", "/etc/passwd", "a/../../secret.raw", "..", "-", "~/x.raw", "file:///etc/passwd", "C:\\x.raw",
    "\\\\server\\x.raw", "LIST\n/etc/passwd", "%03d.raw 1 9 1", "x.raw /etc/passwd", "link.raw", "",
]  # fmt: skip


def refused(path, reader=read_volume):
    with pytest.raises(UserError) as caught:
        reader(path)
    assert caught.value.hint
    return caught.value.code


def nrrd(sizes="3 3 3", encoding="raw", more=""):
    return NRRD.format(sizes=sizes, encoding=encoding, more=more).encode()


def meta(file, sizes="3 3 3", dims=3, more=""):
    return META.format(file=file, sizes=sizes, dims=dims, more=more).encode()


@pytest.fixture
def folder(tmp_path):
    """A folder with a link that leads out of it, to a file that nobody may read through a header."""
    (tmp_path / "secret.raw").write_bytes(b"Z" * 54)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.raw").symlink_to(tmp_path / "secret.raw")
    return tmp_path / "in"


@pytest.mark.parametrize("file", ELSEWHERE)
@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr", "a.mha", "a.mhd"])
def test_no_header_reads_a_file_elsewhere(folder, name, file):
    words = nrrd(more=f"data file: {file}\n") if "a.n" in name else meta(file)
    (folder / name).write_bytes(words)
    assert refused(folder / name, read_geometry) == "path_escapes"


@pytest.mark.parametrize("key", ["DATA FILE", "datafile", "Data File"])
def test_every_spelling_that_itk_takes_is_seen(folder, key):
    (folder / "a.nrrd").write_bytes(nrrd(more=f"{key}: ../secret.raw\n"))
    assert refused(folder / "a.nrrd") == "path_escapes"


def test_voxels_beside_the_header_are_read(folder):
    (folder / "my scan.raw").write_bytes(bytes(range(54)))
    (folder / "a.nhdr").write_bytes(nrrd(more="data file: my scan.raw\n"))
    (folder / "a.mhd").write_bytes(meta("my scan.raw"))
    first, second = read_volume(folder / "a.nhdr"), read_volume(folder / "a.mhd")
    assert (first.array == second.array).all()


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii", ".nii.gz"])
@pytest.mark.parametrize(("side", "code"), [(100_000, "volume_too_large"), (1000, "volume_truncated")])
def test_claims_beyond_the_file_are_refused_before_memory_is_taken(tmp_path, suffix, side, code):
    path = tmp_path / f"a{suffix}"
    side = min(side, 32767) if "nii" in suffix else side
    if suffix == ".nrrd":
        path.write_bytes(nrrd(f"{side} {side} {side}", "gzip") + gzip.compress(b"0" * 100))
    elif suffix == ".mha":
        path.write_bytes(meta("LOCAL", f"{side} {side} {side}", more="CompressedData = True\n") + b"0" * 100)
    else:
        header = bytearray(352)
        struct.pack_into("<i", header, 0, 348)
        struct.pack_into("<8h", header, 40, 3, side, side, side, 1, 1, 1, 1)
        struct.pack_into("<2h", header, 70, 4, 16)
        struct.pack_into("<8f", header, 76, *[1.0] * 8)
        struct.pack_into("<f", header, 108, 352.0)
        header[344:348] = b"n+1\0"
        path.write_bytes(gzip.compress(bytes(header)) if suffix == ".nii.gz" else bytes(header))
    began = time.process_time()
    assert refused(path, read_geometry) == code
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "content",
    [
        ("a.nrrd", b"NRRD0004\n" + b"[" * 2000 + b"\n\n"),
        ("a.nrrd", nrrd(more="kinds: " + "A" * 5000 + "\n")),
        ("a.mha", meta("LOCAL", dims=10**15)),
        ("a.mha", meta("LOCAL", dims=11)),
        ("a.mha", meta("LOCAL", more="Comment = " + "A" * 50_000 + "\n")),
    ],
    ids=lambda pair: f"{pair[0]}-{pair[1][-30:]!r}",
)
def test_headers_that_end_the_process_do_not_reach_itk(tmp_path, content):
    name, data = content
    (tmp_path / name).write_bytes(data)
    assert refused(tmp_path / name, stored_bytes) == "volume_unreadable"


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="names are text there")
def test_a_name_that_is_not_utf8_does_not_end_the_process(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"scan\xe9.nrrd")
    Path(os.fsdecode(path)).write_bytes(nrrd() + b"0" * 54)
    words = "import sys; from pathlib import Path; from WeakMedSAMLib.engine.data.volumes import read_volume\n"
    words += "try: read_volume(Path(sys.argv[1]))\nexcept Exception as error: print(error.code)"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", words, path], capture_output=True, text=True, cwd=root, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "volume_bad_name")


def test_short_tag_files_cannot_take_all_memory(monkeypatch):
    monkeypatch.setattr(spans, "MOST_TAGS", 200_000)
    rows = "".join(f"v{n},c,65535,,present\n" for n in range(4))
    with pytest.raises(UserError, match="claims 262,144 tags"):
        tags_from_csv("volume,class,first,last,tag\n" + rows)
    volumes = [{"name": f"v{n}", "slices": 65536, "rest_is_absent": {"c": True}} for n in range(4)]
    data = {"schema": "weakmedsam-tags", "version": 1, "classes": [{"name": "c"}], "volumes": volumes}
    with pytest.raises(UserError, match="claims 262,144 tags"):
        labels_from_json(data)


def test_many_volumes_and_classes_are_read_in_the_time_that_their_number_needs():
    began = time.process_time()
    data = {"schema": "weakmedsam-tags", "version": 1, "classes": [{"name": f"c{n}"} for n in range(5000)]}
    data["volumes"] = [{"name": f"v{n}", "sha256": f"{n:064x}" if n % 2 else None} for n in range(20_000)]
    assert len(labels_from_json(json.loads(json.dumps(data))).volumes) == 20_000
    assert time.process_time() - began < 10


def test_more_classes_than_label_values_are_refused():
    with pytest.raises(UserError, match="label value"):
        ClassTable.from_names([f"c{n}" for n in range(65_536)])


@pytest.mark.parametrize("run_id", ["a\n\nb", "\ud800", "", "a" * 2000])
def test_a_run_id_cannot_write_into_the_header_of_a_result(run_id):
    with pytest.raises(UserError) as caught:
        RunDescription(volumes=[], classes=ClassTable(), run_id=run_id)
    assert caught.value.code == "bad_name"


@settings(max_examples=100, deadline=None)
@given(line=st.text(st.characters(exclude_characters="\n\r", exclude_categories=("Cs",)), max_size=60))
def test_whatever_a_header_names_the_file_lies_beside_it(tmp_path_factory, line):
    folder = tmp_path_factory.getbasetemp() / "headers" / "in"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "a.nhdr"
    path.write_bytes(nrrd(more=f"data file: {line}\n"))
    refusal = None
    try:
        stored_bytes(path)
    except UserError as error:
        refusal = error.code
    leads_out = ".." in line or line.strip(" \t:=").startswith(("/", "~", "\\"))
    assert refusal == "path_escapes" if leads_out else refusal in (None, "path_escapes")
