"""What the scene keeps, and that saving and loading keeps it."""

from __future__ import annotations

import json


def record(lib, volumes, **fields):
    nodes = {f"{i:03d}": node.GetID() for i, node in enumerate(volumes)}
    return lib.RunRecord("ab12", "/tmp/läuft nicht", "2026-11-21T10:00:00+00:00", volumes=nodes, **fields)


def test_an_empty_node_has_defaults_and_is_made_once(scene, lib):
    state = lib.ModuleState(scene)
    assert (state.tagsJson, state.preset, state.device, state.sliceView) == ("", "fast", "auto", "Red")
    assert state.restIsAbsent
    assert (state.currentVolume, state.cohort(), state.runs(), state.run("x")) == (None, [], [], None)
    assert lib.ModuleState(scene).node is state.node
    assert state.node.GetAttribute("ModuleName") == "WeakMedSAM"
    state.removeRun("x")
    state.cleanup()


def test_everything_that_is_set_is_told(scene, make_volume, lib):
    state = lib.ModuleState(scene)
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
    state = lib.ModuleState(scene)
    volumes = [make_volume("a"), make_volume("b")]
    first = record(lib, volumes, status="running", classes=[{"name": "ü"}])
    state.saveRun(first)
    second = lib.RunRecord("cd34", volumes={"000": volumes[1].GetID()})
    state.saveRun(second)
    first.status, first.segmentations = "finished", {"001": volumes[0].GetID()}
    state.saveRun(first)
    # The scene goes to other people: of the folder it has the name only.
    assert "/tmp" not in state.node.GetParameter("runs")
    assert first.folder == "/tmp/läuft nicht"
    first.folder = "läuft nicht"
    assert state.runs() == [first, second]
    state.reviewRunId = "ab12"
    state.removeRun("ab12")
    assert state.runs() == [second]
    assert state.reviewRunId == ""
    state.cleanup()


def test_unreadable_runs_are_no_disaster(scene, lib):
    state = lib.ModuleState(scene)
    for text in ("{", "[1, {}]", '[{"runId": "a", "status": 5, "odd": 1}]'):
        state.node.SetParameter("runs", text)
        assert [run.status for run in state.runs()] in ([], ["preparing"])
    state.cleanup()


def test_a_run_folder_is_looked_for_on_this_computer_only(host, scene, lib, tmp_path):
    from WeakMedSAMLib.frontend.base import folders
    from WeakMedSAMLib.frontend.scene.run_records import folderOf, forgetRunsFolder

    host.app.userSettings().clear()
    folders.setRunsFolder(tmp_path / "now")
    (tmp_path / "now" / "run-1").mkdir(parents=True)
    (tmp_path / "before" / "run-2").mkdir(parents=True)
    (tmp_path / "foreign" / "run-3").mkdir(parents=True)
    state = lib.ModuleState(scene)
    texts = [
        str(tmp_path / "foreign" / "run-1"),
        r"\\host\share\run-1",
        "C:\\Users\\Zoë\\run-1\\",
        str(tmp_path / "foreign" / "run-3"),
        r"\\host\..",
        "D:run-1",
        "",
    ]
    entries = [{"runId": f"{number}x", "folder": text} for number, text in enumerate(texts)]
    state.node.SetParameter("runs", json.dumps(entries))
    now = tmp_path / "now"
    found = [folderOf(record) for record in state.runs()]
    assert found == [now / "run-1"] * 3 + [now / "run-3", now / "run-4x", now / "run-5x", now / "run-6x"]
    # A run of this computer is found after the user has chosen another place for runs, too.
    state.saveRun(lib.RunRecord("2x", str(tmp_path / "before" / "run-2")))
    assert folderOf(state.run("2x")) == tmp_path / "before" / "run-2"
    forgetRunsFolder(tmp_path / "before")
    assert folderOf(state.run("2x")) == now / "run-2"
    state.cleanup()
    host.app.userSettings().clear()


def test_unreadable_tags_are_kept_once_each(scene, lib):
    state = lib.ModuleState(scene)
    assert state.unreadableTags == []
    state.keepUnreadableTags("{ü", "[")
    state.keepUnreadableTags("[")
    assert state.unreadableTags == ["{ü", "["]
    state.node.SetParameter("tagsUnreadable", "broken")
    state.keepUnreadableTags("x")
    assert state.unreadableTags == ["broken", "x"]
    state.cleanup()


def test_saved_and_reloaded(host, scene, make_volume, lib, tmp_path):
    tags = json.dumps({"text": "ü \"quotes\" <&> 'x'\n 日本 %20 \\"}, ensure_ascii=False)
    state = lib.ModuleState(scene)
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
    empty = lib.ModuleState(scene)
    assert (empty.tagsJson, empty.cohort()) == ("", [])
    empty.cleanup()
    # Other nodes have the old ids by now, so that those of the file change.
    make_volume("there before")
    host.slicer.util.loadScene(str(path), {"clear": False})
    state = lib.ModuleState(scene)
    assert state.tagsJson == tags
    assert (state.sliceView, state.restIsAbsent) == ("Green", False)
    assert state.currentVolume.GetName() == "two"
    assert [node.GetName() for node in state.cohort()] == ["Käse", "two"]
    names = {key: scene.GetNodeByID(node).GetName() for key, node in state.run("ab12").volumes.items()}
    assert names == {"000": "Käse", "001": "two"}
    state.cleanup()


def test_a_change_by_one_who_hears_of_a_change_is_told_when_all_have_heard(scene):
    from WeakMedSAMLib.frontend.scene.module_state import ModuleState

    state, heard, depth = ModuleState(scene), [], []

    def first():
        depth.append(len(depth))
        if state.preset != "paper":
            state.preset = "paper"
            heard.append("first has changed it")
        depth.pop()

    def second():
        assert not depth
        heard.append(state.preset)

    state.changed.connect(first)
    state.changed.connect(second)
    state.preset = "reference"
    assert heard == ["first has changed it", "paper", "paper"]
    state.cleanup()


def test_runs_are_as_the_scene_is_now_whatever_changed_since_they_were_read(scene, lib, make_volume, host):
    state, volumes = lib.ModuleState(scene), [make_volume("one"), make_volume("two")]
    first = record(lib, volumes)
    state.saveRun(first)
    assert state.run(first.runId).volumes == first.volumes
    # Who changes what was returned changes no run.
    state.run(first.runId).volumes.clear()
    # Other nodes alone, and nothing else of the run.
    first.volumes = {"000": volumes[1].GetID()}
    state.saveRun(first)
    assert state.run(first.runId).volumes == first.volumes
    with host.slicer.util.NodeModify(state.node):
        first.volumes = {"000": volumes[0].GetID(), "001": volumes[1].GetID()}
        state.saveRun(first)
        assert state.run(first.runId).volumes == first.volumes
    assert state.run(first.runId).volumes == first.volumes
    scene.RemoveNode(volumes[0])
    assert state.run(first.runId).volumes == {"001": volumes[1].GetID()}
    state.removeRun(first.runId)
    assert state.runs() == []
    state.cleanup()


def test_runs_are_read_once_as_long_as_nothing_changed(scene, lib, make_volume, monkeypatch):
    state, read = lib.ModuleState(scene), []
    state.saveRun(record(lib, [make_volume("one")]))
    inside = state._readRuns
    monkeypatch.setattr(state, "_readRuns", lambda: (read.append("read"), inside())[1])
    for _number in range(3):
        assert len(state.runs()) == 1
    assert read == ["read"]
    state.cleanup()
