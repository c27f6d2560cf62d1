"""Evaluations: intervals, summaries, files, and which prediction belongs to which reference."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from matplotlib.image import imread

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.cli.outcome import outcome
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import write_volume
from WeakMedSAMLib.engine.evaluation.evaluate import classes_of, evaluate_pairs
from WeakMedSAMLib.engine.evaluation.gallery import Gallery
from WeakMedSAMLib.engine.evaluation.intervals import mean, mean_interval
from WeakMedSAMLib.engine.evaluation.pairs import find_pairs
from WeakMedSAMLib.engine.evaluation.report import evaluation_report, scores_csv, write_evaluation
from WeakMedSAMLib.engine.evaluation.rows import Row, confidence_figures, group_summary
from WeakMedSAMLib.engine.evaluation.scoring import Score

GEOMETRY = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 2.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (20, 24, 10))


def masks(seed):
    """A true ball and box, and predictions that are the more wrong the higher the seed."""
    k, j, i = np.mgrid[:10, :24, :20]
    labels = np.zeros((10, 24, 20), np.uint8)
    labels[((k - 5) * 2) ** 2 + (j - 8) ** 2 + (i - 8) ** 2 < 30] = 1
    labels[2:5, 16:22, 4:14] = 2
    predicted = np.roll(labels, seed, axis=2)
    return predicted, labels


@pytest.fixture
def folders(tmp_path):
    """Folders of predictions, references and scans of four cases; one reference more than there are predictions."""
    places = [tmp_path / name for name in ("predicted", "true", "scans")]
    for place in places:
        place.mkdir()
    for seed in range(5):
        predicted, true = masks(seed)
        scan = np.random.default_rng(seed).normal(100, 10, true.shape).astype(np.float32) + 50 * true
        if seed < 4:
            write_volume(places[0] / f"case {seed}.nrrd", predicted, GEOMETRY)
        write_volume(places[1] / f"case {seed}_mask.nrrd", true, GEOMETRY)
        write_volume(places[2] / f"case {seed}_image.nrrd", scan, GEOMETRY)
    return places


def rows_of(folders, gallery=None, images=True):
    pairing = find_pairs(folders[0], folders[1], folders[2] if images else None)
    return evaluate_pairs(pairing.pairs, classes_of(pairing, "ball=1,$box$=2", None), "k", gallery)


def test_what_was_noticed_in_scans_is_told(folders):
    scan = np.random.default_rng(0).normal(100, 10, (10, 24, 20)).astype(np.float32)
    scan[0, 0, 0] = np.nan
    write_volume(folders[2] / "case 0_image.nrrd", scan, GEOMETRY)
    pairing, told = find_pairs(*folders), []
    evaluate_pairs(pairing.pairs, classes_of(pairing, "ball=1", None), tell=told.append)
    assert [note.code for file in told for note in file.notes] == ["voxels_not_finite"]


def test_the_mean_pools_values_and_the_interval_draws_patients():
    groups = {"a": [1.0, 1.0, 1.0], "b": [0.0], "c": [0.5, float("nan")]}
    assert mean(groups) == pytest.approx(3.5 / 5)
    low, high = mean_interval(groups)
    assert 0 <= low < 0.7 < high <= 1
    assert mean_interval(groups) == (low, high)
    assert mean_interval({"a": [1.0], "b": [0.0], "c": [float("nan")]}) is None
    assert np.isnan(mean({"c": [float("nan")]}))


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    generator = np.random.default_rng(0)
    hits = 0
    for repeat in range(100):
        levels = generator.normal(0.7, 0.1, 25)
        groups = {str(n): generator.normal(level, 0.05, 8) for n, level in enumerate(levels)}
        low, high = mean_interval(groups, repeat)
        hits += low <= 0.7 <= high
    assert 86 <= hits <= 99


def test_scans_of_one_patient_are_drawn_together():
    def row(case, patient, dice):
        return Row(case, "x", False, Score(dice, (dice,), 1.0, 1.0, False, dice, 1.0, 1.0), patient=patient)

    apart = [row(f"{n}", f"{n}", n % 2) for n in range(16)]
    together = [row(f"{n}", f"{n % 4}", n % 2) for n in range(16)]
    widths = [np.ptp(group_summary(rows)["patient_dice_interval"]) for rows in (apart, together)]
    assert widths[1] > 1.5 * widths[0]


def test_scores_by_hand(folders):
    row = next(row for row in rows_of(folders) if row.case == "case 2" and row.class_name == "$box$")
    assert row.score.patient_dice == pytest.approx(0.8)
    assert row.score.patient_jaccard == pytest.approx(80 / 120)
    assert row.score.volume_ml == row.score.true_volume_ml == pytest.approx(3 * 6 * 10 * 2 / 1000)
    assert row.score.hd95_mm == pytest.approx(2.0)
    assert row.published.trimmed
    assert row.published.dice[0] == 1
    assert not rows_of(folders, images=False)[0].published.trimmed


def test_the_report_is_by_class_with_intervals_and_bland_altman(folders):
    rows = rows_of(folders)
    report = evaluation_report(rows)
    assert list(report["classes"]) == ["ball", "$box$"]
    box = report["classes"]["$box$"]
    assert box["patient_dice_mean"] == pytest.approx(np.mean([1, 0.9, 0.8, 0.7]))
    assert box["patient_dice_interval"][0] < box["patient_dice_mean"] < box["patient_dice_interval"][1]
    assert (box["volume_bias_ml"], box["volume_limits_ml"]) == (0, [0, 0])
    published = box["as_published_per_slice"]
    assert published["slices"] == 40
    assert published["slices_with_both_masks"] == 12
    assert published["dice_of_no_mask_at_all"] == 0.7
    assert published["dice"] == pytest.approx(0.7 + 0.3 * box["patient_dice_mean"], abs=0.01)
    assert published["region_assd_px"] < published["contour_assd_px"]
    assert report["all_classes"]["patients_scored"] == 8
    json.dumps(report, allow_nan=False)


def test_the_limits_of_agreement_are_those_of_bland_and_altman():
    def row(predicted, true):
        return Row("c", "x", False, Score(1.0, (), 0.0, 0.0, False, 1.0, predicted, true))

    differences = np.array([1.0, -2.0, 4.0])
    found = group_summary([row(10 + d, 10) for d in differences])
    reach = 1.96 * differences.std(ddof=1)
    assert found["volume_bias_ml"] == 1.0
    assert found["volume_limits_ml"] == pytest.approx([1 - reach, 1 + reach], abs=1e-3)


def test_files_are_written_and_pictures_are_of_the_worst_and_the_best(folders, tmp_path):
    gallery = Gallery(2)
    rows = rows_of(folders, gallery)
    assert [picture.case for picture in gallery.worst["$box$"]] == ["case 3", "case 2"]
    assert [picture.case for picture in gallery.best["$box$"]] == ["case 0", "case 1"]
    worst = gallery.worst["$box$"][0]
    assert np.count_nonzero(worst.prediction ^ worst.truth) == 36
    assert worst.image.shape == worst.truth.shape
    assert worst.image.max() > 200
    written = write_evaluation(tmp_path / "out", rows, evaluation_report(rows), gallery)
    assert [path.name for path in written] == [path.name for path in written if path.stat().st_size > 500]
    again = write_evaluation(tmp_path / "again", rows, evaluation_report(rows), gallery)
    for one, other in zip(written, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
        if one.suffix == ".png":
            assert min(imread(one).shape[:2]) > 200
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


def test_the_table_has_a_line_a_case_and_runs_nothing(folders):
    row = rows_of(folders)[0]
    harmful = Row('=cmd|"/c calc"!A1', row.class_name, False, row.score, published=row.published)
    lines = list(csv.DictReader(io.StringIO(scores_csv([row, harmful]))))
    assert [line["case"] for line in lines] == ["case 0", '\'=cmd|"/c calc"!A1']
    assert float(lines[0]["patient_dice"]) == 1
    assert float(lines[0]["as_published_per_slice.dice"]) == 1


def test_files_of_other_names_and_runs_are_told_apart(folders, tmp_path):
    pairing = find_pairs(folders[0], folders[1])
    assert (len(pairing.pairs), pairing.not_predicted) == (4, ("case 4",))
    with pytest.raises(UserError, match="case 0") as caught:
        find_pairs(folders[0], folders[0].parent / "true" / "case 1_mask.nrrd")
    assert caught.value.code == "reference_missing"
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError) as caught:
        find_pairs(tmp_path / "none", folders[1])
    assert caught.value.code == "no_predictions"


def test_a_mask_of_nearly_the_same_name_is_proposed(folders):
    (folders[1] / "case 2_mask.nrrd").rename(folders[1] / "Case_02_mask.nrrd")
    with pytest.raises(UserError, match=r"no mask for 'case 2' \(1 of 4 predictions\).*'Case_02'") as caught:
        find_pairs(folders[0], folders[1])
    assert "Is it 'Case_02'?" in caught.value.hint
    with pytest.raises(UserError, match="no scan for 'case 0'") as caught:
        find_pairs(folders[0], folders[0], folders[1] / "Case_02_mask.nrrd")
    assert (caught.value.code, "leave out --images" in caught.value.hint) == ("image_missing", True)


def test_classes_that_differ_are_named_on_both_sides(folders):
    with pytest.raises(UserError, match="'ball', --reference-labels 'box'") as caught:
        classes_of(find_pairs(folders[0], folders[1]), "ball=1", "box=1")
    assert caught.value.code == "labels_differ"


def call(capsys, *words):
    code = outcome(cli, ["evaluate", *map(str, words)])
    return code, *capsys.readouterr()


def test_the_command_prints_a_summary_or_writes_a_folder(folders, tmp_path, capsys):
    words = ("--prediction", folders[0], "--reference", folders[1], "--labels", "ball=1,box=2")
    code, out, err = call(capsys, *words)
    assert code == 0
    assert json.loads(out)["box"]["patients_scored"] == 4
    assert "left out: 1 reference:" in err
    assert "'case 4'" in err
    code, out, _ = call(capsys, *words, "--images", folders[2], "--out", tmp_path / "out")
    assert code == 0
    assert "box: 4 scored" in out
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert (report["cases_scored"], report["not_predicted"]) == (4, 1)
    assert len(report["cases"]) == 8


def test_confidence_is_compared_with_dice_within_a_class():
    def row(name, confidence, dice):
        return Row("c", name, True, Score(dice, (dice,), 1.0, 1.0, False), confidence=confidence)

    found = confidence_figures(
        [
            row("a", 0.9, 0.8),
            row("a", 0.5, 0.6),
            row("a", 0.6, 0.5),
            row("a", 0.2, 0.795),
            row("b", 0.1, 0.99),
            row("b", None, 0.1),
            row("b", 0.5, float("nan")),
        ]
    )
    # Of the five pairs that differ two agree: 0.8 is surer than 0.6 and 0.5; b has no pair.
    assert found == {"error": pytest.approx((0.1 + 0.1 + 0.1 + 0.595 + 0.89) / 5, abs=1e-4), "concordance": 0.4}
    assert confidence_figures([row("a", 0.5, 0.5), row("a", 0.5, 0.9)])["concordance"] == 0.5
    assert confidence_figures([row("a", 0.5, 0.5)]) == {"error": 0.0, "concordance": None}
    assert confidence_figures([row("a", None, 0.5)]) is None
