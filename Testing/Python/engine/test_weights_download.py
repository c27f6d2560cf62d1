from __future__ import annotations

import dataclasses
import hashlib
import http.server
import io
import os
import threading
import zipfile

import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones import weights
from WeakMedSAMLib.engine.backbones.weights_download import download_weights

CONTENT = bytes(range(256)) * 5000


class Server(http.server.BaseHTTPRequestHandler):
    """Answers with the server's content, in ranges if it can; ``cut`` bytes are missing at the end of an answer."""

    def do_GET(self):
        server = self.server
        server.asked.append(self.headers.get("Range"))
        content, start = server.content, 0
        if self.headers.get("Range") and server.ranges:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : len(content) - server.cut])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with http.server.HTTPServer(("127.0.0.1", 0), Server) as server:
        server.asked, server.content, server.cut, server.ranges = [], CONTENT, 0, True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def publish(server, monkeypatch):
    """Make the server's content the published file."""
    before = weights.manifest()[0]

    def publish(name="net.pth", content=CONTENT, **known):
        info = dataclasses.replace(
            before,
            backbone="net",
            file="net.pth",
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            package="",
            url=f"http://127.0.0.1:{server.server_port}/{name}",
        )
        monkeypatch.setattr(weights, "manifest", lambda: (dataclasses.replace(info, **known),))

    publish()
    return publish


def test_a_download_is_checked_and_named_at_the_end(server, publish, tmp_path):
    steps = []
    state = download_weights("net", tmp_path, lambda *step: steps.append((*step, os.listdir(tmp_path))))
    assert state.path.read_bytes() == CONTENT
    assert state.usable
    assert steps[-1] == (len(CONTENT), len(CONTENT), [".net.pth.part"])
    assert os.listdir(tmp_path) == ["net.pth"]
    assert download_weights("net", tmp_path).usable
    assert len(server.asked) == 1  # what is there is not fetched again


def test_a_download_that_was_cut_off_goes_on(server, publish, tmp_path):
    server.cut = 3000
    with pytest.raises(UserError, match=f"{len(CONTENT) - 3000} bytes are kept") as caught:
        download_weights("net", tmp_path)
    assert caught.value.code == "download_failed"
    server.cut = 0
    assert download_weights("net", tmp_path).path.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={len(CONTENT) - 3000}-"]


def test_it_begins_anew_where_a_server_cannot_go_on(server, publish, tmp_path):
    (tmp_path / ".net.pth.part").write_bytes(b"x" * 100)
    server.ranges = False
    assert download_weights("net", tmp_path).path.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [CONTENT[:-1] + b"!", CONTENT + b"more"])
def test_a_wrong_part_is_not_kept(server, publish, tmp_path, part):
    (tmp_path / ".net.pth.part").write_bytes(part)
    with pytest.raises(UserError) as caught:
        download_weights("net", tmp_path)
    assert caught.value.code == "weights_differ"
    assert os.listdir(tmp_path) == []


def test_what_is_stopped_is_kept(publish, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_weights("net", tmp_path, stop)
    assert os.listdir(tmp_path) == [".net.pth.part"]


def test_an_archive_is_unpacked_and_its_hash_noted(server, publish, tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("net.pth", CONTENT)
    server.content = stream.getvalue()
    publish("net.pth.zip", size=None, sha256=None)
    assert download_weights("net", tmp_path).info.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "net.pth").read_bytes() == CONTENT
    assert sorted(os.listdir(tmp_path)) == ["net.pth", "net.pth.sha256"]


def test_no_server_and_no_place_are_said(server, publish, tmp_path):
    publish(url="http://127.0.0.1:9/net.pth")
    with pytest.raises(UserError, match="failed") as caught:
        download_weights("net", tmp_path)
    assert "weights import" in caught.value.hint
    publish(url="")
    with pytest.raises(UserError, match="no place") as caught:
        download_weights("net", tmp_path)
    assert caught.value.code == "no_download"


def test_a_full_disk_is_seen_before_anything_is_written(publish, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "WeakMedSAMLib.engine.backbones.weights_download.shutil.disk_usage",
        lambda folder: type("Usage", (), {"free": 10**6}),
    )
    with pytest.raises(UserError) as caught:
        download_weights("net", tmp_path)
    assert caught.value.code == "disk_full"
    assert os.listdir(tmp_path) == []
