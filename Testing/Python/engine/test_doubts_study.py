"""Planted errors in tags: what is planted, how it is scored, and the benchmark, resumed set by set."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.studies.doubts import CLEAN, measure_doubts, scores
from WeakMedSAMLib.studies.doubts_dice import ERRORS, measure_dice
from WeakMedSAMLib.studies.doubts_grid import (
    DICE,
    DOUBTS,
    dice_table,
    finished_doubts,
    kinds_table,
    run_doubts,
    section,
    write_section,
)
from WeakMedSAMLib.studies.many_sets import ScanSet, SetsOptions
from WeakMedSAMLib.studies.planted_errors import KINDS, errors, planted

GEOMETRY = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (20, 24, 12))


def tags_of(count=10, slices=40, classes=2):
    """Ranges of 12 slices, later with each volume and class, and a second one of 3 in every volume's first class."""
    found = []
    for number in range(count):
        own = np.full((slices, classes), ABSENT, np.int8)
        for column in range(classes):
            own[number + 8 * column : number + 8 * column + 12, column] = PRESENT
        own[32:35, 0] = PRESENT
        found.append(own)
    return found


def changes(kind, tags=None, seed=0):
    tags = tags_of() if tags is None else tags
    return [errors(*pair) for pair in zip(tags, planted(tags, kind, seed), strict=True)]


@pytest.mark.parametrize(("kind", "share"), [("flips 2 %", 0.02), ("flips 5 %", 0.05)])
def test_flips_are_a_share_of_tags_and_never_of_untagged_slices(kind, share):
    tags = tags_of(40)
    for own in tags:
        own[20:25] = UNTAGGED
    wrong = planted(tags, kind, 0)
    is_changed = np.stack([one != other for one, other in zip(tags, wrong, strict=True)])
    assert abs(is_changed.mean() * 40 / 35 - share) < share / 4
    assert not is_changed[:, 20:25].any()


@pytest.mark.parametrize("off", [1, 2, 3])
def test_an_end_is_off_by_so_many_slices(off):
    found = [one for volume in changes(f"end off by {off}") for one in volume]
    assert 3 <= len(found) <= 6  # of 30 ranges, less where there is no room
    assert all(part.stop - part.start <= off for _column, part in found)


def test_what_is_forgotten_is_the_shorter_range():
    found = [one for volume in changes("range forgotten") for one in volume]
    assert found == [(0, slice(32, 35))] * 2


def test_a_volume_gets_the_tags_of_another_or_two_of_its_classes_swapped():
    for kind in ("wrong volume", "classes swapped"):
        tags = tags_of()
        wrong = planted(tags, kind, 3)
        changed = [number for number, (one, other) in enumerate(zip(tags, wrong, strict=True)) if (one != other).any()]
        assert len(changed) == 2
        for number in changed:
            others = tags if kind == "wrong volume" else [tags[number][:, ::-1]]
            assert any((wrong[number] == other).all() for other in others)
    assert not any(changes("classes swapped", tags_of(classes=1)))


def test_errors_are_the_same_by_the_same_seed_and_leave_the_right_tags_alone():
    tags = tags_of()
    for kind in KINDS:
        assert changes(kind, tags) == changes(kind, tags)
    assert changes("flips 5 %", tags) != changes("flips 5 %", tags, seed=1)
    assert all((one == other).all() for one, other in zip(tags, tags_of(), strict=True))


def test_scores_tell_what_was_found_and_how_much_was_not():
    right = tags_of(4, classes=1)
    wrong = [own.copy() for own in right]
    wrong[0][20:24, 0] = PRESENT  # models know it
    wrong[1][14:16, 0] = PRESENT  # they agree with it
    logits = [np.where(own == PRESENT, 2.0, -2.0) for own in right]
    logits[1][14:16] = 2.0
    logits[2][30] = 2.0  # a right tag that they do not like
    found = scores(right, wrong, logits)
    assert (found["tags"], found["wrong"], found["marked"]) == (160, 6, 5)
    assert found["precision"] == pytest.approx(4 / 5)
    assert found["found"] == pytest.approx(1 / 2)
    assert 0.6 < found["auroc"] < 1
    clean = scores(right, right, logits)
    assert (clean["wrong"], clean["auroc"], clean["found"], clean["precision"]) == (0, None, None, 0.0)
    nothing = scores(right, wrong, [np.full_like(own, np.nan) for own in logits])
    assert (nothing["tags"], nothing["auroc"], nothing["precision"]) == (0, None, None)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A set of six scans of a ball on slices 4 to 8."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "balls"
    folder.mkdir()
    for number in range(6):
        k, j, i = np.mgrid[:12, :24, :20]
        ball = ((k - 6) / 3) ** 2 + ((j - 12) / 6) ** 2 + ((i - 9) / 6) ** 2 < 1
        array = (np.random.default_rng(number).normal(100, 20, ball.shape) + 400 * ball).astype(np.int16)
        sitk.WriteImage(GEOMETRY.image(array), str(folder / f"case{number}_image.nii.gz"))
        sitk.WriteImage(GEOMETRY.image(ball.astype(np.uint8)), str(folder / f"case{number}_mask.nii.gz"))
    return tmp_path


BALLS = ScanSet("balls", "ball=1")


def test_errors_are_found_on_scans_and_nothing_is_measured_twice(data):
    options = SetsOptions(data, backbone=NAME)
    measure = {DOUBTS: measure_doubts}
    told = []
    with one_thread():
        (report,) = run_doubts(options, [BALLS], [0, 1], data / "out", measure, told.append)
    assert report["status"] == "ok", report
    assert [one["marked"] for one in report["kinds"][CLEAN]] == [0, 0]
    assert all(one["auroc"] > 0.9 for one in report["kinds"]["flips 5 %"])
    assert "classes swapped" not in report["kinds"]
    assert "balls, doubts, seeds 0, 1: AUROC flips 2 %" in told[0]
    assert finished_doubts([BALLS], data / "out") == [report]
    assert run_doubts(options, [BALLS], [0, 1], data / "out", {DOUBTS: None}) == [report]
    assert "| none | marked 0.0% | - |" in kinds_table([report])
    assert str(data) not in json.dumps(report)
    for other in (replace(options, backbone="mobilesam"), replace(options, overrides=(("seed_slices", 2),))):
        with pytest.raises(UserError, match=r"doubts\.json is a finished report of other settings"):
            run_doubts(other, [BALLS], [0, 1], data / "out", {DOUBTS: None})
    with pytest.raises(UserError, match=r"seeds is \[0, 1\], not \[0\]"):
        run_doubts(options, [BALLS], [0], data / "out", {DOUBTS: None})


@pytest.mark.soak
def test_whole_runs_are_scored_with_and_without_the_gate_of_tags(data):
    options = SetsOptions(data, backbone=NAME, overrides=tuple(QUICK.items()))
    with one_thread():
        (report,) = run_doubts(options, [BALLS], [0], data / "out", {DICE: measure_dice})
    assert report["status"] == "ok", report
    names = ["clean, gated", "clean, free", f"{ERRORS}, gated", f"{ERRORS}, free"]
    assert list(report["dice"]) == names
    assert 0.3 < report["dice"]["clean, gated"] <= 1
    assert dice_table([report]).splitlines()[0] == f"| set | seeds | {' | '.join(names)} |"


def test_the_page_has_means_over_seeds_and_says_where_nothing_is_measured(tmp_path):
    def report(name, *auroc, status="ok"):
        one = {"tags": 100, "wrong": 5, "marked": 4, "precision": 0.5, "found": None}
        kinds = {"flips 5 %": [{**one, "auroc": value} for value in auroc], CLEAN: [{**one, "auroc": None}]}
        return {"set": name, "way": DOUBTS, "settings": {"seeds": [0, 1]}, "status": status, "kinds": kinds}

    reports = [report("balls", 0.9, 0.8), report("rods", 0.65, 0.65)]
    (tmp_path / "figures.md").write_text(
        "# Figures\n\n## Doubted tags\n\noutdated\n\n## Time\n\nkept\n", encoding="utf-8"
    )
    page = write_section(reports, tmp_path).read_text(encoding="utf-8")
    assert "(seeds 0, 1) | balls | rods | mean AUROC |" in page
    assert "| flips 5 % | 0.85, 0.50, - | 0.65, 0.50, - | 0.750 |" in page
    assert "| none | marked 4.0% | marked 4.0% | - |" in page
    assert "outdated" not in page
    assert page.endswith("## Time\n\nkept\n")
    assert "of whole runs" not in section(reports)
    with pytest.raises(UserError, match="No set of the benchmark is finished"):
        write_section([report("balls", 0.9, status="failed")], tmp_path)
