"""Pictures of every state of the module, for the README and to be looked at.

They come from the chest CT of the package slicerio (MIT) or from generated volumes, never from anybody else's images.
The module runs in the stand-in Slicer of Testing/host: widgets are drawn by Qt, slice views by Slicer's own MRML, and
what is around the panel is plain. Run by `make screenshots`; with `--quick` a stand-in takes the real worker's place.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(ROOT), str(ROOT / "Testing")]

from host.host import start  # noqa: E402

HOST = start()

import numpy as np  # noqa: E402
import slicer  # noqa: E402
from flows.chest import FIRST_WITH_LUNGS, LAST_WITH_LUNGS, chest_file, load_chest  # noqa: E402
from flows.driver import SECTIONS, Driver, FakeProbeProcess, fake_worker  # noqa: E402
from host.user import User  # noqa: E402
from scipy import ndimage  # noqa: E402

from WeakMedSAMLib.frontend.base import folders  # noqa: E402
from WeakMedSAMLib.frontend.running import slice_preparation  # noqa: E402

WINDOW = (1500, 1060)
PANEL_WIDTH = 520
LIMIT_S = 1800
MIDDLE = 17
BOX = ((74, 42), (111, 96))  # around the right lung there: columns and rows of two corners
AIR_HU = -500
ROOM = 40  # pixels between and below bar and sections


class Camera:
    """Brings the module from state to state and takes a picture of each."""

    def __init__(self, folder: Path, work: Path, quick: bool) -> None:
        self.folder = folder
        self.quick = quick
        self.driver = Driver(HOST, User(HOST), work)
        # The usual cache: the encoder is not needed again for pictures.
        folders.setCacheFolder("")
        folder.mkdir(parents=True, exist_ok=True)

    def take_all(self) -> None:
        """Go once through the work of a radiologist."""
        if self.quick:
            self.driver.open(fake_worker("--seconds", "6"))
        else:
            self.driver.open(probe=None, resident=None)
        self._arrange()
        self.driver.wait(lambda: self.driver.logic.probe.isAnswered, LIMIT_S)
        self.panel("start")
        volume = load_chest()
        self.driver.choose(volume)
        self._name_class("Lungs")
        self._box()
        self._tag()
        self._install_box()
        self._run()
        self._review()
        self._failure()

    def window(self, name: str) -> None:
        """Take a picture of the whole window."""
        self._settle()
        HOST.grab(slicer.util.mainWindow(), str(self.folder / f"{name}.png"))
        print(f"{name}.png", flush=True)

    def panel(self, name: str, *sections: str) -> None:
        """Take a picture of some sections, or of the whole panel, at the width that Slicer gives it."""
        self._only(*sections)
        HOST.grab(self.driver.widget.panel.widget, str(self.folder / f"{name}.png"))
        print(f"{name}.png", flush=True)

    def _arrange(self) -> None:
        self.driver.paint_views(True)
        window = slicer.util.mainWindow()
        window.resize(*WINDOW)
        window.show()
        # As wide as somebody drags it who wants no scroll bar.
        slicer.util.findChild(window, "PanelDockWidget").minimumWidth = PANEL_WIDTH
        self._settle()

    def _only(self, *sections: str) -> None:
        panel = self.driver.widget.panel
        panel.sections.stayOpen = bool(sections)
        for name in SECTIONS:
            panel.section(name).visible = not sections or name in sections
            if name in sections:
                panel.section(name).collapsed = False
        self._settle()
        if not sections:
            self._fill_dock()
            return
        # Without text that wraps there is no height for a width; with it the size hint is that of another width.
        inner = panel.ui.sectionsWidget
        height = inner.layout().totalHeightForWidth(PANEL_WIDTH)
        height = (height if height > 0 else inner.sizeHint.height()) + panel.ui.barFrame.height + ROOM
        panel.widget.resize(PANEL_WIDTH, height)
        self._settle()

    def _fill_dock(self) -> None:
        """Have the panel take the place that the window has for it, after it was drawn at another size."""
        window = slicer.util.mainWindow()
        window.resize(WINDOW[0], WINDOW[1] - 1)
        self._settle()
        window.resize(*WINDOW)
        self._settle()

    def _settle(self) -> None:
        HOST.settle(0.4)

    def _name_class(self, name: str) -> None:
        session = self.driver.logic.session
        session.renameClass(session.classes.names[0], name)

    def _tag(self) -> None:
        driver = self.driver
        driver.widget.panel.goTo("tags")
        driver.go_to(FIRST_WITH_LUNGS)
        driver.press("S")
        driver.go_to(MIDDLE)
        self.window("tagging")
        self.panel("tagging_panel", "tags")
        driver.go_to(LAST_WITH_LUNGS)
        driver.press("E")
        driver.go_to(MIDDLE)
        self.panel("tagged_panel", "volumes", "classes", "tags")
        self.panel("ready_panel", "generate")

    def _box(self) -> None:
        """Draw a box around the right lung, and wait for the outline that the model makes of it; then take it back."""
        driver = self.driver
        driver.widget.panel.goTo("tags")
        driver.go_to(MIDDLE)
        driver.press("X")
        for corner in BOX:
            driver.click_at((*corner, MIDDLE))
        answers = driver.panel("tags").marks.actions.answers
        if not self.quick:
            driver.wait(lambda: not answers.words, LIMIT_S)
        self.window("boxing")
        driver.press("Escape")

    def _install_box(self) -> None:
        HOST.packaging.missing.update(("torch", "torchvision", "monai"))
        generate = self.driver.panel("generate")
        generate.enter()
        self.panel("install_panel", "generate")
        HOST.packaging.missing.clear()
        generate.enter()

    def _run(self) -> None:
        driver = self.driver
        self._only()
        driver.generate()
        last = "pseudo-masks"
        driver.wait(
            lambda: driver.logic.job.info.stage in (last, "segmenter-1") and driver.logic.job.previewPath, LIMIT_S
        )
        self.panel("running_panel", "generate")
        self._only()
        record = driver.wait_for_end(LIMIT_S)
        assert record.status == "finished", record.message

    def _review(self) -> None:
        self._only()
        # Not that of whoever takes the pictures.
        self.driver.ui("export", "folderEdit").currentPath = "/data/masks"
        self.driver.go_to(MIDDLE)
        self.driver.widget.panel.goTo("review")
        self.window("review")
        self.panel("review_panel", "review")
        self.panel("export_panel", "export")
        self._correct()

    def _correct(self) -> None:
        """Draw three slices by what is dark inside of the body, and update."""
        driver, review = self.driver, self.driver.panel("review")
        volume = driver.logic.state.currentVolume
        for index in (MIDDLE - 4, MIDDLE, MIDDLE + 3):
            driver.logic.corrections.draw("Lungs", index, _lungs(slicer.util.arrayFromVolume(volume)[index]))
        self._only()
        driver.widget.panel.goTo("review")
        review.ui.correctButton.checked = True
        self._settle()
        review.correct.editor.choose("Paint")
        self.window("correct")
        self.panel("correct_panel", "review")
        driver.click("review", "updateButton")
        driver.wait(lambda: review.ui.updateBar.value > 30 or not driver.logic.updates.isUnderWay, LIMIT_S)
        self.panel("updating_panel", "review")
        driver.wait(lambda: not driver.logic.updates.isUnderWay, LIMIT_S)
        assert driver.logic.updates.error is None, driver.logic.updates.error
        driver.go_to(MIDDLE + 1)
        self.window("updated")
        review.ui.correctButton.checked = False

    def _failure(self) -> None:
        """Show what a run says whose worker was ended by the system."""
        driver = self.driver
        FakeProbeProcess.answer = driver.logic.probe.report.to_json()
        driver.close()
        driver.open(fake_worker("--seconds", "60"))
        self._arrange()
        driver.wait(lambda: driver.logic.currentKey() is not None)
        driver.generate()
        driver.wait(lambda: driver.logic.job.info.stage == "embed")
        os.kill(driver.logic.job._process._process.processId(), signal.SIGKILL)
        driver.wait_for_end()
        self.panel("failed_panel", "generate")


def _lungs(plane: np.ndarray) -> np.ndarray:
    """What is dark on a slice of a chest and does not reach its border: rows x columns, bool."""
    pieces, count = ndimage.label(plane < AIR_HU)
    border = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    kept = [number for number in range(1, count + 1) if number not in border and sizes[number] > 200]
    return ndimage.binary_fill_holes(np.isin(pieces, kept))


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "Resources" / "screenshots")
    parser.add_argument("--quick", action="store_true", help="with a stand-in of the worker, which learns nothing")
    options = parser.parse_args()
    if chest_file() is None:
        parser.error("the scan is missing: pip install slicerio")
    # Pictures show one thing at a time, and a run that encodes.
    slice_preparation.arePackagesThere = lambda: False
    with tempfile.TemporaryDirectory() as work:
        camera = Camera(options.out, Path(work), options.quick)
        try:
            camera.take_all()
        finally:
            camera.driver.close()


if __name__ == "__main__":
    main()
