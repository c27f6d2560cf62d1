"""Runs from the outside: results, resuming, cancelling, faults, and what is told of them."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done, Error, Hello, Progress, Stage, Warning_, parse_line
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.runs import RunFolder, load_run, save_run
from WeakMedSAMLib.engine.base.reporting import Cancelled
from WeakMedSAMLib.engine.data.volumes import read_geometry, read_labels, read_volume, write_volume
from WeakMedSAMLib.engine.runs import session as run_session
from WeakMedSAMLib.engine.runs.session import RunFailed, Terminated
from WeakMedSAMLib.engine.runs.worker import run_folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def labels_of(places, count=3):
    return [read_labels(places.results(f"{number:03d}") / "labels.nrrd")[0] for number in range(count)]


def kinds(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_a_run_writes_results_in_the_geometry_of_the_scans_and_tells_of_them(make, method, scans):
    places = make()
    summary = run_folder(places.path, **method.arguments)
    assert summary.volume_ids == ("000", "001", "002")
    for number, path in enumerate(scans):
        folder = places.results(f"{number:03d}")
        assert read_geometry(folder / "labels.nrrd") == read_geometry(path)
        assert {file.name for file in folder.iterdir()} == {
            "labels.nrrd", "segmentation.seg.nrrd", "probability_1.nrrd", "quality.json", "preview.png",
        }  # fmt: skip
    labels = labels_of(places)
    assert all(found[3:8].any() and not found[:3].any() and not found[8:].any() for found in labels)
    assert len(method.results()) == 3
    assert isinstance(method.events[0], Hello)
    assert method.events[-1].status == "ok"


def test_the_events_file_holds_the_same_events_as_the_listener_got(make, method):
    places = make()
    run_folder(places.path, **method.arguments)
    lines = places.events.read_text(encoding="ascii").splitlines()
    assert [parse_line(line) for line in lines] == method.events


def test_what_is_about_one_volume_says_which_by_its_id(make, method):
    places = make()
    run = load_run(places.path)
    file = places.volume(run.volumes[1])
    scan = read_volume(file)
    array = scan.array.astype(np.float32)
    array[0, 0] = np.nan
    write_volume(file, array, scan.geometry)
    with pytest.raises(UserError) as caught:
        run_folder(places.path, **method.arguments)
    assert caught.value.volume == "001"
    (warning,) = kinds(method.events, Warning_)
    assert (warning.code, warning.volume, warning.values["file"]) == ("voxels_not_finite", "001", "001.nrrd")
    (error,) = kinds(method.events, Error)
    assert (error.code, error.volume, error.values) == ("volume_changed", "001", {"file": str(file)})


def test_values_of_events_hold_no_names(make, method):
    places = make()
    tags = read_label_file(places.tags)
    for volume in tags.volumes:
        volume.sha256 = None
    tags.volumes[0].n_slices, tags.volumes[0].size = 4000, None
    write_label_file(places.tags, tags)
    with pytest.raises(UserError):
        run_folder(places.path, **method.arguments)
    (error,) = kinds(method.events, Error)
    assert (error.volume, error.values["name"]) == ("000", "volume 000")
    names = [volume.name for volume in load_run(places.path).volumes]
    assert not any(name in places.events.read_text(encoding="ascii") for name in names)


def test_seconds_of_every_stage_are_told(make, method):
    summary = run_folder(make().path, **method.arguments)
    assert set(summary.seconds_by_stage) == {"bright-000", "bright-001", "bright-002"}
    assert 0 < sum(summary.seconds_by_stage.values()) <= summary.seconds
    assert all(event.seconds is not None for event in kinds(method.events, Stage) if event.state == "finished")


def test_progress_comes_with_the_time_that_is_left(make, method):
    run_folder(make().path, **method.arguments)
    last = [event for event in kinds(method.events, Progress) if event.done == event.total]
    assert [event.eta_s for event in last] == [0.0, 0.0, 0.0]


def cancel_at(places, events, stage):
    """A listener that asks a run to stop as soon as a stage has begun."""

    def listen(event):
        events.append(event)
        if isinstance(event, Stage) and event.stage == stage and event.state == "started":
            places.cancel.write_text("", encoding="ascii")
            time.sleep(0.25)

    return listen


def test_a_cancelled_run_resumes_and_ends_like_one_that_was_never_cancelled(make, method):
    places = make()
    listener = cancel_at(places, method.events, "bright-001")
    with pytest.raises(Cancelled):
        run_folder(places.path, **{**method.arguments, "report": listener})
    assert method.events[-1].status == "cancelled"
    assert method.bright.computed == ["000"]
    assert not places.cancel.exists()
    run_folder(places.path, **method.arguments)
    assert method.bright.computed == ["000", "001", "002"]
    resumed = labels_of(places)
    for entry in places.state.iterdir():
        for file in sorted(entry.rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
    run_folder(places.path, **method.arguments)
    assert len(method.bright.computed) == 6
    assert all(np.array_equal(one, other) for one, other in zip(resumed, labels_of(places), strict=True))


def test_a_cancel_file_from_before_the_start_stops_the_run_at_once_and_is_used_up(make, method):
    places = make()
    places.cancel.write_text("", encoding="ascii")
    with pytest.raises(Cancelled):
        run_folder(places.path, **method.arguments)
    assert method.bright.computed == []
    run_folder(places.path, **method.arguments)
    assert len(method.results()) == 3


def test_edited_tags_rerun_only_what_depends_on_them(make, method):
    run_folder(make().path, **method.arguments)
    places = make(ranges=((3, 7), (4, 7), (3, 7)))
    run_folder(places.path, **method.arguments)
    assert method.bright.computed == ["000", "001", "002", "001"]
    assert not labels_of(places)[1][3].any()


def test_the_same_volumes_and_settings_make_the_same_run_and_others_another(make):
    first, again, other = make(), make(ranges=((2, 7), (3, 7), (3, 7))), make(seed=1)
    assert first.path == again.path != other.path
    assert load_run(first.path).run_id == load_run(again.path).run_id


def failing(make, method, change):
    """Change a run folder, run it, and return the error and the events."""
    places = make()
    change(places)
    with pytest.raises(UserError) as caught:
        run_folder(places.path, **method.arguments)
    return places, caught.value


def replace_volume(places):
    volume = read_volume(places.volumes / "001.nrrd")
    write_volume(places.volumes / "001.nrrd", volume.array + 1, volume.geometry)


def retag(places, change):
    tags = read_label_file(places.tags)
    change(tags)
    write_label_file(places.tags, tags)


def forget_hash(places):
    """Make run and tags as somebody writes them by hand, without hashes, so that only slice numbers can be checked."""
    run = load_run(places.path)
    save_run(places.path, replace(run, volumes=[replace(volume, sha256=None) for volume in run.volumes]))
    data = json.loads(places.tags.read_text(encoding="utf-8"))
    for volume in data["volumes"]:
        volume.pop("sha256", None)
        del volume["slices"], volume["size"]
    data["volumes"][1]["tags"]["ball"]["present"] = [[3, 12]]
    data["volumes"][1]["tags"]["ball"]["absent"] = []
    places.tags.write_text(json.dumps(data), encoding="utf-8")


def all_present(tags):
    for volume in tags.volumes:
        volume.states["ball"][:] = 1


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (replace_volume, "volume_changed", ["001.nrrd", "sha256"]),
        (forget_hash, "tag_beyond_last_slice", ["volume 001", "12", "9"]),
        (lambda places: places.tags.unlink(), "no_tags", ["tags.json"]),
        (lambda places: retag(places, all_present), "class_never_absent", ["ball"]),
        (lambda places: places.run.unlink(), "not_a_run_folder", ["run.json"]),
        (lambda places: (places.volumes / "002.nrrd").unlink(), None, ["002.nrrd"]),
    ],
)
def test_what_the_user_can_put_right_names_file_and_value(make, method, change, code, words):
    places, error = failing(make, method, change)
    assert code is None or error.code == code
    assert all(word in str(error) for word in words)
    assert error.hint
    assert method.bright.computed == []
    if places.run.exists():
        told = kinds(method.events, Error)
        assert [event.code for event in told] == [error.code]
        assert method.events[-1].status == "failed"


def test_tags_of_another_volume_are_refused(make, method):
    places = make()
    tags = json.loads(places.tags.read_text(encoding="utf-8"))
    tags["volumes"][0]["sha256"] = "0" * 64
    places.tags.write_text(json.dumps(tags), encoding="utf-8")
    with pytest.raises(UserError, match="volume 000") as caught:
        run_folder(places.path, **method.arguments)
    assert caught.value.code == "tags_for_other_volume"


def test_few_volumes_are_a_warning_that_says_what_would_help(make, method):
    run_folder(make().path, **method.arguments)
    assert any(event.code == "few_volumes" and event.hint for event in kinds(method.events, Warning_))


def test_a_failure_that_nobody_foresaw_is_in_the_log_with_its_traceback(make, method):
    places = make()

    with pytest.raises(RunFailed) as caught:
        run_folder(places.path, **{**method.arguments, "method": method.failing(KeyError("surprise"))})
    assert caught.value.log == places.log
    log = places.log.read_text(encoding="utf-8")
    assert "Traceback" in log
    assert "surprise" in log
    assert [event.code for event in kinds(method.events, Error)] == ["internal"]
    assert "Traceback" not in method.events[-2].message


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (OSError(28, "No space left on device", "state/x.npy"), "disk_full"),
        (OSError(30, "Read-only file system", "state/x.npy"), "cannot_write"),
        (MemoryError(), "out_of_memory"),
    ],
)
def test_a_disk_or_memory_that_gives_out_midway_is_told_with_a_way_out(make, method, problem, code):
    with pytest.raises(UserError) as caught:
        run_folder(make().path, **{**method.arguments, "method": method.failing(problem)})
    assert caught.value.code == code
    assert caught.value.hint
    assert kinds(method.events, Done)[-1].status == "failed"


def test_an_output_folder_without_room_is_refused_before_any_work(make, method, monkeypatch):
    places = make()
    usage = run_session.shutil.disk_usage(places.path)
    monkeypatch.setattr(run_session.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(UserError, match="free") as caught:
        run_folder(places.path, **method.arguments)
    assert caught.value.code == "disk_full"
    assert method.bright.computed == []


def test_an_output_place_that_is_a_file_is_refused(tmp_path, make):
    (tmp_path / "out").write_text("in the way", encoding="ascii")
    with pytest.raises(UserError) as caught:
        make()
    assert caught.value.code == "cannot_write"
    assert "out" in caught.value.message


def test_one_run_folder_takes_one_run_at_a_time(make, method):
    places = make()
    refused = []

    def second(event):
        if not refused and isinstance(event, Stage):
            with pytest.raises(UserError) as caught:
                run_folder(places.path, **{**method.arguments, "report": None})
            refused.append(caught.value.code)

    run_folder(places.path, **{**method.arguments, "report": second})
    assert refused == ["run_in_use"]


@pytest.mark.parametrize(("problem", "word"), [(KeyboardInterrupt, "keyboard"), (Terminated, "SIGTERM")])
def test_an_interrupt_is_a_cancellation_that_says_where_it_came_from(make, method, problem, word):
    with pytest.raises(Cancelled, match=word):
        run_folder(make().path, **{**method.arguments, "method": method.failing(problem)})
    assert method.events[-1].status == "cancelled"
    assert word in method.events[-1].message


def test_no_name_of_a_volume_becomes_part_of_a_path_or_of_the_log(make, method):
    places = make()
    run_folder(places.path, **method.arguments)
    assert not [path for path in places.path.rglob("*") if "scan" in path.name]
    assert "scan" not in places.log.read_text(encoding="utf-8")


def test_a_run_folder_is_closed_to_others(make):
    places: RunFolder = make()
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in (places.path, places.volumes, places.state))


def test_tags_without_a_hash_are_used_with_a_warning(make, method):
    places = make()
    data = json.loads(places.tags.read_text(encoding="utf-8"))
    for volume in data["volumes"]:
        volume.pop("sha256", None)
    places.tags.write_text(json.dumps(data), encoding="utf-8")
    run_folder(places.path, **method.arguments)
    told = [event for event in kinds(method.events, Warning_) if event.code == "matched_by_name"]
    assert len(told) == 1
    assert "3 volumes, such as volume 000" in told[0].message
    assert labels_of(places)[0].any()


def test_tags_of_volumes_that_are_not_in_the_run_are_a_warning(make, method):
    places = make()
    run = load_run(places.path)
    save_run(places.path, replace(run, volumes=run.volumes[:2]))
    run_folder(places.path, **method.arguments)
    told = [event for event in kinds(method.events, Warning_) if event.code == "tags_unused"]
    assert ["1 tagged volume." in event.message for event in told] == [True]
    assert "tags_unmet" not in {event.code for event in kinds(method.events, Warning_)}


def test_an_untagged_volume_beside_unused_tags_is_told_by_its_id(make, method):
    places = make()
    tags = read_label_file(places.tags)
    tags.volumes[1].name = "scan one"
    write_label_file(places.tags, tags)
    run_folder(places.path, **method.arguments)
    (told,) = [event for event in kinds(method.events, Warning_) if event.code == "tags_unmet"]
    assert "no tags for volume 001 (1 in all)" in told.message
    assert "scan" not in told.message + told.hint


def test_a_listener_that_has_gone_is_a_cancellation(make, method):
    def gone(event):
        raise BrokenPipeError(32, "Broken pipe")

    places = make()
    with pytest.raises(Cancelled):
        run_folder(places.path, **{**method.arguments, "report": gone})
    assert parse_line(places.events.read_text(encoding="ascii").splitlines()[-1]).status == "cancelled"
