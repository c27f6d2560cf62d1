"""Damaged and foreign files in a run folder and in the cache.

After each the run goes on and ends as the one that nothing disturbed. See docs/RELIABILITY.md.
"""

from __future__ import annotations

import os
import shutil

import pytest
from faults.tiny_bench import KEPT
from faults.tiny_run import different, outputs

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import parse_line
from WeakMedSAMLib.contract.runs import RUN_VERSION


def flip(path, place=0.6):
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 0x10
    path.write_bytes(bytes(content))


def truncate(path, place=0.5):
    os.truncate(path, int(place * path.stat().st_size))


def entries(run):
    return sorted(path for path in run.cache.iterdir() if len(path.name) == 64)


def largest(folder):
    return max(folder.glob("*.npy"), key=lambda path: path.stat().st_size)


def foreign_features(run):
    """Put the features of the other scan, whole and sound, in the place of those of this one."""
    one, other = entries(run)
    shutil.rmtree(one)
    shutil.copytree(other, one)


@pytest.mark.parametrize(
    "damage",
    [
        lambda run: flip(largest(entries(run)[0])),
        lambda run: truncate(largest(entries(run)[0])),
        lambda run: flip(entries(run)[0] / "meta.json", 0.3),
        lambda run: truncate(entries(run)[0] / "meta.json"),
        foreign_features,
    ],
    ids=["a bit", "half", "a bit of the list", "half the list", "of another scan"],
)
def test_damaged_features_are_computed_again(finished, damage):
    damage(finished)
    finished.ends_as_the_undisturbed_one()
    assert len(entries(finished)) == 2


def entry_of(run, stage):
    (entry,) = (path for path in (run.places.state / stage).iterdir() if path.is_dir())
    return entry


def foreign_state(run, stage):
    """Put the output of another stage, whole and sound, in its place."""
    entry = entry_of(run, stage)
    shutil.rmtree(entry)
    shutil.copytree(entry_of(run, "projection" if stage != "projection" else "classifier"), entry)


def flip_array(run, stage):
    flip(largest(entry_of(run, stage)))


def truncate_array(run, stage):
    truncate(largest(entry_of(run, stage)))


def flip_list(run, stage):
    flip(entry_of(run, stage) / "meta.json")


@pytest.mark.parametrize(
    ("stage", "damage"),
    [
        *((stage, foreign_state) for stage in KEPT),
        *(("projection", damage) for damage in (flip_array, truncate_array, flip_list)),
        *(("classifier", damage) for damage in (flip_array, flip_list)),
        ("segmenter-2", flip_array),
    ],
)
def test_a_damaged_checkpoint_is_made_again(finished, stage, damage):
    damage(finished, stage)
    told = finished.ends_as_the_undisturbed_one()
    assert told[stage] == "finished"
    assert all(told[other] == "reused" for other in KEPT if other != stage)


def test_a_damaged_file_of_events_hinders_nothing_and_new_events_can_be_read(finished):
    torn = b'\x00\xff garbage\n{"event":"progress","stage":"emb'
    finished.places.events.write_bytes(torn)
    finished.ends_as_the_undisturbed_one()
    content = finished.places.events.read_bytes()
    assert content.startswith(torn + b"\n")
    assert [parse_line(line) for line in content[len(torn) + 1 :].splitlines()] == finished.events


def test_a_folder_in_the_place_of_the_file_of_events_is_named(finished):
    finished.places.events.unlink()
    finished.places.events.mkdir()
    with pytest.raises(UserError, match="events") as caught:
        finished.go()
    assert caught.value.code == "cannot_write"
    assert caught.value.hint
    finished.places.events.rmdir()
    finished.ends_as_the_undisturbed_one()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (lambda data: data[: len(data) // 2], "bad_json"),
        (lambda data: b"", "bad_json"),
        (lambda data: b"\xff\xfe" + data, "not_utf8"),
        (lambda data: b'{"schema": "of another program", "schema_version": 1}', "bad_run"),
        (
            lambda data: data.replace(f'"schema_version": {RUN_VERSION}'.encode(), b'"schema_version": 99'),
            "run_too_new",
        ),
    ],
    ids=["half", "empty", "binary", "foreign", "newer"],
)
def test_a_damaged_run_description_is_refused_and_costs_nothing_else(finished, content, code):
    written = finished.places.run.read_bytes()
    finished.places.run.write_bytes(content(written))
    error = finished.fails()
    assert error.code == code
    assert "run.json" in error.message
    assert different(outputs(finished.places), finished.bench.outputs) == []
    finished.places.run.write_bytes(written)
    told = finished.ends_as_the_undisturbed_one()
    assert all(told[stage] == "reused" for stage in KEPT)
