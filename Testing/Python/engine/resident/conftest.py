"""The resident worker with the first tiny scan, asked in this process."""

from __future__ import annotations

import queue

import pytest
from faults.resident_bench import CountingBackbone
from faults.tiny_run import NAME, make_scans

from WeakMedSAMLib.contract.resident import Open
from WeakMedSAMLib.contract.resident_lines import encode_request
from WeakMedSAMLib.engine.data.volumes import open_stored
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.runs.resident import ResidentOptions, serve
from WeakMedSAMLib.engine.runs.resident_slices import SliceAnswers


@pytest.fixture
def folder(tmp_path):
    """A folder of volumes with the first tiny scan."""
    folder = tmp_path / "volumes é"
    folder.mkdir()
    make_scans(folder)[0].rename(folder / "a.nrrd")
    return folder


@pytest.fixture
def scan(folder):
    return open_stored(folder / "a.nrrd")


@pytest.fixture
def opening(scan):
    return Open(1, "a", "a.nrrd", scan.sha256)


@pytest.fixture
def backbone():
    return CountingBackbone()


@pytest.fixture
def serve_all(folder, tmp_path, backbone):
    """serve_all(request or line, ...): every answer to these, and then to a closed input."""

    def serve_all(*asked, end=None, **options):
        lines, told = queue.Queue(), []
        for one in (*asked, end):
            lines.put(one if one is None or isinstance(one, str) else encode_request(one))
        given = ResidentOptions(folder, cache_root=tmp_path / "cache", device="cpu", backbone=NAME, **options)
        serve(lines, told.append, given, lambda _name: backbone)
        return told

    return serve_all


@pytest.fixture
def answers(folder, tmp_path, backbone, opening):
    """What answers about slices, with the volume open."""
    with FeatureCache(tmp_path / "cache") as cache:
        made = SliceAnswers(backbone, cache, folder)
        made.open(opening)
        yield made
