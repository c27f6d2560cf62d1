"""What the scene keeps, and that saving and loading keeps it."""

from __future__ import annotations

import json


def record(lib, volumes, **fields):
    nodes = {f"{i:03d}": node.GetID() for i, node in enumerate(volumes)}
    return lib.RunRecord("ab12", "/tmp/läuft nicht", "2026-11-21T10:00:00+00:00", volumes=nodes, **fields)


def test_an_empty_node_has_defaults_and_is_made_once(scene, lib):
    state = lib.ModuleState.ofScene(scene)
    assert (state.tagsJson, state.preset, state.device, state.sliceView) == ("", "fast", "auto", "Red")
    assert state.restIsAbsent
    assert (state.currentVolume, state.cohort(), state.runs(), state.run("x")) == (None, [], [], None)
    assert lib.ModuleState.ofScene(scene).node is state.node
    assert state.node.GetAttribute("ModuleName") == "WeakMedSAM"
    state.removeRun("x")
    state.cleanup()


def test_everything_that_is_set_is_told(scene, make_volume, lib):
    state = lib.ModuleState.ofScene(scene)
    told = []
    state.changed.connect(lambda: told.append(1))
    volume = make_volume()
    for change in (
        lambda: setattr(state, "tagsJson", "{}"),
        lambda: setattr(state, "restIsAbsent", False),
        lambda: setattr(state, "currentVolume", volume),
        lambda: state.setInCohort(volume, True),
        lambda: state.saveRun(record(lib, [volume])),
        lambda: state.setInCohort(volume, False),
        lambda: scene.RemoveNode(volume),
    ):
        before = len(told)
        change()
        assert len(told) > before
    assert state.currentVolume is None
    assert state.run("ab12").volumes == {}
    state.cleanup()
    before = len(told)
    state.node.SetParameter("tags", "x")
    assert len(told) == before


def test_runs_are_replaced_and_kept_apart(scene, make_volume, lib):
    state = lib.ModuleState.ofScene(scene)
    volumes = [make_volume("a"), make_volume("b")]
    first = record(lib, volumes, status="running", classes=[{"name": "ü"}])
    state.saveRun(first)
    second = lib.RunRecord("cd34", volumes={"000": volumes[1].GetID()})
    state.saveRun(second)
    first.status, first.segmentations = "finished", {"001": volumes[0].GetID()}
    state.saveRun(first)
    assert state.runs() == [first, second]
    state.reviewRunId = "ab12"
    state.removeRun("ab12")
    assert state.runs() == [second]
    assert state.reviewRunId == ""
    state.cleanup()


def test_unreadable_runs_are_no_disaster(scene, lib):
    state = lib.ModuleState.ofScene(scene)
    for text in ("{", "[1, {}]", '[{"runId": "a", "status": 5, "odd": 1}]'):
        state.node.SetParameter("runs", text)
        assert [run.status for run in state.runs()] in ([], ["preparing"])
    state.cleanup()


def test_saved_and_reloaded(host, scene, make_volume, lib, tmp_path):
    tags = json.dumps({"text": "ü \"quotes\" <&> 'x'\n 日本 %20 \\"}, ensure_ascii=False)
    state = lib.ModuleState.ofScene(scene)
    volumes = [make_volume("Käse"), make_volume("two")]
    state.tagsJson, state.sliceView, state.restIsAbsent = tags, "Green", False
    state.currentVolume = volumes[1]
    for volume in volumes:
        state.setInCohort(volume, True)
    state.saveRun(record(lib, volumes, status="finished"))
    state.cleanup()
    path = tmp_path / "scene ü.mrb"
    assert host.slicer.util.saveScene(str(path))
    host.closeScene()
    empty = lib.ModuleState.ofScene(scene)
    assert (empty.tagsJson, empty.cohort()) == ("", [])
    empty.cleanup()
    # Other nodes have the old ids by now, so that those of the file change.
    make_volume("there before")
    host.slicer.util.loadScene(str(path), {"clear": False})
    state = lib.ModuleState.ofScene(scene)
    assert state.tagsJson == tags
    assert (state.sliceView, state.restIsAbsent) == ("Green", False)
    assert state.currentVolume.GetName() == "two"
    assert [node.GetName() for node in state.cohort()] == ["Käse", "two"]
    names = {key: scene.GetNodeByID(node).GetName() for key, node in state.run("ab12").volumes.items()}
    assert names == {"000": "Käse", "001": "two"}
    state.cleanup()
