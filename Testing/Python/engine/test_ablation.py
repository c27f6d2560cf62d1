"""The ablation: resumed cell by cell, failures told, figures by patient, pages; and the bound."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.mask_tags import class_table, parse_mask_classes
from WeakMedSAMLib.engine.features.preprocess import Frame
from WeakMedSAMLib.engine.methods.fast.stage_outputs import settings_until
from WeakMedSAMLib.engine.methods.registry import choose_settings
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, targets_of
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies.ablation import GridOptions, finished_cells, run_grid
from WeakMedSAMLib.studies.ablation_cells import DEFAULT, GRID, Cell, chosen_cells
from WeakMedSAMLib.studies.ablation_figures import estimate, rows_of
from WeakMedSAMLib.studies.ablation_report import page, plot, write_pages
from WeakMedSAMLib.studies.bound import SupervisedMethod
from WeakMedSAMLib.studies.cases import find_cases

GEOMETRY = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (20, 24, 8))
CELLS = [
    Cell(DEFAULT, "ours", "the default", base=""),
    Cell("sce-off", "sub-classes", "off", overrides={"sub_classes": 1}),
]


@pytest.fixture
def grid(tmp_path, method, monkeypatch):
    """Run cells of three small cases by the few-line method; counts the runs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cases"
    folder.mkdir()
    for number in range(3):
        k, j, i = np.mgrid[:8, :24, :20]
        ball = ((k - 3.5) / 2) ** 2 + ((j - 12) / 5) ** 2 + ((i - 9) / 5) ** 2 < 1
        array = (np.random.default_rng(number).normal(100, 20, ball.shape) + 400 * ball).astype(np.int16)
        sitk.WriteImage(GEOMETRY.image(array), str(folder / f"case{number}_image.nii.gz"))
        sitk.WriteImage(GEOMETRY.image(ball.astype(np.uint8)), str(folder / f"case{number}_mask.nii.gz"))
    made = SimpleNamespace(runs=[], out=tmp_path / "out", folder=folder, told=[])

    def run(path, **arguments):
        made.runs.append(path)
        return run_folder(path, **{**arguments, **method.arguments})

    def go(cells=CELLS, seeds=(0,), run=run, **options):
        chosen = GridOptions(folder, "1", device="cpu", **{"stride": 1, **options})
        return run_grid(chosen, cells, seeds, made.out, told=made.told.append, run=run)

    made.go, made.run, made.method = go, run, method.bright
    return made


def test_every_cell_and_seed_gets_a_file_with_scores_and_settings(grid):
    grid.go(seeds=(0, 1))
    files = sorted(path.name for path in (grid.out / "cells").iterdir())
    assert files == ["default-seed0.json", "default-seed1.json", "sce-off-seed0.json", "sce-off-seed1.json"]
    report = json.loads((grid.out / "cells" / "sce-off-seed1.json").read_text(encoding="utf-8"))
    assert (report["status"], report["seed"]) == ("ok", 1)
    assert report["settings"]["overrides"] == {"sub_classes": 1}
    assert len(report["scores"]["patients"]) == 3
    assert 0.5 < report["scores"]["patient_dice_mean"] < 1


def test_a_finished_cell_is_never_run_again(grid):
    first = grid.go()
    before = {path: path.read_bytes() for path in (grid.out / "cells").iterdir()}
    assert len(grid.runs) == 2
    assert grid.go() == first
    assert len(grid.runs) == 2
    assert {path: path.read_bytes() for path in (grid.out / "cells").iterdir()} == before


def test_a_grid_that_was_broken_off_goes_on_with_the_cell_that_is_missing(grid):
    def broken_off(path, **arguments):
        if grid.runs:
            raise KeyboardInterrupt
        return grid.run(path, **arguments)

    with pytest.raises(KeyboardInterrupt):
        grid.go(run=broken_off)
    assert [report["cell"] for report in finished_cells(grid.out)] == [DEFAULT]
    reports = grid.go()
    assert [report["status"] for report in reports] == ["ok", "ok"]
    assert len(grid.runs) == 2


def test_a_cell_that_fails_says_why_the_others_go_on_and_it_is_tried_again(grid):
    wrong = Cell("wrong", "ours", "no such thing", overrides={"pam_speed": 3})
    reports = grid.go([CELLS[0], wrong, CELLS[1]])
    assert [report["status"] for report in reports] == ["ok", "failed", "ok"]
    assert "pam_speed" in reports[1]["reason"]
    assert any("pam_speed" in line for line in grid.told)
    grid.go([CELLS[0], wrong, CELLS[1]])
    assert [path.parent.name for path in grid.runs].count("wrong-seed0") == 2
    assert "pam_speed" in page(reports, rows_of(reports, [*CELLS, wrong]), "plot.svg")


def test_a_changed_cell_is_run_again(grid):
    grid.go()
    changed = Cell("sce-off", "sub-classes", "off", overrides={"sub_classes": 1, "sub_class_weight": 0.0})
    assert grid.go([changed])[0]["settings"]["overrides"]["sub_class_weight"] == 0.0
    assert len(grid.runs) == 3


def test_stages_of_the_base_are_taken_over_and_nothing_of_a_patient_stays_in_other_cells(grid):
    grid.go()
    assert len(grid.method.computed) == 3
    work = grid.out / "work"
    assert not [path for path in work.rglob("*") if path.suffix in (".nrrd", ".png") or path.name == "volumes"]
    assert not any((work / "sce-off-seed0").iterdir())


def test_cells_of_other_scans_do_not_mix(grid):
    grid.go()
    with pytest.raises(UserError) as caught:
        grid.go(stride=2)
    assert caught.value.code == "other_grid"


def test_cells_are_chosen_by_patterns_and_final_rows():
    assert [cell.name for cell in chosen_cells("sce-*,default")] == [
        DEFAULT, "sce-off", "sce-2", "sce-4", "sce-8",
    ]  # fmt: skip
    assert {cell.name for cell in chosen_cells(final=True)} < {cell.name for cell in GRID}
    with pytest.raises(UserError) as caught:
        chosen_cells("sce-9")
    assert "sce-8" in caught.value.hint


def test_every_cell_of_the_grid_has_a_name_of_its_own_settings_that_exist_and_a_base():
    names = [cell.name for cell in GRID]
    assert len(set(names)) == len(names)
    assert all(cell.base in ("", *names) for cell in GRID)
    for cell in GRID:
        assert choose_settings(cell.preset, cell.overrides)


@pytest.mark.parametrize(
    ("changed", "reused"),
    [
        ({"pooling": "average"}, []),
        ({"sub_classes": 4}, []),
        ({"pam": False}, ["classifier"]),
        ({"pam_z": 0.0}, ["classifier"]),
        ({"handing_on": False}, []),
        ({"known_cells_weight": 0.0}, []),
        ({"places": False}, ["classifier", "pseudo-masks"]),
        ({"guess_weight": 1.0}, ["classifier"]),
        ({"handing_anew": False}, ["classifier", "pseudo-masks"]),
        ({"surest_slice": False}, ["classifier", "pseudo-masks"]),
        ({"objects": False}, ["classifier"]),
        ({"segmenter_steps": 200}, ["classifier", "pseudo-masks"]),
        ({"rounds": 1}, ["classifier", "pseudo-masks", "segmenter"]),
        ({"box_refinement": False, "z_consistency": False}, ["classifier", "pseudo-masks", "segmenter"]),
    ],
)
def test_stages_that_do_not_read_a_setting_are_shared_between_cells(changed, reused):
    stages = ["classifier", "pseudo-masks", "segmenter"]
    default, other = choose_settings("fast"), choose_settings("fast", changed)
    assert [stage for stage in stages if settings_until(stage, default) == settings_until(stage, other)] == reused


def test_the_bound_learns_the_true_mask_of_each_slice_and_nothing_where_the_tag_says_absent(grid):
    case = find_cases(grid.folder)[0]
    truth = case.labels()
    tags = case.tags(parse_mask_classes("1")).matrix(class_table(parse_mask_classes("1")))
    volume = SimpleNamespace(frame=Frame(24, 20, 1.0, 1.0, 256), tags=tags)
    source = SimpleNamespace(name=case.name, axis="k")
    masks = SupervisedMethod({case.name: case}, parse_mask_classes("1"))._truths(0, source, volume, [3, 4, 0])
    assert [mask.index for mask in masks] == [3, 4, 0]
    assert not masks[2].probability.any()
    for mask in masks[:2]:
        drawn = volume.frame.from_frame(mask.probability / np.float32(CERTAIN))[0] > 0.5
        own = truth[mask.index] > 0
        assert 2 * (drawn & own).sum() / (drawn.sum() + own.sum()) > 0.95
        assert (targets_of(mask.probability) == 1).sum() > 500


def reports_of(**values):
    """Reports of cells from the Dice of their patients, seed by seed."""
    return [
        {
            "cell": name.replace("_", "-"),
            "seed": seed,
            "status": "ok",
            "run_seconds": 60.0,
            "sub_classes": [{"class": "ball", "count": 2}],
            "options": {"folder": "scans", "labels": "1", "stride": 2, "device": "cpu", "backbone": "litemedsam"},
            "machine": {"processor": "a processor", "cores": 2},
            "versions": {"torch": "2"},
            "scores": {
                "slice_dice_mean": 0.5,
                "patient_hd95_mm_mean": 7.0,
                "patients": [
                    {"case": f"secret{n}", "class": "ball", "patient_dice": dice, "hd95_mm": 20 * (1 - dice)}
                    for n, dice in enumerate(patients)
                ],
            },
        }
        for name, seeds in values.items()
        for seed, patients in enumerate(seeds)
    ]


def test_differences_to_the_default_are_taken_patient_by_patient_over_common_seeds():
    default = [[0.9, 0.8, 0.7, 0.6], [0.7, 0.8, 0.9, 0.6]]
    rows = rows_of(reports_of(default=default, sce_off=[[0.8, 0.7, 0.6, 0.5]]), GRID)
    assert rows[0].dice.mean == pytest.approx(0.75)
    assert rows[0].seeds == (0, 1)
    difference = rows[1].difference
    assert (difference.mean, difference.low, difference.high) == pytest.approx((-0.1, -0.1, -0.1))
    assert difference.excludes_zero
    assert rows[1].hd95_difference.mean == pytest.approx(2.0)
    assert rows[1].seeds == (0,)


def test_a_fixed_defect_is_compared_with_the_recipe_that_has_it_and_the_page_says_so():
    reports = reports_of(
        default=[[0.9, 0.8, 0.7, 0.6]],
        reference_masks=[[0.3, 0.2, 0.1, 0.4]],
        reference_fixed_no_relu=[[0.5, 0.4, 0.3, 0.6]],
    )
    first, fixed = rows_of(reports, GRID)[1:]
    assert first.difference.mean == pytest.approx(-0.5)
    assert fixed.difference.mean == pytest.approx(0.2)
    text = page(reports, rows_of(reports, GRID), "plot.svg")
    assert "**+0.200 (+0.200 to +0.200)** to the first" in text
    assert "**-4.0 (-4.0 to -4.0)** to the first" in text
    assert text.count(" to the first |") == 2


def test_an_interval_is_that_of_the_mean_of_as_many_patients():
    values = np.random.default_rng(1).normal(0.7, 0.1, 40)
    found = estimate({(f"patient {n}", "a"): value for n, value in enumerate(values)})
    wide = 1.96 * values.std(ddof=1) / np.sqrt(40)
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - wide, values.mean() + wide), abs=0.005)


def test_classes_of_one_patient_are_drawn_together():
    values = np.random.default_rng(1).normal(0.7, 0.1, 20)
    alone = estimate({(f"patient {n}", "a"): value for n, value in enumerate(values)})
    alike = estimate({(f"patient {n}", name): value for n, value in enumerate(values) for name in "abcd"})
    assert (alike.low, alike.high) == pytest.approx((alone.low, alone.high))


def test_the_pages_hold_table_aims_and_plot_and_name_no_patient(tmp_path):
    reports = reports_of(
        default=[[0.8, 0.9, 0.7]], sce_off=[[0.8, 0.9, 0.6]], bound=[[0.9, 0.9, 0.9]], reference=[[0.2, 0.3, 0.4]]
    )
    timing = {"slices": 20, "prompts": 16, "ratio": 9.0, "largest_difference": 1e-6}
    timing["seconds_per_slice"] = {"per prompt": 9.0, "once": 1.0}
    extra = {**reports[0], "cell": "encode-per-prompt", "timing": timing}
    del extra["scores"]
    text = write_pages([*reports, extra], tmp_path / "docs")[0].read_text(encoding="utf-8")
    assert "| the default (adaptive K: 2) | 0.800 (0.700 to 0.900) |" in text
    assert "not the paper's SAMUS" in text
    assert "2.67 times the patient Dice of the best reference recipe measured (reference recipe, its network" in text
    assert "0.89 times the patient Dice of the best bound measured" in text
    assert "aimed at was 0.95: not reached" in text
    assert "9.00 s a slice against 1.00 s" in text
    assert "Not run yet: `pooling-average`" in text
    assert "`sce-off`" not in text
    assert "secret" not in text
    assert b"secret" not in (tmp_path / "docs" / "ablation.svg").read_bytes()


def test_another_backbone_has_pages_of_its_own_that_say_what_it_has_seen(tmp_path):
    reports = reports_of(default=[[0.8, 0.9, 0.7]])
    reports[0]["options"]["backbone"] = "mobilesam"
    text, picture = write_pages(reports, tmp_path)
    assert (text.name, picture.name) == ("ablation_mobilesam.md", "ablation_mobilesam.svg")
    words = text.read_text(encoding="utf-8")
    assert "transplanted to frozen `mobilesam`" in words
    assert "(ablation_mobilesam.svg)" in words
    assert "MobileSAM was pre-trained on photographs" in words
    reports[0]["options"]["backbone"] = "added by a user"
    assert "frozen `added by a user`" in page(reports, rows_of(reports, GRID), "plot.svg")


def test_the_plot_is_the_same_for_the_same_figures():
    rows = rows_of(reports_of(default=[[0.8, 0.9, 0.7]]), GRID)
    assert plot(rows) == plot(rows)


def test_without_a_finished_cell_there_is_no_page(tmp_path):
    with pytest.raises(UserError) as caught:
        write_pages([], tmp_path)
    assert caught.value.code == "nothing_measured"
