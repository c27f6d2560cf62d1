"""Atomic writing, bounded reading and private folders."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WeakMedSAMLib.contract import files
from WeakMedSAMLib.contract.errors import UserError

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions, limits and signals")
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _run(code: str, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", code, *arguments]
    root = Path(files.__file__).parents[2]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=root, check=False)


def test_replacing_gives_the_new_file(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with files.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("x.seg.nrrd", ".seg.nrrd"),
        ("x.nii.gz", ".nii.gz"),
        ("ä b.nrrd", ".nrrd"),
        ("run", ""),
        ("scan v1.2.png", ".png"),
    ],
)
def test_temporary_name_keeps_what_chooses_the_format(tmp_path, name, ending):
    with files.replacing(tmp_path / name) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(ending)
        assert temporary.name != name
        temporary.write_bytes(b"x")


def test_longest_possible_name_can_be_written(tmp_path):
    path = tmp_path / ("n" * 250 + ".json")
    files.write_json(path, [1])
    assert files.read_json(path) == [1]


@pytest.mark.parametrize("problem", [ValueError, KeyboardInterrupt, SystemExit])
def test_failing_body_leaves_the_old_file_and_no_other(tmp_path, problem):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def body():
        with files.replacing(path) as temporary:
            temporary.write_text("half of the n")
            raise problem

    with pytest.raises(problem):
        body()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@posix_only
def test_killed_process_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"old": True})
    code = (
        "import os, signal, sys\n"
        "from WeakMedSAMLib.contract import files\n"
        "with files.replacing(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('{')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert _run(code, str(path)).returncode == -9
    assert files.read_json(path) == {"old": True}


@posix_only
def test_write_that_the_system_cuts_off_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    files.write_bytes(path, b"old")
    code = (
        "import resource, sys\n"
        "from WeakMedSAMLib.contract import errors, files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    files.write_bytes(sys.argv[1], b'n' * 5000)\n"
        "except errors.UserError as error:\n"
        "    print(error.code, error.message)\n"
    )
    output = _run(code, str(path)).stdout
    assert output.startswith(f"cannot_write Cannot write {path}:")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_a_user_error(tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left") as caught:
        files.write_text(tmp_path / "a.txt", "x")
    assert caught.value.code == "cannot_write"
    assert str(tmp_path / "a.txt") in caught.value.message
    assert "free space" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder_is_a_user_error(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match="Cannot write"):
            files.write_text(tmp_path / "a.txt", "x")
        with pytest.raises(UserError, match="Cannot write"):
            files.private_folder(tmp_path / "inner")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to")
def test_folder_that_nobody_can_write_to_is_a_user_error():
    for write in (lambda: files.write_text("/proc/self/a.txt", "x"), lambda: files.private_folder("/proc/self/inner")):
        with pytest.raises(UserError) as caught:
            write()
        assert caught.value.code == "cannot_write"


@pytest.mark.parametrize("place", ["missing/a.txt", "file/a.txt", "folder"])
def test_place_that_cannot_be_written_is_a_user_error(tmp_path, place):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError) as caught:
        files.write_text(tmp_path / place, "x")
    assert caught.value.code == "cannot_write"
    assert str(tmp_path / place) in caught.value.message


def test_error_about_another_file_is_not_blamed_on_this_one(tmp_path):
    def body():
        with files.replacing(tmp_path / "a.txt"):
            (tmp_path / "source.txt").read_text()

    with pytest.raises(FileNotFoundError, match=r"source\.txt"):
        body()


def test_two_writers_never_mix(tmp_path):
    path = tmp_path / "a.txt"
    texts = ["a" * 50_000, "b" * 50_000]
    writers = [threading.Thread(target=lambda t=text: [files.write_text(path, t) for _ in range(10)]) for text in texts]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert not path.exists() or path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


@given(data=plain_json)
def test_json_round_trip(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.json"
    files.write_json(path, data)
    assert files.read_json(path) == data
    assert json.loads(path.read_bytes()) == data


def test_json_keeps_letters_readable_and_ranges_on_one_line(tmp_path):
    files.write_json(tmp_path / "a.json", {"name": "Lüngen [\n 1\n]", "present": [[1, 2], [-3, 4.5e-7]], "none": []})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert '"Lüngen [\\n 1\\n]"' in text
    assert "    [1, 2],\n    [-3, 4.5e-07]\n" in text


def test_undecodable_file_names_survive_json(tmp_path):
    name = b"scan\xff".decode("utf-8", "surrogateescape")
    files.write_json(tmp_path / "a.json", {"ü": name})
    assert files.read_json(tmp_path / "a.json") == {"ü": name}


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "a.json", [float("nan")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "bad_json", "not valid JSON"),
        (b'{"a": 1', "bad_json", "line 1"),
        (b'{"a": 1, "a": 2}', "bad_json", "'a' occurs twice"),
        (b"[NaN]", "bad_json", "NaN"),
        (b"[-Infinity]", "bad_json", "Infinity"),
        (b"[" * 200_000, "bad_json", "too deeply"),
        (b"1" * 10_000, "bad_json", "not valid JSON"),
        (b'{"a": "\xff"}', "not_utf8", "byte 7"),
        ('{"a": 1}'.encode("utf-16"), "not_utf8", "not UTF-8"),
    ],
)
def test_bad_json_names_file_and_reason(tmp_path, content, code, words):
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words) as caught:
        files.read_json(path)
    assert caught.value.code == code
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_reading_is_bounded(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(files.MAX_TEXT_BYTES + 1)
    with pytest.raises(UserError) as caught:
        files.read_json(path)
    assert caught.value.code == "file_too_large"
    (tmp_path / "small.json").write_text("[1]")
    assert files.read_json(tmp_path / "small.json", max_bytes=3) == [1]
    with pytest.raises(UserError, match="larger than 2 bytes"):
        files.read_json(tmp_path / "small.json", max_bytes=2)


@pytest.mark.parametrize(("name", "code"), [("missing.json", "file_missing"), ("folder", "cannot_read")])
def test_what_is_not_there_to_read(tmp_path, name, code):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError) as caught:
        files.read_json(tmp_path / name)
    assert caught.value.code == code


def test_byte_order_mark_is_accepted(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf[1]")
    assert files.read_json(tmp_path / "a.json") == [1]


def test_private_folder_is_made_with_its_parents(tmp_path):
    folder = files.private_folder(tmp_path / "ü" / "b c")
    assert folder == tmp_path / "ü" / "b c"
    assert folder.is_dir()
    assert files.private_folder(folder) == folder


@posix_only
def test_private_folder_is_closed_to_others(tmp_path):
    old = os.umask(0)
    try:
        folder = files.private_folder(tmp_path / "a" / "b")
    finally:
        os.umask(old)
    assert _mode(folder) == 0o700
    assert _mode(folder.parent) == 0o700


@posix_only
def test_existing_folders_are_closed_only_while_empty(tmp_path):
    tmp_path.chmod(0o755)
    empty, shared = tmp_path / "empty", tmp_path / "shared"
    for folder in (empty, shared):
        folder.mkdir()
        folder.chmod(0o755)
    (shared / "of a colleague.txt").write_text("x")
    files.private_folder(empty)
    files.private_folder(shared / "run")
    files.private_folder(shared)
    assert [_mode(folder) for folder in (tmp_path, empty, shared, shared / "run")] == [0o755, 0o700, 0o755, 0o700]


def test_private_folder_where_a_file_is(tmp_path):
    (tmp_path / "a").write_text("x")
    for place in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(UserError) as caught:
            files.private_folder(place)
        assert caught.value.code == "cannot_write"
