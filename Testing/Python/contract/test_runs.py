"""The run folder and its description; nothing in a file leads out of the folder."""

from __future__ import annotations

import copy
import json
import os
import stat
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.labelled_volume import NUMBERINGS
from WeakMedSAMLib.contract.runs import (
    RUN_VERSION,
    RunDescription,
    RunFolder,
    RunSettings,
    RunVolume,
    load_run,
    save_run,
)

SCHEMA = json.loads(resources.files("WeakMedSAMLib.contract").joinpath("schemas/run.schema.json").read_text("utf-8"))
GOOD = {
    "schema": "weakmedsam-run",
    "schema_version": 1,
    "run_id": "f00",
    "created": "2025-01-02T03:04:05+00:00",
    "versions": {"weakmedsam": "0.1.0"},
    "settings": {"seed": 3, "intensity": [-160, 240], "overrides": {"walk.steps": 4, "flip": True, "name": "x"}},
    "classes": [{"name": "Lüngen", "color": [1, 2, 3], "label_value": 4}],
    "volumes": [
        {"id": "000", "file": "volumes/000.nrrd", "name": "täg 1", "sha256": "ab" * 32, "source": "/elsewhere/a.nii"},
        {"id": "001", "file": "volumes/001.nrrd", "name": "two"},
    ],
}
names = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=8).filter(str.strip)
finite = st.floats(-1e6, 1e6)
settings = st.builds(
    RunSettings,
    preset=names,
    device=st.sampled_from(["auto", "cpu", "cuda:1"]),
    seed=st.integers(0, 2**32 - 1),
    subclasses=st.none() | st.integers(1, 20),
    intensity=st.sampled_from(["auto", "percentile"])
    | st.tuples(finite, finite).filter(lambda pair: pair[0] < pair[1]),
    model=st.none() | st.just("../another run/model"),
    overrides=st.dictionaries(names, finite | st.booleans() | names | st.integers(), max_size=3),
)


def _run_with(place: str, value: object, data: dict = GOOD) -> dict:
    data = copy.deepcopy(data)
    *way, last = [int(step) if step.isdigit() else step for step in place.split("/")]
    target = data
    for step in way:
        target = target[step]
    if value is None and isinstance(last, str):
        del target[last]
    else:
        target[last] = value
    return data


def _write(folder: Path, data: object) -> Path:
    (folder / "run.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


@example_settings(max_examples=40)
@given(settings=settings, found=st.lists(names, max_size=4))
def test_round_trip(tmp_path_factory, settings, found):
    folder = tmp_path_factory.getbasetemp() / "any run"
    run = RunDescription(
        volumes=[
            RunVolume(
                f"{n:03}", f"volumes/{n:03}.nrrd", name, None, name, (name, None)[n % 2], numbering=NUMBERINGS[n % 2]
            )
            for n, name in enumerate(found)
        ],
        classes=ClassTable.from_names(["lungs", "肝臓"]),
        settings=settings,
        versions={"weakmedsam": "0.1.0", "device": {"name": "cpu"}},
    )
    save_run(folder, run)
    assert load_run(folder) == run
    jsonschema.validate(json.loads((folder / "run.json").read_text("utf-8")), SCHEMA)
    jsonschema.validate(run.to_json(), SCHEMA)


def test_good_file_is_read(tmp_path):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(GOOD, SCHEMA)
    run = load_run(_write(tmp_path, GOOD))
    assert run.settings.intensity == (-160.0, 240.0)
    assert run.settings.overrides == {"walk.steps": 4, "flip": True, "name": "x"}
    assert run.classes.names == ["Lüngen"]
    assert [volume.id for volume in run.volumes] == ["000", "001"]
    assert run.volumes[1].sha256 is None


def test_volumes_of_version_1_count_as_they_are_stored_and_are_written_as_the_newest(tmp_path):
    run = load_run(_write(tmp_path, GOOD))
    assert [(volume.numbering, volume.one_order) for volume in run.volumes] == 2 * [("file", False)]
    save_run(tmp_path, run)
    written = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert (written["schema_version"], written["volumes"][0]["numbering"]) == (RUN_VERSION, "file")


def test_short_file_takes_the_defaults(tmp_path):
    data = {"schema_version": 1, "classes": [{"name": "a"}], "volumes": []}
    jsonschema.validate(data, SCHEMA)
    run = load_run(_write(tmp_path, data))
    assert run.settings == RunSettings()
    assert len(run.run_id) == 32


def test_runs_have_ids_of_their_own():
    runs = [RunDescription(volumes=[], classes=ClassTable()) for _ in range(2)]
    assert runs[0].run_id != runs[1].run_id
    assert runs[0].created.endswith("+00:00")


def test_places_in_a_run_folder(tmp_path):
    places = RunFolder(tmp_path / "run")
    found = {
        "volumes": places.volumes,
        "tags.json": places.tags,
        "run.json": places.run,
        "events.jsonl": places.events,
        "state": places.state,
        "model": places.model,
        "log.txt": places.log,
        "cancel": places.cancel,
        "results/007": places.results("007"),
    }
    assert found == {name: tmp_path / "run" / name for name in found}
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_run_folder_is_private(tmp_path):
    save_run(tmp_path / "run", RunDescription(volumes=[], classes=ClassTable()))
    for folder in ("", "volumes", "state"):
        assert stat.S_IMODE((tmp_path / "run" / folder).stat().st_mode) == 0o700


def test_run_that_cannot_be_written(tmp_path):
    (tmp_path / "run").write_text("a file is in the way")
    with pytest.raises(UserError, match="Cannot write") as caught:
        save_run(tmp_path / "run", RunDescription(volumes=[], classes=ClassTable()))
    assert caught.value.code == "cannot_write"


ESCAPES = [
    "../000.nrrd",
    "volumes/../../000.nrrd",
    "/etc/passwd",
    "//server/share/a.nrrd",
    "..",
    "volumes/..",
    "C:/scan.nrrd",
    "C:scan.nrrd",
    "..\\000.nrrd",
    "volumes\\000.nrrd",
    "volumes/000.nrrd:stream",
]


@pytest.mark.parametrize("file", ESCAPES)
def test_paths_that_leave_the_run_folder_are_refused(tmp_path, file):
    data = _run_with("volumes/0/file", file)
    with pytest.raises(UserError, match="not inside the run folder") as caught:
        load_run(_write(tmp_path, data))
    assert caught.value.code == "path_escapes"
    assert str(tmp_path / "run.json") in caught.value.message
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, SCHEMA)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
@pytest.mark.parametrize("target", ["../secret.nrrd", "/etc/passwd"])
def test_symbolic_links_that_leave_the_run_folder_are_refused(tmp_path, target):
    folder = tmp_path / "run"
    (folder / "volumes").mkdir(parents=True)
    (tmp_path / "secret.nrrd").write_text("x")
    (folder / "volumes" / "000.nrrd").symlink_to(target if target.startswith("/") else tmp_path / "secret.nrrd")
    with pytest.raises(UserError, match=r"volumes/000\.nrrd") as caught:
        load_run(_write(folder, GOOD))
    assert caught.value.code == "path_escapes"


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_links_that_stay_inside_and_linked_run_folders_are_fine(tmp_path):
    folder = tmp_path / "run"
    (folder / "volumes").mkdir(parents=True)
    (folder / "volumes" / "001.nrrd").write_text("x")
    (folder / "volumes" / "000.nrrd").symlink_to("001.nrrd")
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    _write(folder, GOOD)
    run = load_run(tmp_path / "link")
    assert RunFolder(tmp_path / "link").volume(run.volumes[0]).read_text() == "x"


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_link_that_leads_to_itself_is_no_endless_loop(tmp_path):
    (tmp_path / "volumes").symlink_to("volumes")
    assert load_run(_write(tmp_path, GOOD)).volumes[0].file == "volumes/000.nrrd"


# place, value (None removes it), code, words; the schema refuses all of these as well
BAD = [
    ("schema", "weakmedsam-tags", "bad_run", "not a WeakMedSAM run"),
    ("schema_version", None, "bad_field", "schema_version"),
    ("schema_version", "1", "bad_field", "whole number"),
    ("schema_version", RUN_VERSION + 1, "run_too_new", "newer version"),
    ("volumes/0/numbering", "nifti", "bad_field", "'numbering' of volume 0"),
    ("schema_version", 0, "bad_run", "not a WeakMedSAM run"),
    ("volumes", None, "bad_run", "no 'volumes'"),
    ("volumes", {}, "bad_field", "'volumes'"),
    ("classes", None, "bad_run", "no 'classes'"),
    ("classes/0/label_value", 0, "bad_field", "label value"),
    ("run_id", 5, "bad_field", "'run_id'"),
    ("versions", [], "bad_field", "'versions'"),
    ("presets", "fast", "bad_field", "unknown key 'presets'"),
    ("volumes/0/id", "../1", "bad_run", "'../1' is not a volume id"),
    ("volumes/0/id", "00", "bad_run", "'00' is not a volume id"),
    ("volumes/0/id", "٣٣٣", "bad_run", "is not a volume id"),
    ("volumes/0/id", 0, "bad_field", "'id' of volume 0"),
    ("volumes/0/file", None, "bad_field", "volume 0 has no 'file'"),
    ("volumes/0/file", "", "bad_name", "empty"),
    ("volumes/0/name", "", "bad_name", "empty"),
    ("volumes/0/sha256", "xyz", "bad_run", "'xyz'"),
    ("volumes/0/path", "a", "bad_field", "unknown key 'path'"),
    ("settings", [], "bad_field", "the settings must be an object"),
    ("settings/sed", 1, "bad_field", "unknown key 'sed'.*preset, backbone, device, seed"),
    ("settings/seed", -1, "bad_setting", "'seed' is -1"),
    ("settings/seed", 2**32, "bad_setting", "'seed' is 4294967296"),
    ("settings/seed", 1.5, "bad_field", "'seed' of the settings must be a whole number, not 1.5"),
    ("settings/subclasses", 0, "bad_setting", "'subclasses' is 0"),
    ("settings/intensity", "ct", "bad_field", "'auto' or 'percentile'"),
    ("settings/intensity", [1], "bad_field", "'intensity'"),
    ("settings/intensity", ["1", "2"], "bad_field", "'intensity'"),
    ("settings/intensity", [False, 2], "bad_field", "'intensity'"),
    ("settings/train", 1, "bad_field", "'train' of the settings must be true or false"),
    ("settings/model", 1, "bad_field", "'model'"),
    ("settings/overrides", {"a": [1]}, "bad_field", "'overrides'"),
    ("settings/overrides", ["a"], "bad_field", "'overrides'"),
]
BEYOND_THE_SCHEMA = [
    ("settings/intensity", [2, 1], "bad_setting", r"'intensity' is \[2, 1\]"),
    ("settings/intensity", [1, 1], "bad_setting", "lowest"),
    ("settings/intensity", [0, 10**400], "bad_field", "'intensity'"),
    ("settings/train", False, "bad_setting", "name it in 'model'"),
    ("volumes/1/id", "000", "bad_run", "same id"),
    ("volumes/1/file", "volumes/000.nrrd", "bad_run", "same file"),
    ("volumes/0/file", "vol\u0000.nrrd", "bad_name", "control"),
    ("classes", [{"name": "a", "label_value": 1}, {"name": "b", "label_value": 1}], "duplicate_label_value", "'b'"),
]


@pytest.mark.parametrize(("place", "value", "code", "words"), BAD + BEYOND_THE_SCHEMA)
def test_bad_descriptions_are_refused(tmp_path, place, value, code, words):
    with pytest.raises(UserError) as caught:
        load_run(_write(tmp_path, _run_with(place, value)))
    assert caught.value.code == code
    assert caught.value.message.startswith(f"{tmp_path / 'run.json'}: ")
    assert caught.match(f"(?s){words}")
    assert caught.value.hint


@pytest.mark.parametrize(("place", "value"), [row[:2] for row in BAD])
def test_schema_refuses_what_the_reader_refuses(place, value):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(_run_with(place, value), SCHEMA)


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", '{"schema_version": 1', "[" * 10_000])
def test_what_is_no_description_at_all(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UserError, match=r"run\.json"):
        load_run(tmp_path)


def test_missing_description(tmp_path):
    with pytest.raises(UserError, match=r"run\.json does not exist"):
        load_run(tmp_path)


@pytest.mark.parametrize("volume_id", ["", "..", "000/..", "a", "0000000000", 0, None])
def test_results_of_what_is_no_id(tmp_path, volume_id):
    with pytest.raises(UserError, match="is not a volume id"):
        RunFolder(tmp_path).results(volume_id)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1], None, {}])
def test_settings_made_in_a_program_are_checked_too(value):
    with pytest.raises(UserError, match="'overrides'"):
        RunSettings(overrides={"walk.beta": value})
