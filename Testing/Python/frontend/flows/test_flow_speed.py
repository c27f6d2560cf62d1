"""The window answers while a volume is chosen, masks are loaded and everything is exported."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import slicer
from flows.driver import fake_worker
from flows.full_scene import CLASSES, fill_scene

from WeakMedSAMLib.contract import files
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.trial.phantoms import makePhantom

LONGEST_BLOCK_MS = 50
KINDS = ("segmentation", "labelmap", "report")
SHAPE = (48, 144, 144)


def scan(name, seed):
    array, slices = makePhantom(seed, SHAPE)
    return slicer.util.addVolumeFromArray(array, np.diag([-1.0, -1, 1, 1]), name), *slices


def shortest(driver, work, repeats=3):
    """Measure some work some times: other programs can only make it longer."""
    blocks = []
    for _repeat in range(repeats):
        with driver.longest_block() as block:
            work()
            driver.host.settle(0.3)
        blocks.append(block)
        if block.own_ms <= LONGEST_BLOCK_MS:
            break
    return min(blocks, key=lambda block: block.own_ms)


def export_all(driver, folder):
    driver.ui("export", "folderEdit").currentPath = str(folder)
    for kind in KINDS:
        driver.ui("export", f"{kind}Check").checked = True
    driver.ui("export", "allCheck").checked = True
    driver.ui("export", "exportButton").click()
    driver.wait(lambda: driver.panel("export")._runner is None)
    assert driver.ui("export", "resultLabel").text.startswith("✓"), driver.ui("export", "resultLabel").text


@pytest.fixture
def finished(driver):
    """A run on two volumes that has ended, with every section open."""
    scans = [scan("One", 1), scan("Two", 2)]
    driver.open(fake_worker("--seconds", "0.2"))
    driver.widget.panel.sections.stayOpen = True
    for name in driver.widget.panel.panels:
        driver.unfold(name)
    for node, first, last in scans:
        driver.tag(node, first, last)
    driver.host.settle(0.2)
    driver.generate()
    driver.record = driver.wait_for_end()
    driver.scans = [node for node, _first, _last in scans]
    return driver


def test_the_window_answers_while_one_chooses_loads_and_exports(allowance, finished, tmp_path, monkeypatch, capsys):
    driver = finished
    logic, blocks = driver.logic, {}

    def choose():
        for node in driver.scans:
            driver.go_to_row(node)
            driver.host.settle(0.05)

    def load():
        for node in logic.segmentationsOf(driver.record.runId):
            slicer.mrmlScene.RemoveNode(node)
        driver.host.settle(0.1)
        logic.runs.load(driver.record.runId)
        driver.wait(lambda: not logic.isRunning)
        assert len(logic.segmentationsOf(driver.record.runId)) == 2

    threads, sync = [], files._sync
    monkeypatch.setattr(files, "_sync", lambda path: (threads.append(threading.current_thread()), sync(path)))
    folders = iter(tmp_path / f"out {number}" for number in range(3))

    def export():
        folder = next(folders)
        folder.mkdir()
        export_all(driver, folder)

    for work in (choose, load, export):
        blocks[work.__name__] = shortest(driver, work)
    with capsys.disabled():
        print("\nlongest time without an answer:", ", ".join(f"{name} {block}" for name, block in blocks.items()))
    assert max(block.own_ms for block in blocks.values()) <= LONGEST_BLOCK_MS * allowance
    # The disk of this computer may be quick: no file of an export is waited for by the window.
    assert len(threads) >= len(KINDS)
    assert threading.main_thread() not in threads


def test_views_that_come_to_show_a_volume_are_heard_of_once(host, make_volume):
    volumes, heard = [make_volume("one", show=True), make_volume("two")], []
    views = slice_views.SliceViews()
    observer = views.observer(heard.append)
    observer.start()
    try:
        views.showEverywhere(volumes[1])
        assert len(heard) == 1
        views.showVolume(volumes[0], "Yellow")
        assert len(heard) == 2
        slice_views.jumpToSlice(volumes[1], slice_views.sliceNodeOf("Red"), "k", 3)
        assert heard[2:] == ["Red"]
    finally:
        observer.stop()


def test_a_result_comes_in_a_turn_of_its_own(host):
    """What is done with it is long enough alone."""
    seen = []

    def work():
        yield None
        seen.append("last piece")

    StepRunner(work(), lambda _result: seen.append("result")).start()
    while not seen:
        host.app.processEvents()
    assert seen == ["last piece"]
    host.waitUntil(lambda: seen == ["last piece", "result"])


def test_buttons_are_not_set_anew_at_each_step_of_scrolling(driver):
    from host import tool_tips

    node, _first, _last = driver.phantom()
    with tool_tips.wrapped() as wrapper:
        driver.open(fake_worker())
        driver.choose(node)
        driver.go_to(5)
        # What else follows a chosen volume, in other sections.
        driver.host.settle(0.3)
        assert wrapper.rewritten > 0
        wrapper.rewritten = 0
        for index in (6, 7, 8):
            driver.go_to(index)
    assert wrapper.rewritten == 0


@pytest.mark.parametrize(("volumes", "runs"), [(10, 2), pytest.param(100, 5, marks=pytest.mark.soak)], ids=str)
def test_the_window_answers_after_a_key_however_many_volumes_and_runs_there_are(
    allowance, driver, capsys, volumes, runs
):
    driver.open(fake_worker())
    logic, nodes = driver.logic, fill_scene(driver.logic.state, volumes, runs)
    logic.setClasses(CLASSES)
    driver.widget.panel.sections.stayOpen = True
    for name in driver.widget.panel.panels:
        driver.unfold(name)
    logic.views.makeCurrent(logic.state, nodes[3])
    driver.wait(lambda: all(map(logic.keyOf, nodes)), 60)
    for node in nodes:
        logic.tagRange(node, "Lesion", 3, 5, True)
    driver.go_to(5)
    driver.host.settle(0.5)
    blocks = []
    for key in "PAPA":
        with driver.longest_block() as block:
            driver.press(key)
            driver.host.settle(0.3)  # what follows the key in all sections
        blocks.append(block)
    blocks.sort(key=lambda block: block.own_ms)
    with capsys.disabled():
        print(f"\nlongest time without an answer after a key, {volumes} volumes, {runs} runs: median {blocks[2]}")
    assert blocks[2].own_ms <= LONGEST_BLOCK_MS * allowance
