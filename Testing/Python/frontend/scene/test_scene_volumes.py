"""Volumes: which can be used, their identity, and their way out; and work in small pieces."""

from __future__ import annotations

import time

import numpy as np
import pytest
import SimpleITK


def longest_step(generator):
    """Run a generator; return its result and its longest step in ms: on the clock, and of this thread's own work."""
    clock = work = 0.0
    result = None
    while result is None:
        before = time.perf_counter(), time.thread_time()
        try:
            next(generator)
        except StopIteration as end:
            result = end.value
        clock = max(clock, (time.perf_counter() - before[0]) * 1000)
        work = max(work, (time.thread_time() - before[1]) * 1000)
    return result, (round(clock, 1), round(work, 1))


def test_what_cannot_be_used_is_said(host, scene, make_volume, lib):
    slicer = host.slicer
    problem = lib.volumes.usableProblem
    assert problem(make_volume()) == ""
    assert problem(make_volume(shape=(1, 8, 8))) == ""
    assert "No volume" in problem(None)
    assert "empty" in problem(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))
    assert "label map" in problem(scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode"))
    assert "same value" in problem(make_volume(array=np.full((4, 5, 6), 3.0)))
    assert "NaN" in problem(make_volume(array=np.full((4, 5, 6), np.nan)))
    assert "one voxel" in problem(make_volume(shape=(1, 1, 1)))
    colour = slicer.util.addVolumeFromArray(np.zeros((3, 4, 5, 3), np.uint8), nodeClassName="vtkMRMLVectorVolumeNode")
    assert "several values" in problem(colour)
    # One voxel in a million differs: looking at a sample alone would not see it.
    sparse = np.zeros((100, 100, 100), np.uint8)
    sparse[50, 51, 53] = 1
    assert problem(make_volume(array=sparse)) == ""


def test_a_deformed_volume_and_one_of_a_sequence_are_refused(host, scene, make_volume, lib):
    import vtk

    volume = make_volume()
    spline = vtk.vtkThinPlateSplineTransform()
    for points in (spline.SetSourceLandmarks, spline.SetTargetLandmarks):
        landmarks = vtk.vtkPoints()
        landmarks.InsertNextPoint(1, 2, 3)
        points(landmarks)
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode")
    transform.SetAndObserveTransformToParent(spline)
    volume.SetAndObserveTransformNodeID(transform.GetID())
    assert "deformation" in lib.volumes.usableProblem(volume)
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode")
    sequence.SetDataNodeAtValue(make_volume("moment"), "0")
    browser = scene.AddNode(host.slicer.vtkMRMLSequenceBrowserNode())
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    browser.AddProxyNode(volume, sequence, False)
    volume.SetAndObserveTransformNodeID(None)
    assert "sequence" in lib.volumes.usableProblem(volume)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64, np.int32])
def test_the_identity_is_that_of_the_contract(make_volume, lib, dtype):
    from WeakMedSAMLib.contract.identity import content_hash

    array = (np.random.default_rng(1).random((5, 700, 31)) * 200).astype(dtype)
    volume = make_volume(array=array)
    assert lib.volumes.knownIdentity(volume) is None
    key = lib.end(lib.volumes.identitySteps(volume))
    assert key == content_hash(array) == lib.volumes.knownIdentity(volume)
    lib.volumes.arrayOf(volume)[0, 0, 0] += 1
    volume.GetImageData().Modified()
    assert lib.volumes.knownIdentity(volume) is None
    assert lib.end(lib.volumes.identitySteps(volume)) != key


def test_voxels_that_change_meanwhile_are_read_again(make_volume, lib):
    from WeakMedSAMLib.contract.identity import content_hash

    volume = make_volume(shape=(6, 300, 1000))
    steps = lib.volumes.identitySteps(volume)
    next(steps)
    lib.volumes.arrayOf(volume)[0] = 7
    volume.GetImageData().Modified()
    assert lib.end(steps) == content_hash(lib.volumes.arrayOf(volume))


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.uint16])
def test_exported_volumes_are_the_same(make_volume, lib, tmp_path, dtype):
    array = np.random.default_rng(2).integers(0, 250, (5, 6, 7)).astype(dtype)
    volume = make_volume(array=array, geometry="oblique")
    path = lib.end(lib.volumes.exportSteps(volume, tmp_path / "v ö.nrrd"))
    image = SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), array)
    read = lib.end(lib.raw.readSteps(path))
    np.testing.assert_array_equal(read.array, array)
    np.testing.assert_array_equal(read.ijk_to_ras, lib.volumes.ijkToRas(volume))


def test_a_failed_export_leaves_nothing(make_volume, lib, tmp_path):
    from WeakMedSAMLib.contract.errors import UserError

    with pytest.raises(UserError) as caught:
        lib.end(lib.volumes.exportSteps(make_volume(), tmp_path / "no such folder" / "v.nrrd"))
    assert caught.value.code == "cannot_write"
    with pytest.raises(UserError) as caught:
        lib.end(lib.volumes.exportSteps(make_volume(array=np.zeros((3, 3, 3))), tmp_path / "v.nrrd"))
    assert caught.value.code == "unusable_volume"
    steps = lib.volumes.exportSteps(make_volume(shape=(9, 400, 400)), tmp_path / "v.nrrd")
    next(steps)
    steps.close()
    assert list(tmp_path.iterdir()) == []


def test_what_simpleitk_compresses_is_read(lib, tmp_path):
    array = np.random.default_rng(3).integers(0, 255, (9, 120, 130)).astype(np.uint8)
    array[:, :60] = 0
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((0.3, 0.4, 5))
    image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    image.SetOrigin((1, -2, 3.25))
    path = tmp_path / "p.nrrd"
    SimpleITK.WriteImage(image, str(path), True)
    read = lib.end(lib.raw.readSteps(path))
    np.testing.assert_array_equal(read.array, array)
    lps = image.TransformIndexToPhysicalPoint((5, 6, 7))
    np.testing.assert_allclose((read.ijk_to_ras @ [5, 6, 7, 1])[:3], [-lps[0], -lps[1], lps[2]], atol=1e-9)


@pytest.mark.parametrize("fault", ["cut", "rubbish", "missing", "header", "detached"])
def test_a_broken_result_is_said(lib, tmp_path, fault):
    from WeakMedSAMLib.contract.errors import UserError

    path = tmp_path / "p.nrrd"
    lib.end(lib.raw.writeSteps(path, np.ones((4, 50, 60), np.uint8), np.eye(4), {"a": "b\nc\\n"}, "gzip"))
    assert lib.raw.readFields(path) == {"a": "b\nc\\n"}
    data = path.read_bytes()
    changed = {
        "cut": data[:-30],
        "rubbish": b"hello",
        "header": data.replace(b"sizes: 60", b"sizes: sixty"),
        "detached": data.replace(b"encoding: gzip", b"encoding: hex"),
    }
    path.unlink() if fault == "missing" else path.write_bytes(changed[fault])
    with pytest.raises(UserError) as caught:
        lib.end(lib.raw.readSteps(path))
    assert caught.value.code == ("file_missing" if fault == "missing" else "bad_result")
    assert str(path) in str(caught.value)


def test_no_step_is_long_for_a_large_volume(allowance, make_volume, make_run, lib, tmp_path, capsys):
    """512 x 512 x 300; short files, as noise would take the time of the test and not of a step."""
    array = np.zeros((300, 512, 512), np.int16)
    array[:, 100:300, 100:300] = 40
    volume = make_volume("large", array=array)
    labels = (array > 0).astype(np.uint8)
    labels[:, 150:200, 150:200] = 7
    figures = {}
    _, figures["identity"] = longest_step(lib.volumes.identitySteps(volume))
    _, figures["export"] = longest_step(lib.volumes.exportSteps(volume, tmp_path / "v.nrrd"))
    run = make_run([volume], labels, {})
    arguments = (volume, run.result.volumes["000"], run.classes, run.record)
    node, figures["result"] = longest_step(lib.loader.volumeSteps(*arguments))
    _, figures["label map"] = longest_step(
        lib.exports.exportLabelmapSteps(node, volume, tmp_path / "l.nrrd", run.classes)
    )
    _, figures["segmentation"] = longest_step(
        lib.exports.exportSegmentationSteps(node, volume, tmp_path / "s.seg.nrrd")
    )
    with capsys.disabled():
        print("\nlongest step (on the clock, own work), ms:", figures)
    # On the clock other programs count, too.
    assert max(work for _clock, work in figures.values()) < 50 * allowance


def test_pieces_give_way_to_qt(host, lib):
    qt = __import__("qt")
    ticks, progress, results = [], [], []
    timer = qt.QTimer()
    timer.setInterval(1)
    timer.connect("timeout()", lambda: ticks.append(1))
    timer.start()

    def work():
        for number in range(30):
            time.sleep(0.004)
            yield number / 30
        return "done"

    runner = lib.steps.StepRunner(work(), results.append, onProgress=progress.append, budgetMs=10).start()
    assert runner.isRunning
    host.waitUntil(lambda: results)
    timer.stop()
    assert results == ["done"]
    assert not runner.isRunning
    assert len(ticks) >= 5
    assert progress == sorted(progress)


def test_what_runs_at_once_shares_the_time_between_two_turns_of_qt(host, lib):
    pieces, turns = [], []
    timer = __import__("qt").QTimer()
    timer.setInterval(0)
    timer.connect("timeout()", lambda: turns.append(len(pieces)))

    def work(number):
        for _piece in range(40):
            time.sleep(0.001)
            pieces.append(number)
            yield None

    runners = [lib.steps.StepRunner(work(number), budgetMs=20).start() for number in range(5)]
    timer.start()
    host.waitUntil(lambda: not any(runner.isRunning for runner in runners))
    timer.stop()
    # Twenty milliseconds in all, and not each.
    assert max(np.diff(turns)) < 40
    assert len(pieces) == 200


def test_an_error_and_a_cancel_in_pieces(host, lib):
    errors, closed = [], []

    def failing():
        yield 0.0
        raise ValueError("x")

    lib.steps.StepRunner(failing(), onError=errors.append).start()
    host.waitUntil(lambda: errors)
    assert isinstance(errors[0], ValueError)

    def endless():
        try:
            while True:
                yield None
        finally:
            closed.append(1)

    runner = lib.steps.StepRunner(endless()).start()
    host.settle(0.02)
    runner.cancel()
    assert closed == [1]
    assert not runner.isRunning
    with pytest.raises(OSError, match="slow"):
        lib.end(lib.steps.inThread(lambda: (_ for _ in ()).throw(OSError("slow"))))


def test_voxels_of_a_volume_are_looked_at_once_whoever_asks_what_is_wrong_with_it(
    host, logic, make_volume, monkeypatch
):
    from WeakMedSAMLib.frontend.bar.next_step import NextSteps
    from WeakMedSAMLib.frontend.labels import volume_problems
    from WeakMedSAMLib.frontend.labels.slice_tags.tags_panel import TagsPanel
    from WeakMedSAMLib.frontend.labels.volumes_panel import VolumesPanel

    looked, look = [], volume_problems.usableProblem
    monkeypatch.setattr(volume_problems, "usableProblem", lambda node: (looked.append(node.GetName()), look(node))[1])
    flat = make_volume("flat", array=np.zeros((5, 6, 7), np.int16), show=True)
    panels = [VolumesPanel(logic.labels, logic.views), TagsPanel(logic.labels, logic.views)]
    logic.state.currentVolume = flat
    assert NextSteps(logic, lambda: "").find().tip == "All voxels have the same value."
    for panel in panels:
        panel.enter()
        panel.refresh()
    assert logic.readyProblem().endswith("All voxels have the same value.")
    assert looked == ["flat"]
    host.slicer.util.updateVolumeFromArray(flat, np.arange(210, dtype=np.int16).reshape(5, 6, 7))
    panels[0].refresh()
    assert logic.labels.problems.of(flat) == ""
    assert looked == ["flat", "flat"], "voxels that changed are looked at anew"
    for panel in panels:
        panel.cleanup()
