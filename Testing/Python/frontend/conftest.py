"""Fixtures for the frontend: the stand-in Slicer of Testing/host, with real MRML and real widgets.

host      the running stand-in (see Testing/host/host.py), once a session
scene     slicer.mrmlScene, empty before and after the test; the test fails if a callback raised in it
fresh_settings, own_places    settings as at the first start; and folders of the test's own
make_volume, make_segmentation    nodes for the scene
wait_until, click, press, type_text, drag, scroll    what a user does, by real Qt events
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
NEEDED = {"PySide6": "PySide6-Essentials", "vtk": "vtk", "slicer_core": "slicer-core"}
MISSING = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]

for _folder in (ROOT, ROOT / "Testing"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
if not MISSING:
    # Test files import qt and slicer at their top, so the stand-in is there before they are collected.
    from host.host import start

    start()


class _SkippedModule(pytest.Module):
    """A test file that cannot even be imported here."""

    def collect(self):
        pytest.skip(f"not installed: {', '.join(MISSING)}")


def pytest_pycollect_makemodule(module_path, parent):
    return _SkippedModule.from_parent(parent, path=module_path) if MISSING else None


def pytest_collection_modifyitems(items):
    """Qt 5.15's way to ask an event for its place is the module's way; Qt 6 calls it deprecated."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:Function. 'Q:DeprecationWarning"))


# Limits in milliseconds are those of a machine that does nothing else; beside other work one gets this much more time.
# The tests print what they measure.
BUSY = 3


@pytest.fixture(scope="session")
def allowance():
    """Factor on every limit of time."""
    return BUSY


@pytest.fixture(scope="session")
def host():
    """The stand-in Slicer; tests are skipped where its parts are not installed."""
    return start()


@pytest.fixture
def scene(host, tmp_path, monkeypatch):
    """The MRML scene, empty; a callback that raised fails the test, unless it cleared host.errors."""
    from WeakMedSAMLib.frontend.base import folders

    host.reset()
    # Labels that a test leaves behind are none of another's, nor of who runs them.
    monkeypatch.setattr(folders, "unsavedLabelsFolder", lambda: tmp_path.with_name(f"{tmp_path.name} unsaved"))
    yield host.slicer.mrmlScene
    errors = list(host.errors)
    unanswered = list(host.dialogs.answers)
    host.reset()
    assert not errors, f"callbacks raised: {errors!r}"
    assert not unanswered, f"answers that nobody asked for: {unanswered!r}"


@pytest.fixture
def fresh_settings(host, scene):
    """Settings as at the first start, and an empty scene."""
    host.slicer.app.userSettings().clear()


@pytest.fixture
def own_places(fresh_settings, tmp_path):
    """Folders of runs and of the cache that are the test's own."""
    from WeakMedSAMLib.frontend.base import folders

    folders.setRunsFolder(tmp_path / "runs")
    folders.setCacheFolder(tmp_path / "cache")


@pytest.fixture(autouse=True)
def _nothing_prepared(monkeypatch):
    """No worker begins by itself, some seconds after a label, in tests that are not about that."""
    if not MISSING:
        from WeakMedSAMLib.frontend.running import slice_preparation

        monkeypatch.setattr(slice_preparation, "arePackagesThere", lambda: False)


@pytest.fixture
def wait_until(host) -> Callable[..., Any]:
    """wait_until(condition, timeout=10): let Qt work until it holds, and return what it returned."""
    return host.waitUntil


def ijk_to_ras(spacing: Any = (1, 1, 1), origin: Any = (0, 0, 0), axes: Any = None) -> np.ndarray:
    """Return a 4x4 matrix; `axes` has the directions of i, j and k in its columns."""
    matrix = np.eye(4)
    matrix[:3, :3] = (np.eye(3) if axes is None else np.asarray(axes, float)) * np.asarray(spacing, float)
    matrix[:3, 3] = origin
    return matrix


def oblique_axes(degrees: float = 20.0) -> np.ndarray:
    """Return directions turned about two axes, so that no voxel axis is a patient axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


GEOMETRIES = {
    "plain": ijk_to_ras((1, 1, 1)),
    "lps": ijk_to_ras((1, 1, 2), (10, 20, -30), np.diag([-1, -1, 1])),
    "flipped": ijk_to_ras((1, 1.5, 2), (5, -5, 40), np.diag([1, -1, -1])),
    "anisotropic": ijk_to_ras((0.5, 0.5, 6), (-12, 3, 7)),
    "oblique": ijk_to_ras((1, 1.2, 3), (11, -7, 23), oblique_axes()),
    "sagittal": ijk_to_ras((1, 1, 4), (0, 0, 0), [[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
}


@pytest.fixture
def make_volume(scene, host) -> Callable[..., Any]:
    """make_volume(name="Volume", shape=(12, 32, 40), geometry="plain", array=None, show=False): a scalar volume node.

    `shape` is (k, j, i); `geometry` a name of GEOMETRIES or a 4x4 IJK->RAS matrix. Each volume has its own voxels.
    """
    made = [0]

    def make(name="Volume", shape=(12, 32, 40), geometry="plain", array=None, show=False):
        made[0] += 1
        if array is None:
            array = np.random.default_rng(made[0]).integers(0, 500, shape).astype(np.int16)
        matrix = GEOMETRIES[geometry] if isinstance(geometry, str) else np.asarray(geometry, float)
        node = host.slicer.util.addVolumeFromArray(array, matrix, name)
        node.CreateDefaultDisplayNodes()
        if show:
            host.slicer.util.setSliceViewerLayers(background=node, fit=True)
        return node

    return make


@pytest.fixture
def make_segmentation(scene, host) -> Callable[..., Any]:
    """make_segmentation(volume, {"Tumour": mask}, name="Segmentation"): a segmentation in the volume's geometry."""

    def make(volume, masks, name="Segmentation"):
        slicer = host.slicer
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        for index, (segment, mask) in enumerate(masks.items()):
            color = [(1.0, 0.5, 0.0), (0.0, 0.4, 1.0), (0.2, 0.8, 0.2)][index % 3]
            identifier = node.GetSegmentation().AddEmptySegment("", segment, color)
            slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), node, identifier, volume)
        return node

    return make


@pytest.fixture
def user(host):
    """What a user does with mouse and keyboard, by Qt events: see Testing/host/user.py."""
    from host.user import User

    return User(host)


@pytest.fixture
def click(user):
    """click(widget, x=None, y=None): a left click, in the middle by default."""
    return user.click


@pytest.fixture
def press(user):
    """press(widget, "Ctrl+Z"): a key, through the shortcuts as a real key press."""
    return user.press


@pytest.fixture
def type_text(user):
    """type_text(widget, "abc"): keys for a text."""
    return user.typeText


@pytest.fixture
def drag(user):
    """drag(widget, (x, y), (x, y)): press, move in steps, release."""
    return user.drag


@pytest.fixture
def scroll(user):
    """scroll(widget, steps): turn the mouse wheel."""
    return user.scroll


@pytest.fixture
def bench(scene, host, user):
    """The section of slice tags, without a volume: see Testing/flows/bench.py."""
    from flows.bench import Bench

    made = Bench(host, user)
    yield made
    host.app.layoutManager().setLayout(host.slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    made.panel.cleanup()
    made.logic.cleanup()
    made.panel.widget.hide()
    made.panel.widget.deleteLater()
    host.settle()


@pytest.fixture
def ready(bench, host):
    """The same with a volume of 40 slices that can be tagged."""
    from flows.bench import volume_node

    bench.choose(volume_node(host))
    return bench
