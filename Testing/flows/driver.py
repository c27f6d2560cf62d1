"""A user of the whole module: opens it, loads scans, clicks, types, waits. Import it after the host was started."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer

from WeakMedSAMLib.frontend import logic as logic_module
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.labels.volume_table import CHECK
from WeakMedSAMLib.frontend.labels.volume_table import NAME as NAME_OF_VOLUME
from WeakMedSAMLib.frontend.running.job_runner import JobRunner
from WeakMedSAMLib.frontend.running.probe_client import ProbeClient
from WeakMedSAMLib.frontend.running.resident_client import ResidentClient
from WeakMedSAMLib.frontend.running.resident_update import ResidentUpdateProcess
from WeakMedSAMLib.frontend.running.worker_process import WorkerExit
from WeakMedSAMLib.frontend.trial.phantoms import addPhantom, makePhantom
from WeakMedSAMLib.frontend.trial.self_test import FakeWorkerProcess
from WeakMedSAMLib.frontend.trial.window_block import Block, longestBlock

NAME = "WeakMedSAM"
SECTIONS = ("volumes", "classes", "tags", "generate", "review", "export")
MODULE = Path(__file__).resolve().parents[2] / NAME / f"{NAME}.py"
ANSWER = {
    "ready": True,
    "missing": [],
    "devices": [
        {"device": "cuda:0", "name": "Example GPU", "memory_bytes": 16 * 2**30, "free_bytes": 12 * 2**30},
        {"device": "cpu", "name": "Example processor", "memory_bytes": 32 * 2**30},
    ],
}


class FakeProbeProcess:
    """Answers at once which devices there are; nothing is started."""

    answer: dict[str, Any] = ANSWER

    def __init__(self) -> None:
        self.lineRead, self.finished = Callbacks(), Callbacks()

    def start(self, _command: Any) -> None:
        qt.QTimer.singleShot(0, self._tell)

    def kill(self) -> None:
        pass

    def killAndWait(self) -> None:  # noqa: N802 - of WorkerProcess
        pass

    noteChildren = kill  # noqa: N815 - of WorkerProcess

    def _tell(self) -> None:
        self.lineRead(json.dumps(self.answer), False)
        self.finished(WorkerExit(0))


class SilentProcess(FakeProbeProcess):
    """A resident worker that never answers; nothing is started."""

    def start(self, _command: Any) -> None:
        pass

    def write(self, _line: str) -> None:
        pass


def is_alive(pid):
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def fake_worker(*options: str) -> type:
    """Return a class of worker processes that run the stand-in of the worker with these options."""
    return type("FakeWorkerProcess", (FakeWorkerProcess,), {"options": options or FakeWorkerProcess.options})


class Driver:
    """Hands and eyes on the module.

    Parameters
    ----------
    host, user
        As the fixtures of the same names.
    folder : Path
        For runs and cache of this test.
    """

    def __init__(self, host: Any, user: Any, folder: Path) -> None:
        self.host, self.user = host, user
        self.paint_views(False)
        folders.setRunsFolder(folder / "runs of Zoë")
        folders.setCacheFolder(folder / "cache")

    # The module

    def open(
        self,
        worker: type | None = None,
        probe: type | None = FakeProbeProcess,
        resident: type | None = SilentProcess,
    ) -> Any:
        """Load the module and show it; with other classes of processes than the real ones, which None stands for."""
        if worker is not None:
            logic_module.JobRunner = partial(JobRunner, processFactory=worker)
        # Made when an update begins, long after this.
        logic_module.UpdateProcess = ResidentUpdateProcess if worker is None else lambda _resident: worker()
        if probe is not None:
            logic_module.ProbeClient = partial(ProbeClient, processFactory=probe)
        if resident is not None:
            logic_module.ResidentClient = partial(ResidentClient, processFactory=resident)
        try:
            self.host.loadModule(str(MODULE))
            self.select()
        finally:
            logic_module.JobRunner, logic_module.ProbeClient = JobRunner, ProbeClient
            logic_module.ResidentClient = ResidentClient
        return self.widget

    def select(self, name: str = NAME) -> None:
        """Open a module in the module selector."""
        slicer.util.selectModule(name)
        self.host.settle(0.05)

    def close(self) -> None:
        """End the module, as Slicer's end does."""
        if hasattr(slicer.modules, NAME.lower()):
            self.host.unloadModule(NAME)
        self.paint_views(True)

    @property
    def widget(self) -> Any:
        return slicer.modules.WeakMedSAMWidget

    @property
    def logic(self) -> Any:
        return self.widget.logic

    def panel(self, name: str) -> Any:
        """Return a panel: volumes, classes, tags, generate, review or export."""
        return self.widget.panel.panels[name]

    def ui(self, panel: str, name: str) -> Any:
        """Return a widget of a panel by its name in Qt Designer."""
        return getattr(self.panel(panel).ui, name)

    @staticmethod
    def paint_views(painted: bool) -> None:
        """Let the stand-in draw slice views, or not: that is slow, and says nothing of Slicer's own drawing."""
        slicer.util.mainWindow().centralWidget().updatesEnabled = painted

    # What one loads

    def phantom(self, name: str = "Phantom", seed: int = 1, show: bool = True) -> tuple[Any, int, int]:
        """Add a generated volume; returns it and the first and last slice of its lesion."""
        node = addPhantom(name, seed)
        if show:
            slicer.util.setSliceViewerLayers(background=node, fit=True)
        self.host.settle(0.05)
        return node, *_lesion_of(seed)

    # What one does

    def click(self, panel: str, name: str) -> None:
        """Click a button that can be clicked."""
        self.unfold(panel)
        button = self.ui(panel, name)
        self.host.settle(0.1)
        assert button.enabled, f"{name} is disabled: {button.toolTip}"
        assert button.visible, f"{name} cannot be seen"
        self.user.click(button)

    def unfold(self, panel: str) -> None:
        """Open the section of a panel, as one does who wants to see what is in it; the others fold."""
        section = self.widget.panel.section(panel) if panel != "bar" else None
        if section is not None and section.collapsed:
            section.collapsed = False

    def open_sections(self) -> list[str]:
        """Return the sections that are open, in their order."""
        return [name for name in SECTIONS if self.widget.panel.sections.isOpen(name)]

    def choose(self, node: Any) -> None:
        """Choose the volume to tag in section 1, and wait until it is ready."""
        self.go_to_row(node)
        self.wait(lambda: self.logic.currentKey() is not None)

    def go_to_row(self, node: Any) -> None:
        """Go to the name of a volume in section 1."""
        panel = self.panel("volumes")
        panel.refresh()
        rows = [row.nodeId for row in panel._rows]
        # Also where the keyboard is there already.
        panel.ui.volumeTable.setCurrentCell(rows.index(node.GetID()), CHECK)
        panel.ui.volumeTable.setCurrentCell(rows.index(node.GetID()), NAME_OF_VOLUME)

    def review_phantom(self) -> Any:
        """Generate masks of a phantom and open their review; `volume`, `first`, `last` and `run` are there then."""
        self.volume, self.first, self.last = self.phantom()
        self.choose(self.volume)
        self.tag(self.volume, self.first, self.last)
        self.generate()
        self.run = self.wait_for_end()
        assert self.run.status == "finished", self.run.message
        self.widget.panel.goTo("review")
        self.host.settle(0.3)
        return self

    def go_to(self, index: int, view: str = "Red") -> None:
        """Scroll a slice view to a slice of the current volume."""
        from WeakMedSAMLib.frontend.scene.slice_views import jumpToSlice, sliceNodeOf

        volume = self.logic.state.currentVolume
        axis = self.logic.session.volume(self.logic.currentKey()).axis
        jumpToSlice(volume, sliceNodeOf(view), axis, index)
        self.host.settle(0.05)

    def press(self, keys: str, view: str = "Red") -> None:
        """Press a key while a slice view has the keyboard."""
        self.user.press(slicer.app.layoutManager().sliceWidget(view).sliceView(), keys)

    def tag(self, node: Any, first: int, last: int) -> None:
        """Tag the lesion of a volume with the keyboard: first slice, last slice."""
        self.choose(node)
        self.go_to(first)
        self.press("S")
        self.go_to(last)
        self.press("E")
        self.host.settle(0.1)

    def point_at(self, voxel: tuple[float, float, float], view: str = "Red") -> tuple[Any, int, int]:
        """Return the part of a slice view that hears the mouse, and where in it a voxel of the current volume is."""
        from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToWorld, matrixOf

        widget = slicer.app.layoutManager().sliceWidget(view)
        native, node = widget.sliceView().VTKWidget(), widget.mrmlSliceNode()
        place = ijkToWorld(self.logic.state.currentVolume) @ [*voxel, 1.0]
        x, y = (np.linalg.inv(matrixOf(node.GetXYToRAS())) @ place)[:2]
        return native, round(float(x)), round(float(native.height - 1 - y))

    def click_at(self, voxel: tuple[float, float, float], view: str = "Red") -> None:
        """Click on a voxel of the current volume in a slice view."""
        widget, x, y = self.point_at(voxel, view)
        self.user.hover(widget, x, y)
        self.user.click(widget, x, y)
        self.host.settle(0.05)

    def hover_at(self, voxel: tuple[float, float, float], view: str = "Red") -> None:
        """Move the mouse to a voxel of the current volume in a slice view."""
        self.user.hover(*self.point_at(voxel, view))
        self.host.settle(0.05)

    def generate(self) -> str:
        """Press Generate; returns the run id."""
        self.click("generate", "generateButton")
        assert self.logic.isRunning
        return self.logic.job.runId

    def wait(self, condition: Callable[[], Any], timeout: float = 20.0) -> Any:
        """Let Qt work until a condition holds."""
        return self.host.waitUntil(condition, timeout)

    def wait_for_end(self, timeout: float = 30.0) -> Any:
        """Wait until the run is over and return its record."""
        run_id = self.logic.job.runId
        self.wait(lambda: not self.logic.isRunning, timeout)
        self.host.settle(0.1)
        return self.logic.state.run(run_id)

    # What one sees

    def segments(self, run_id: str) -> dict[str, np.ndarray]:
        """Return the masks of the first volume of a run: segment name -> bool k x j x i on that volume."""
        record = self.logic.state.run(run_id)
        volume = slicer.mrmlScene.GetNodeByID(record.volumes["000"])
        return segment_masks(slicer.mrmlScene.GetNodeByID(record.segmentations["000"]), volume)

    @contextmanager
    def longest_block(self) -> Iterator[Block]:
        """Measure the longest time for which Qt does not come to a timer's turn."""
        with longestBlock() as block:
            yield block


@cache
def _lesion_of(seed: int) -> tuple[int, int]:
    """Return the first and last slice of the lesion of a phantom."""
    _array, slices = makePhantom(seed)
    return slices


def segment_masks(segmentation: Any, volume: Any) -> dict[str, np.ndarray]:
    """Return segment name -> bool k x j x i on a volume."""
    inside = segmentation.GetSegmentation()
    ids = [inside.GetNthSegmentID(number) for number in range(inside.GetNumberOfSegments())]
    read = slicer.util.arrayFromSegmentBinaryLabelmap
    return {inside.GetSegment(each).GetName(): read(segmentation, each, volume) > 0 for each in ids}
