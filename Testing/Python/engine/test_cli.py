"""The command line: help, runs, and what ends with which exit code."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from functools import partial
from importlib.metadata import EntryPoint

import click
import pytest

from WeakMedSAMLib import __version__
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done, Error, Hello, parse_line
from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.engine.cli.main import ENTRY_POINTS, cli
from WeakMedSAMLib.engine.cli.outcome import log_unforeseen
from WeakMedSAMLib.engine.data.volumes import read_labels
from WeakMedSAMLib.engine.runs import worker
from WeakMedSAMLib.engine.runs.maker import model_folder

pytestmark = pytest.mark.usefixtures("own_folders")


def commands(command, path=()):
    yield path, command
    context = click.Context(command)
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        yield from commands(command.get_command(context, name), (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands(cli)))
def test_every_command_has_help_with_an_example(call, path, command):
    code, out, _ = call(*path, "--help")
    assert code == 0
    assert "Example" in out
    assert " ".join(["weakmedsam", *path]) in out
    undocumented = [one.name for one in command.params if isinstance(one, click.Option) and not one.help]
    assert undocumented == []


def test_all_commands_are_there():
    assert {path[0] for path, _command in commands(cli) if path} == {
        *("apply", "benchmark", "cache", "demo", "evaluate", "probe", "resident"),
        *("next", "run", "segment", "tags", "update", "weights"),
    }


@pytest.mark.parametrize(("module", "known"), [("added_commands", True), ("commands_that_went_away", False)])
def test_a_package_adds_a_command_by_its_entry_point(call, monkeypatch, tmp_path, module, known):
    """One whose module is missing is left out: an installed wheel says of its studies beside an extension without."""
    (tmp_path / "added_commands.py").write_text(
        "import click\nmine = click.command(help='Mine.')(lambda: print('ran'))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("mine", f"{module}:mine", ENTRY_POINTS)
    monkeypatch.setattr("WeakMedSAMLib.engine.cli.main.entry_points", lambda group: [point])
    assert (" mine " in call("--help")[1]) is known
    assert call("mine")[:2] == ((0, "ran\n") if known else (2, ""))


def test_a_command_that_cannot_be_imported_is_not_hidden(monkeypatch, tmp_path):
    (tmp_path / "broken_commands.py").write_text("import a_package_that_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("mine", "broken_commands:mine", ENTRY_POINTS)
    monkeypatch.setattr("WeakMedSAMLib.engine.cli.main.entry_points", lambda group: [point])
    with pytest.raises(ModuleNotFoundError, match="a_package_that_nobody_has"):
        cli.get_command(click.Context(cli), "mine")


def test_version(call):
    assert call("--version")[:2] == (0, f"weakmedsam, version {__version__}\n")


@pytest.mark.skipif(sys.platform != "linux", reason="tells what GNU's OpenMP is set to")
@pytest.mark.parametrize(("chosen", "used"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_cores_that_wait_for_each_other_sleep_unless_it_is_chosen_otherwise(chosen, used):
    """A training step takes half to a fifth of the time so, where another program uses a core, too."""
    known = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment = {**known, "OMP_DISPLAY_ENV": "true", **({"OMP_WAIT_POLICY": chosen} if chosen else {})}
    words = [sys.executable, "-m", "WeakMedSAMLib.engine", "probe"]
    said = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stderr
    assert f"OMP_WAIT_POLICY = '{used}'" in said


def test_segment_makes_masks_and_says_where_they_are(call, scans, tag_file, tmp_path):
    code, out, _ = call(
        "segment", *[word for scan in scans for word in ("--volume", scan)], "--tags", tag_file, "--out", tmp_path / "m"
    )
    assert code == 0
    places = dict(line.split(": ", 1) for line in out.splitlines() if line.startswith("scan "))
    assert list(places) == ["scan 0", "scan 1", "scan 2"]
    labels, _ = read_labels(places["scan 0"])
    assert labels[3:8].any()
    assert not labels[:3].any()


def test_settings_of_the_method_go_into_the_run(call, scans, tag_file, tmp_path):
    words = ("--volume", scans[0], "--tags", tag_file, "--out", tmp_path / "m")
    assert call("segment", *words, "--set", "rounds=1", "--set", "pam_beta=2.5", "--set", "pam=false")[0] == 0
    (folder,) = (tmp_path / "m").iterdir()
    assert load_run(folder).settings.overrides == {"rounds": 1, "pam_beta": 2.5, "pam": False}


@pytest.mark.parametrize("wrong", [("--set", "x=1"), ("--backbone", "sam_vit_x"), ("--preset", "quick")])
def test_a_setting_that_is_not_known_leaves_nothing_behind(call, scans, tag_file, tmp_path, wrong):
    code, _, said = call("segment", "--volume", scans[0], "--tags", tag_file, "--out", tmp_path / "m", *wrong)
    assert code == 2
    assert wrong[1].split("=")[0] in said
    assert not (tmp_path / "m").exists()


def test_a_model_is_found_in_the_folder_of_results_if_it_is_the_only_one(tmp_path):
    first, second = tmp_path / "run-1" / "model", tmp_path / "run-2" / "model"
    first.mkdir(parents=True)
    second.mkdir(parents=True)
    (first / "model.safetensors").write_bytes(b"")
    assert {model_folder(path) for path in (first, first.parent, tmp_path)} == {first.resolve()}
    (second / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="run-1, run-2") as raised:
        model_folder(tmp_path)
    assert raised.value.code == "several_models"


def test_a_run_that_is_repeated_reuses_what_is_there(call, scans, tag_file, tmp_path, method):
    for _ in range(2):
        assert call("segment", "--volume", scans[0], "--tags", tag_file, "--out", tmp_path / "m")[0] == 0
    assert method.bright.computed == ["000"]


def test_with_events_stdout_holds_nothing_but_event_lines(call, make):
    code, out, _ = call("run", make().path, "--events")
    events = [parse_line(line) for line in out.splitlines()]
    assert code == 0
    assert None not in events
    assert isinstance(events[0], Hello)
    assert isinstance(events[-1], Done)


def test_with_events_an_error_before_the_run_began_is_an_event_too(call, tmp_path):
    code, out, err = call("run", tmp_path, "--events")
    error, done = (parse_line(line) for line in out.splitlines())
    assert code == 2
    assert isinstance(error, Error)
    assert error.code == "not_a_run_folder"
    assert done.status == "failed"
    assert "run.json" in err


def test_a_cancelled_run_has_an_exit_code_of_its_own(call, make):
    places = make()
    places.cancel.write_text("", encoding="ascii")
    code, _, err = call("run", places.path)
    assert code == 3
    assert "again" in err


def _write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def bad_calls(tmp_path, scans, tag_file):
    cut = tmp_path / "cut.nrrd"
    cut.write_bytes(scans[0].read_bytes()[:-300])
    segment = ("segment", "--out", tmp_path / "m", "--tags")
    return {
        "no tag file": ((*segment, tmp_path / "none.json", "--volume", scans[0]), ["none.json"]),
        "truncated volume": ((*segment, tag_file, "--volume", cut), ["cut.nrrd"]),
        "absent volume": ((*segment, tag_file, "--volume", tmp_path / "none.nrrd"), ["none.nrrd"]),
        "no volume": ((*segment, tag_file), ["--volume"]),
        "unknown class": ((*segment, tag_file, "--volume", scans[0], "--classes", "liver"), ["liver", "ball"]),
        "unknown device": ((*segment, tag_file, "--volume", scans[0], "--device", "tpu"), ["tpu"]),
        "bad intensity": ((*segment, tag_file, "--volume", scans[0], "--intensity", "1"), ["1"]),
        "unknown setting": ((*segment, tag_file, "--volume", scans[0], "--set", "round=1"), ["round", "rounds"]),
        "setting without a value": ((*segment, tag_file, "--volume", scans[0], "--set", "rounds"), ["NAME=VALUE"]),
        "bad seed": ((*segment, tag_file, "--volume", scans[0], "--seed", "-1"), ["-1"]),
        "out is a file": (
            ("segment", "--out", tag_file, "--tags", tag_file, "--volume", scans[0]),
            [tag_file.name],
        ),
        "bad JSON": (("tags", "show", _write(tmp_path / "bad.json", "{")), ["bad.json"]),
        "wrong extension": (("tags", "show", _write(tmp_path / "bad.txt", "")), ["bad.txt"]),
        "wrong labels": (
            ("tags", "from-mask", "--mask", scans[0], "--labels", "liver=0", "--out", tmp_path / "t.json"),
            ["liver=0"],
        ),
        "weights of somebody else": (("weights", "import", tag_file), ["SHA-256"]),
        "no model": (("apply", "--model", tmp_path, "--volume", scans[0], "--out", tmp_path / "m"), ["model"]),
        "no cases": (("benchmark", "accuracy", tmp_path, "--labels", "1", "--out", tmp_path / "r.json"), ["_image"]),
        "no such command": (("segmnt",), ["segmnt"]),
        "no such option": (("run", tmp_path, "--evnts"), ["--evnts"]),
    }


BAD_CALLS = (
    "no tag file",
    "truncated volume",
    "absent volume",
    "no volume",
    "unknown class",
    "unknown device",
    "bad intensity",
    "unknown setting",
    "setting without a value",
    "bad seed",
    "out is a file",
    "bad JSON",
    "wrong extension",
    "wrong labels",
    "weights of somebody else",
    "no model",
    "no cases",
    "no such command",
    "no such option",
)


@pytest.mark.parametrize("name", BAD_CALLS)
def test_what_the_user_can_put_right_ends_with_two_names_the_value_and_shows_no_traceback(
    call, tmp_path, scans, tag_file, name
):
    words, expected = bad_calls(tmp_path, scans, tag_file)[name]
    code, out, err = call(*words)
    assert code == 2
    assert all(word in err for word in expected)
    assert "Traceback" not in out + err


def test_a_failure_that_nobody_foresaw_ends_with_one_and_names_the_log(call, make, method, monkeypatch):
    broken, build = method.failing(KeyError("surprise")), method.arguments["build"]
    monkeypatch.setattr(worker, "run_folder", partial(worker.run_folder.func, method=broken, build=build))
    places = make()
    code, _, err = call("run", places.path)
    assert code == 1
    assert str(places.log) in err
    assert "Traceback" not in err


def test_failures_outside_a_run_go_to_a_log_file_too(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_log_dir", lambda *_, **__: str(tmp_path / "logs"))
    try:
        raise KeyError("surprise")
    except KeyError as problem:
        log_unforeseen(type(problem), problem, problem.__traceback__)
    err = capsys.readouterr().err
    assert "surprise" in (tmp_path / "logs" / "log.txt").read_text(encoding="utf-8")
    assert str(tmp_path / "logs" / "log.txt") in err
    assert "Traceback" not in err
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700, "tracebacks name files"
