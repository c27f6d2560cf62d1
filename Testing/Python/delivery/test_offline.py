"""The whole way with the network off: start, probe, weights, run, export, by the command line and by the module.

Every Python of these runs has Testing/offline/sitecustomize.py in it, which refuses the network and writes down who
asked. Where the system allows it (Linux, with user namespaces), the runs also have no network device at all.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from WeakMedSAMLib.engine.backbones.weights import locate, weights_for
from WeakMedSAMLib.engine.data.volumes import read_volume, write_volume
from WeakMedSAMLib.engine.evaluation.demo import demo_scan

ROOT = Path(__file__).resolve().parents[3]
NO_HOST = [name for name in ("PySide6", "vtk", "slicer_core") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("slicerio") is None, reason="slicerio, which brings the scan, is not installed"
)
FIRST, LAST = 6, 10
QUICK = ["rounds=1", "segmenter_steps=8", "pam_slices=4", "classifier_steps=40", "novelty_references=300"]


@functools.cache
def _no_network():
    """The command that takes the network away from what follows it; empty where the system does not allow that."""
    for command in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
        if shutil.which("unshare"):
            done = subprocess.run([*command, "true"], capture_output=True, check=False)
            if done.returncode == 0:
                return command
    return []


@pytest.fixture
def offline(tmp_path):
    """offline("-m", "WeakMedSAMLib.engine", ...): run Python without a network; return what it printed."""
    prefix, log = _no_network(), tmp_path / "asked.txt"
    environment = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "Testing" / "offline"), str(ROOT / "Testing"), str(ROOT)]),
        "PYTHONUTF8": "1",
        "WEAKMEDSAM_OFFLINE_LOG": str(log),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "QT_QPA_PLATFORM": "offscreen",
    }

    def run(*arguments, code=0):
        command = [*prefix, sys.executable, *map(str, arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=1800, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    yield run
    assert not log.exists(), "asked for the network:\n" + log.read_text(encoding="utf-8")


def test_the_network_is_really_off_and_asking_is_written_down(tmp_path, offline):
    code = """
import socket, subprocess, sys, urllib.request
for ask in (lambda: socket.create_connection(("192.0.2.1", 80), 1), lambda: socket.getaddrinfo("example.org", 80),
            lambda: urllib.request.urlopen("http://example.org")):
    try:
        ask()
        print("REACHED")
    except OSError as error:
        print("refused")
child = "import socket; socket.getaddrinfo('child.example.org', 80)"
subprocess.run([sys.executable, "-c", child], stderr=subprocess.DEVNULL)
a, b = socket.socketpair()
print("local" if a.send(b"x") == 1 else "")
"""
    assert offline("-c", code).split() == ["refused", "refused", "refused", "local"]
    log = tmp_path / "asked.txt"
    asked = log.read_text(encoding="utf-8")
    assert "192.0.2.1" in asked
    assert "child.example.org" in asked
    log.unlink()
    if not _no_network():
        return
    devices = "import socket; print([name for _, name in socket.if_nameindex() if name != 'lo'])"
    assert offline("-c", devices).strip() == "[]"


@pytest.mark.soak
def test_the_command_line_from_start_to_masks(tmp_path, offline):
    engine = ("-m", "WeakMedSAMLib.engine")
    assert offline(*engine, "--version").startswith("weakmedsam, version")
    assert json.loads(offline(*engine, "probe"))["ready"]

    weights, _ = locate(weights_for("litemedsam"))
    brought = shutil.copy(weights, tmp_path / "brought on a stick.pth")
    assert str(tmp_path / "data") in offline(*engine, "weights", "import", brought)

    whole = read_volume(demo_scan().volume)
    array = whole.array[FIRST : LAST + 1, ::4, ::4]
    scan = tmp_path / "scan.nrrd"
    write_volume(scan, array, _thinned(whole.geometry, array))
    tags = {
        "schema": "weakmedsam-tags",
        "version": 1,
        "classes": [{"name": "lungs", "label_value": 1}],
        "volumes": [
            {"name": "scan", "axis": "k", "rest_is_absent": {"lungs": True}, "tags": {"lungs": {"present": [[2, 4]]}}}
        ],
    }
    (tmp_path / "tags.json").write_text(json.dumps(tags), encoding="utf-8")
    settings = [word for setting in QUICK for word in ("--set", setting)]
    offline(
        *engine, "segment", "--volume", scan, "--tags", tmp_path / "tags.json", "--out", tmp_path / "out",
        "--device", "cpu", *settings,
    )  # fmt: skip
    (run,) = (tmp_path / "out").glob("run-*")
    written = {path.name for path in (run / "results" / "000").iterdir()}
    assert {"labels.nrrd", "segmentation.seg.nrrd", "probability_1.nrrd", "quality.json"} <= written
    assert (tmp_path / "data" / "weakmedsam" / "weights").is_dir()


@pytest.mark.soak
@pytest.mark.skipif(bool(NO_HOST), reason=f"not installed: {NO_HOST}")
def test_the_module_from_opening_to_exported_masks(tmp_path, offline):
    printed = offline("-m", "offline.whole_way", tmp_path / "exported")
    assert "STATUS finished" in printed
    written = [line.split(maxsplit=1)[1] for line in printed.splitlines() if line.startswith("WRITTEN")]
    assert len(written) == 3
    assert "ERRORS []" in printed
    assert len(list((tmp_path / "exported").iterdir())) == 3


def _thinned(geometry, array):
    """The geometry of every fourth column and row."""
    k, j, i = array.shape
    across, down, between = geometry.spacing
    return replace(geometry, spacing=(across * 4, down * 4, between), size=(i, j, k))
