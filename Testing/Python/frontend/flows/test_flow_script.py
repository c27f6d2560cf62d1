"""The logic without its panel, as scripts use it; and what the frontend may never do."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

import pytest
import slicer
from flows.driver import MODULE, fake_worker

from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.labels.tag_session import cohortFromJson

ROOT = Path(__file__).resolve().parents[4]
EXAMPLE = ROOT / "Testing" / "flows" / "scripting_example.py"


@pytest.fixture
def module(driver, monkeypatch):
    """The module's file as scripts import it, with a stand-in of the worker."""
    monkeypatch.syspath_prepend(str(MODULE.parent))
    import WeakMedSAM
    from WeakMedSAMLib.frontend.running.job_runner import JobRunner

    monkeypatch.setattr(
        JobRunner.__init__, "__defaults__", (fake_worker("--seconds", "0.3"), *_otherDefaults(JobRunner))
    )
    yield WeakMedSAM
    sys.modules.pop("WeakMedSAM", None)


def _otherDefaults(cls):
    return cls.__init__.__defaults__[1:]


def test_example_of_the_readme(driver, module, tmp_path):
    spans = {}
    for number in (1, 2):
        node, *slices = driver.phantom(f"case{number}", number, show=False)
        assert slicer.util.saveNode(node, str(tmp_path / f"case{number}.nrrd"))
        spans[f"case{number}"] = tuple(slices)
        slicer.mrmlScene.RemoveNode(node)
    code = EXAMPLE.read_text(encoding="utf-8")
    found = {"slicer": slicer, "folder": tmp_path, "lesions": spans}

    exec(compile(code, str(EXAMPLE), "exec"), found)

    assert len(found["written"]) == 5
    assert all(path.stat().st_size > 100 for path in found["written"])
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if "WeakMedSAMLogic" in readme:
        assert all(line in readme for line in code.splitlines() if line and not line.startswith(('"""', "#")))


def test_example_of_boxes_and_points(driver, module, tmp_path, capsys):
    node, _first, _last = driver.phantom("case1", show=False)
    assert slicer.util.saveNode(node, str(tmp_path / "case1.nrrd"))
    slicer.mrmlScene.RemoveNode(node)
    path = ROOT / "Testing" / "flows" / "marks_example.py"
    code = path.read_text(encoding="utf-8")
    found = {"slicer": slicer, "folder": tmp_path}

    exec(compile(code, str(path), "exec"), found)

    assert capsys.readouterr().out.splitlines() == [
        "liver ((12, 22, 20), (30, 40, 20)) True",
        "right kidney ((41, 30, 20),) True",
        "right kidney ((9, 30, 20),) False",
    ]
    kept = cohortFromJson(found["logic"].state.tagsJson).volumes[0]
    assert [len(kept.further[kind]) for kind in ("boxes", "points")] == [1, 1]
    assert not slicer.util.getNodesByClass("vtkMRMLMarkupsNode")
    document = (ROOT / "docs" / "scripting.md").read_text(encoding="utf-8")
    assert all(line in document for line in code.splitlines() if line and not line.startswith(('"""', "#")))


def test_runs_are_refused_with_the_reason(driver, module):
    logic = module.WeakMedSAMLogic()
    with pytest.raises(Exception, match="No volume is chosen"):
        logic.startRun()
    volume, first, _last = driver.phantom(show=False)
    logic.setClasses(["Lesion"])
    logic.tagRange(volume, "Lesion", first, first, restIsAbsent=False)
    with pytest.raises(Exception, match="absent on no slice"):
        logic.startRun([volume])
    with pytest.raises(Exception, match="no slice"):
        logic.tagRange(volume, "Lesion", 0, 4000)
    logic.cleanup()
    logic.cleanup()


def test_script_beside_the_panel(driver, module):
    driver.open(fake_worker("--seconds", "60"))
    volume, first, last = driver.phantom()
    copy = slicer.util.addVolumeFromArray(slicer.util.arrayFromVolume(volume), name="Copy of the same scan")
    driver.tag(volume, first, last)
    driver.choose(copy)
    run_id = driver.generate()
    script = module.WeakMedSAMLogic()
    try:
        # The script finds the tags, its own go into the panel, and the run of the panel is not disturbed.
        key = script.identifyNow(volume)
        assert script.session.volume(key).counts("Lesion").present == last - first + 1
        script.tagRange(copy, "Lesion", first, first - 2)
        assert driver.logic.session.volume(key).counts("Lesion").present == last - first + 3
        assert driver.logic.isRunning
        # The logic of the script cannot know whose run it is; that of the panel does.
        record = driver.logic.state.run(run_id)
        assert record.status in ("preparing", "running")
        assert record.message == ""
    finally:
        script.cleanup()
    assert driver.logic.isRunning


@pytest.mark.parametrize("whole", [True, False], ids=["reload and test", "test of the build"])
def test_self_test_of_the_module(driver, module, monkeypatch, whole):
    from WeakMedSAMLib.frontend.trial import self_test

    # The worker itself has a test of its own here, on a scan.
    monkeypatch.setattr(self_test, "findMissing", lambda: ["torch"])
    before = folders.runsFolder()
    # A panel is open: it keeps the tags of every scene that closes.
    driver.open(fake_worker())
    if whole:
        module.WeakMedSAMTest().runTest()
    else:
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(module.WeakMedSAMTest).run(result)
        assert result.testsRun == 5
        assert result.wasSuccessful(), result.errors + result.failures
    # Nothing of it is left among the user's runs.
    assert folders.runsFolder() == before
    assert not before.exists() or list(before.iterdir()) == []
    assert folders.runsOnDisk(before) == []


@pytest.mark.parametrize("fault", ["_onVolumeChosen", "_onGo", "undo"])
def test_self_test_finds_a_bar_that_does_nothing(driver, module, monkeypatch, fault):
    from WeakMedSAMLib.frontend.bar.bar_panel import BarPanel
    from WeakMedSAMLib.frontend.bar.undo import Undo

    monkeypatch.setattr(Undo if fault == "undo" else BarPanel, fault, lambda *_arguments: None)
    result = unittest.TestResult()
    module.WeakMedSAMTest("test_Bar").run(result)
    assert not result.wasSuccessful()


@pytest.mark.parametrize("fault", ["putBack", "choose"])
def test_self_test_finds_an_editor_that_does_nothing(driver, module, monkeypatch, fault):
    from WeakMedSAMLib.frontend.results.correcting.embedded_editor import EmbeddedEditor

    monkeypatch.setattr(EmbeddedEditor, fault, lambda *_arguments: None)
    result = unittest.TestResult()
    module.WeakMedSAMTest("test_Correct").run(result)
    assert not result.wasSuccessful()


@pytest.mark.parametrize("fault", ["CorrectionWatch._onVoxels", "Scribbling._onPainted"])
def test_self_test_finds_edits_that_become_no_labels(driver, module, monkeypatch, fault):
    from WeakMedSAMLib.frontend.results.correcting.scribbling import Scribbling
    from WeakMedSAMLib.frontend.results.correction_watch import CorrectionWatch
    from WeakMedSAMLib.frontend.trial import self_test

    monkeypatch.setattr(self_test, "_LABEL_S", 0.5)
    owner, name = fault.split(".")
    monkeypatch.setattr({"CorrectionWatch": CorrectionWatch, "Scribbling": Scribbling}[owner], name, lambda *_: None)
    result = unittest.TestResult()
    module.WeakMedSAMTest("test_Correct").run(result)
    assert "_tryLabels" in str(result.failures)


def test_sample_data_is_listed_once_and_needs_no_network(driver, module, monkeypatch):
    import types

    from WeakMedSAMLib.frontend.trial import sample_data

    listed = []

    class Logic:
        @staticmethod
        def sampleDataSourcesByCategory(category):
            return [types.SimpleNamespace(**each) for each in listed if each["category"] == category]

        @staticmethod
        def registerCustomSampleDataSource(**fields):
            assert len(fields["uris"]) == len(fields["fileNames"]) == 0
            listed.append(fields)

    monkeypatch.setitem(sys.modules, "SampleData", types.SimpleNamespace(SampleDataLogic=Logic))
    sample_data.registerSampleData()
    sample_data.registerSampleData()
    assert len(listed) == 2
    # Beside its neighbours in the module Sample Data: a button is as wide as its name.
    assert max(len(each["sampleName"]) for each in listed) <= len("CTAAbdomenPanoramix")
    nodes = listed[1]["customDownloader"](None)
    assert [node.GetName() for node in nodes] == ["Phantom 1", "Phantom 2", "Phantom 3"]
