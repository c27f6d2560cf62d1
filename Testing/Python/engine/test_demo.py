"""End to end on the real chest CT of the demonstration: the real encoder, the real method, the command itself."""

from __future__ import annotations

import json

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.cli.outcome import outcome
from WeakMedSAMLib.engine.data.volumes import read_geometry, read_labels
from WeakMedSAMLib.engine.evaluation import demo

slicerio = pytest.importorskip("slicerio", reason="slicerio, which brings the scan, is not installed")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The demonstration, run once: its folder, exit code and output."""
    import contextlib
    import io

    folder = tmp_path_factory.mktemp("demo")
    words, warnings = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(words), contextlib.redirect_stderr(warnings):
        code = outcome(cli, ["demo", "--out", str(folder / "out"), "--device", "cpu", "--cache", str(folder / "cache")])
    return folder / "out", code, words.getvalue(), warnings.getvalue()


def assert_same_grid(found, expected):
    """NRRD keeps numbers as text: spacing and direction may differ in the last bit."""
    assert found.size == expected.size
    assert found.origin == expected.origin
    assert np.allclose(found.spacing, expected.spacing, rtol=1e-14, atol=0)
    assert np.allclose(found.direction, expected.direction, rtol=0, atol=1e-14)


@pytest.mark.soak
def test_the_demonstration_writes_masks_and_a_picture_in_the_geometry_of_the_scan(made):
    out, code, _, _ = made
    assert code == 0
    scan = read_geometry(demo.demo_scan().volume)
    assert_same_grid(read_geometry(out / "labels.nrrd"), scan)
    assert read_geometry(out / "segmentation.seg.nrrd").size == scan.size
    assert (out / "overview.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "overview.png").stat().st_size > 50_000


@pytest.mark.soak
def test_its_masks_are_like_the_packaged_ones(made):
    out, _, words, _ = made
    labels, _ = read_labels(out / "labels.nrrd")
    truth = np.isin(read_labels(demo.demo_scan().segmentation)[0], (5, 6))
    dice = 2 * ((labels == 1) & truth).sum() / ((labels == 1).sum() + truth.sum())
    assert dice >= 0.93
    last = words.strip().splitlines()[-1].split()
    assert last[0] == "Dice"
    assert float(last[1]) == pytest.approx(dice, abs=5e-4)


@pytest.mark.soak
def test_it_says_how_long_each_stage_took(made):
    _, _, words, _ = made
    lines = words[words.index("Time by stage") : words.index("Written")].splitlines()
    seconds = {line.split()[0]: float(line.split()[1]) for line in lines[1:] if line.strip()}
    assert len(seconds) >= 4
    assert sum(value for name, value in seconds.items() if name != "all") <= seconds["all"] * 1.05


@pytest.mark.soak
def test_masks_stay_off_the_slices_that_were_tagged_absent(made):
    out, _, _, _ = made
    labels, _ = read_labels(out / "labels.nrrd")
    tags = demo.demo_tags(demo.demo_scan())
    absent = tags.volumes[0].state("lungs") == ABSENT
    assert absent.sum() == 7
    assert not labels[absent].any()


@pytest.mark.soak
def test_every_slice_that_was_tagged_present_has_a_mask(made):
    out, _, _, _ = made
    labels, _ = read_labels(out / "labels.nrrd")
    present = demo.demo_tags(demo.demo_scan()).volumes[0].state("lungs") == PRESENT
    assert present.sum() == 27
    assert labels[present].any((1, 2)).all()


@pytest.mark.soak
def test_slicer_opens_the_segmentation_with_its_name_and_colour(made, slicer_nodes):
    out, _, _, _ = made
    opened = slicer_nodes.segmentation(out / "segmentation.seg.nrrd")
    assert [segment.name for segment in opened.segments] == ["lungs"]
    color = ClassTable.from_names(["lungs"])[0].color
    assert opened.segments[0].color == pytest.approx([part / 255 for part in color], abs=0.005)


@pytest.mark.soak
def test_quality_and_events_of_the_run_are_kept(made):
    out, _, _, _ = made
    (run,) = out.glob("run-*")
    quality = json.loads((run / "results" / "000" / "quality.json").read_text(encoding="utf-8"))
    assert quality["axis"] == "k"
    assert (run / "events.jsonl").read_text(encoding="ascii").count('"event":"done"') == 1
    assert any((run / "model").glob("*.safetensors"))


def test_the_tags_say_of_each_slice_only_whether_it_shows_lung():
    tags = demo.demo_tags(demo.demo_scan())
    pixels = np.isin(read_labels(demo.demo_scan().segmentation)[0], (5, 6)).sum(axis=(1, 2))
    assert tags.volumes[0].state("lungs").tolist() == np.where(pixels >= 20, PRESENT, ABSENT).tolist()
    assert tags.counts("lungs") == (27, 7, 0)
    assert "27 slices" in demo.tag_line(tags.volumes[0])


def test_without_the_scan_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="slicerio") as caught:
        demo.demo_scan()
    assert "pip install slicerio" in caught.value.hint
