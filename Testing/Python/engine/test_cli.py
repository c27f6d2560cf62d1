"""The command line: what a person types, and what a program reads."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import click
import numpy as np
import pytest

import WeakMedSAMLib
from WeakMedSAMLib import __version__
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done, Error, Hello, Progress, Stage, Warning_, parse_line
from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.contract.tag_files import read_tags, write_tags
from WeakMedSAMLib.contract.tags import CohortTags, VolumeTags
from WeakMedSAMLib.engine import worker
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.cli.outcome import log_unforeseen, outcome
from WeakMedSAMLib.engine.cli.show import TerminalListener, spoken
from WeakMedSAMLib.engine.run_maker import model_folder
from WeakMedSAMLib.engine.volumes import read_labels, read_volume, write_volume

REPOSITORY = Path(WeakMedSAMLib.__file__).parent.parent


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture
def call(capsys, method, monkeypatch):
    """Call the command line with the few-line method; gives exit code, stdout and stderr."""
    arguments = {name: value for name, value in method.arguments.items() if name != "report"}
    monkeypatch.setattr(worker, "run_folder", partial(worker.run_folder, **arguments))

    def run(*words):
        capsys.readouterr()
        code = outcome(cli, [str(word) for word in words])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def tag_file(tmp_path):
    entries = []
    for number in range(2):
        volume = VolumeTags(f"scan {number}", n_slices=10)
        volume.tag_range("ball", 3, 7)
        entries.append(volume)
    write_tags(tmp_path / "tags.json", CohortTags(ClassTable.from_names(["ball"]), entries))
    return tmp_path / "tags.json"


def commands(command, path=()):
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands(cli)))
def test_every_command_has_help_with_an_example(call, path, command):
    code, out, _ = call(*path, "--help")
    assert code == 0
    assert "Example" in out
    assert " ".join(["weakmedsam", *path]) in out
    undocumented = [one.name for one in command.params if isinstance(one, click.Option) and not one.help]
    assert undocumented == []


def test_version(call):
    assert call("--version")[:2] == (0, f"weakmedsam, version {__version__}\n")


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
            ("tags", "from-mask", "--mask", scans[0], "--labels", "liver=x", "--out", tmp_path / "t.json"),
            ["liver=x"],
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
    def broken(*_, **__):
        raise KeyError("surprise")

    monkeypatch.setattr(
        worker, "run_folder", partial(worker.run_folder.func, pipeline=broken, build=method.arguments["build"])
    )
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


def test_tags_are_shown_with_their_ranges(call, tag_file):
    code, out, _ = call("tags", "show", tag_file)
    assert code == 0
    assert "ball (label 1): 10 present, 10 absent, 0 untagged" in out
    assert "ball: present 3-7; absent 0-2, 8-9" in out


def test_tags_go_from_json_to_csv_and_back(call, tag_file, tmp_path):
    assert call("tags", "convert", tag_file, tmp_path / "tags.csv")[0] == 0
    assert call("tags", "convert", tmp_path / "tags.csv", tmp_path / "back.json")[0] == 0
    assert read_tags(tmp_path / "back.json") == read_tags(tag_file)


def test_checking_tags_tells_what_is_wrong_and_fails_only_for_errors(call, tag_file, scans, tmp_path):
    code, out, _ = call("tags", "check", tag_file, "--volume", scans[0], "--volume", scans[1])
    assert code == 0
    assert "warning: " in out
    assert "2 volumes" in out
    tags = read_tags(tag_file)
    for volume in tags.volumes:
        volume.states["ball"][:] = 1
    write_tags(tmp_path / "all.json", tags)
    code, _, err = call("tags", "check", tmp_path / "all.json")
    assert code == 2
    assert "absent on no slice" in err


def ball_mask(scan, tmp_path, geometry=None):
    volume = read_volume(scan)
    mask = (volume.array > 350).astype(np.uint8) * 2
    path = tmp_path / "mask.nrrd"
    write_volume(path, mask, geometry or volume.geometry)
    return path, mask


def test_tags_from_a_mask_follow_pixels_a_slice_and_stride(call, scans, tmp_path):
    path, mask = ball_mask(scans[0], tmp_path)
    out = tmp_path / "made.json"
    words = ("tags", "from-mask", "--mask", path, "--volume", scans[0], "--labels", "ball=2", "--out", out)
    assert call(*words, "--min-pixels", 30, "--stride", 2)[0] == 0
    tags = read_tags(out)
    pixels = (mask > 0).sum(axis=(1, 2))
    expected = np.where(pixels >= 30, 1, 0)
    expected[1::2] = -1
    assert tags.volumes[0].state("ball").tolist() == expected.tolist()
    assert (tags.volumes[0].name, tags.volumes[0].sha256) == ("scan 0", read_volume(scans[0]).sha256)
    assert tags.classes[0].label_value == 2


def turned(scan):
    geometry = read_volume(scan).geometry
    return type(geometry)(geometry.origin, geometry.spacing, (1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0), geometry.size)


def test_a_mask_that_lies_elsewhere_is_refused(call, scans, tmp_path):
    path, _ = ball_mask(scans[0], tmp_path, turned(scans[0]))
    words = ("--mask", path, "--volume", scans[0], "--labels", "ball=2", "--out", tmp_path / "made.json")
    code, _, err = call("tags", "from-mask", *words)
    assert code == 2
    assert "flipped" in err


def test_evaluate_scores_a_mask_against_a_reference(call, scans, tmp_path):
    path, mask = ball_mask(scans[0], tmp_path)
    shifted = np.zeros_like(mask)
    shifted[1:] = mask[:-1]
    write_volume(tmp_path / "shifted.nrrd", shifted, read_volume(scans[0]).geometry)
    code, out, _ = call("evaluate", "--prediction", tmp_path / "shifted.nrrd", "--reference", path)
    scores = json.loads(out)["label 2"]
    a, b = mask > 0, shifted > 0
    assert code == 0
    assert scores["patient_dice"] == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()), abs=1e-4)
    assert scores["hd95_mm"] == pytest.approx(4.0)


def test_evaluate_says_how_to_name_values_that_differ(call, scans, tmp_path):
    path, mask = ball_mask(scans[0], tmp_path)
    write_volume(tmp_path / "other.nrrd", (mask > 0).astype(np.uint8) * 7, read_volume(scans[0]).geometry)
    words = ("evaluate", "--prediction", tmp_path / "other.nrrd", "--reference", path)
    code, out, err = call(*words)
    assert code == 0
    assert json.loads(out)["label 2"]["patient_dice"] == 0
    assert "label 2" in err
    assert "--reference-labels" in err
    code, out, err = call(*words, "--labels", "ball=7", "--reference-labels", "ball=2")
    assert json.loads(out)["ball"]["patient_dice"] == 1
    assert not err


def test_weights_are_listed_and_checked(call):
    code, out, _ = call("weights", "list")
    assert code == 0
    assert "litemedsam" in out
    assert "pre-trained with masks" in out
    assert call("weights", "check")[0] == 0


def test_the_cache_tells_its_size_and_can_be_cleared(call, tmp_path):
    from WeakMedSAMLib.engine.cache import FeatureCache

    with FeatureCache() as cache, cache.writer("0" * 64, {"image": ((1000, 1000, 20), "|u1")}):
        pass
    assert "0.02 GB" in call("cache", "size")[1]
    assert "0.02 GB" in call("cache", "clear")[1]
    assert "0.00 GB" in call("cache", "size")[1]


def test_probe_says_what_there_is(call):
    code, out, _ = call("probe")
    found = json.loads(out)
    assert code == 0
    assert found["ready"]
    assert found["devices"][-1]["device"] == "cpu"
    assert found["devices"][-1]["memory_bytes"] > 0
    assert {"litemedsam", "sam_vit_b", "samus", "efficientsam_ti"} <= set(found["backbones"])
    assert found["weights"][0]["usable"]
    assert found["versions"]["weakmedsam"] == __version__


def bare_python(tmp_path, packages):
    """Environment and command of a Python that sees only these packages of all that is installed here."""
    site = tmp_path / "site"
    site.mkdir()
    installed = Path(np.__file__).parent.parent
    for pattern in packages:
        for path in [
            *installed.glob(pattern),
            *installed.glob(f"{pattern}-*.dist-info"),
            *installed.glob(f"{pattern}.libs"),
        ]:
            (site / path.name).symlink_to(path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(REPOSITORY)])}
    return partial(subprocess.run, env=environment, capture_output=True, text=True, check=False, timeout=60), [
        sys.executable,
        "-S",
        "-m",
        "WeakMedSAMLib.engine",
    ]


def test_without_torch_probe_says_what_is_missing_and_a_run_is_refused(tmp_path):
    run, command = bare_python(tmp_path, ["click", "filelock", "numpy", "platformdirs"])
    probed = run([*command, "probe"])
    found = json.loads(probed.stdout)
    assert probed.returncode == 0
    assert not found["ready"]
    assert "torch" in found["missing"]
    assert "numpy" not in found["missing"]
    assert {"litemedsam", "sam_vit_b", "samus", "efficientsam_ti"} <= set(found["backbones"])
    refused = run([*command, "run", str(tmp_path)])
    assert refused.returncode == 2
    assert "torch" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_bare_python_says_what_even_the_command_line_needs(tmp_path):
    run, command = bare_python(tmp_path, [])
    probed = run([*command, "probe"])
    assert probed.returncode == 0
    assert "click" in json.loads(probed.stdout)["missing"]
    refused = run([*command, "run", str(tmp_path)])
    assert refused.returncode == 2
    assert "click" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_pipe_gets_a_line_a_quarter_with_the_time_left_and_no_control_characters():
    stream = io.StringIO()
    listener = TerminalListener(stream)
    listener(Stage(stage="embed", number=1, total=4))
    for done in range(1, 101):
        listener(Progress(stage="embed", done=done, total=100, eta_s=float(100 - done)))
    listener(Stage(stage="embed", state="finished", seconds=80.2))
    lines = stream.getvalue().splitlines()
    assert lines == [
        "1/4 embed ...",
        "embed 25/100, 1 min 15 s left",
        "embed 50/100, 50 s left",
        "embed 75/100, 25 s left",
        "embed done  1 min 20 s",
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar_with_the_time_left():
    stream = Terminal()
    listener = TerminalListener(stream)
    listener(Stage(stage="embed"))
    for done in (0, 25, 100):
        listener(Progress(stage="embed", done=done, total=100, eta_s=float(100 - done)))
    listener(Stage(stage="embed", state="finished", seconds=3.0))
    shown = stream.getvalue()
    assert "25/100" in shown
    assert "1 min 15 s left" in shown
    assert shown.endswith("embed done  3 s\n")


def test_warnings_go_to_stderr_with_their_way_out(capsys):
    TerminalListener()(Warning_(code="few_volumes", message="Only 2 volumes.", hint="Tag more."))
    out, err = capsys.readouterr()
    assert out == ""
    assert "Only 2 volumes. Tag more." in err


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_seconds_are_spoken(seconds, words):
    assert spoken(seconds) == words
