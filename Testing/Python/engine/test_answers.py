"""How long a reader waits: measured by the real worker process, on a scan and with a backbone that are soon done."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from faults.tiny_run import NAME, QUICK, TinyBackbone

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.stages import EMBED, HANDING, MASKS, UPDATE
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.studies.answers import AnswersOptions, measure_answers
from WeakMedSAMLib.studies.answers_report import PAGE, answers_table, write_page
from WeakMedSAMLib.studies.resident_asker import ResidentAsker

# A worker is started, trains and is waited for until it ends of itself.
pytestmark = pytest.mark.soak

CODE = f"""
import sys

from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.studies.filter_backbone import FilterBackbone
class Tiny(FilterBackbone):
    bright = 0.45
    batch_size = 3
import dataclasses
Tiny.info = dataclasses.replace(FilterBackbone.info, name={NAME!r})
register({NAME!r})(lambda *_: Tiny())
from WeakMedSAMLib.engine.cli.main import main
main(sys.argv[1:])
"""
QUICKLY = AnswersOptions(
    slices=24,
    edge=48,
    classes=(1,),
    repeats=1,
    idle_s=2.0,
    backbone=NAME,
    device="cpu",
    overrides=(*QUICK.items(), ("update_steps", 3)),
)


@pytest.fixture(scope="module")
def said():
    return []


@pytest.fixture(scope="module")
def report(said):
    pytest.importorskip("slicerio", reason="the scan of the demonstration is not installed")
    return measure_answers(QUICKLY, said.append, ("-c", CODE), lambda _name: TinyBackbone())


def test_updates_are_timed_from_nothing_and_later_with_all_of_their_stages(report):
    one = report["updates"]["1"]
    for update in (one["cold"], one["resident"]):
        assert set(update["stages"]) == {"begin", EMBED, HANDING, UPDATE, MASKS, "end"}
        assert sum(update["stages"].values()) == pytest.approx(update["seconds"], abs=0.01)
        assert 0 < update["longest_silence"] <= update["seconds"]
        assert update["work"] is None or update["work"] >= 0
    assert one["cold"]["stages"]["begin"] > one["resident"]["stages"]["begin"], "libraries are loaded once"
    assert one["cold"]["work"] is None or one["cold"]["work"] > one["resident"]["work"]
    assert one["resident"]["seconds"] in one["resident_all"]
    assert 0 < one["drawn"] <= one["shown"] // 10 + 1
    assert one["cancel"] < one["cold"]["seconds"]


def test_boxes_are_timed_where_features_are_there_and_where_not(report):
    boxes = report["boxes"]
    assert 0 < boxes["cached"] <= boxes["cached_slowest"] < boxes["from_nothing"]
    assert 0 < boxes["encoded"] <= boxes["encoded_slowest"]


def test_a_worker_ends_when_it_is_idle_and_its_memory_is_told_where_the_system_tells_it(report):
    for one in (report["updates"]["1"], report["boxes"]):
        assert one["gone"]["reason"] == "idle"
        assert one["gone"]["seconds"] >= QUICKLY.idle_s - 0.1
        memory = one["memory"]
        assert memory["peak"] is None or 0 < memory["idle"] <= memory["peak"] + 1


def test_the_report_is_json_and_the_table_and_the_page_have_its_figures(report, tmp_path):
    assert json.loads(json.dumps(report)) == report
    text, seconds = answers_table(report), report["updates"]["1"]["resident"]["seconds"]
    assert f"{seconds:.1f}" in text.splitlines()[1]
    assert f"{report['boxes']['encoded']:.2f} s where the slice is encoded first" in text
    page = write_page(report, tmp_path / "docs")
    assert page.name == PAGE
    assert f"| an update, resident | **{seconds:.1f} s** |" in page.read_text("utf-8")
    assert report["machine"]["processor"] in page.read_text("utf-8")


def test_numbers_of_classes_that_the_scan_does_not_have_are_refused():
    ended = CliRunner().invoke(cli, ["benchmark", "answers", "--classes", "3"])
    assert ended.exit_code == 2
    assert "1, 4" in ended.output


def test_what_a_worker_says_at_its_end_is_told(tmp_path):
    worker = ("-c", "raise SystemExit('no such library')")
    asker = ResidentAsker(tmp_path / "v", tmp_path / "c", NAME, "cpu", 1.0, worker)
    with asker, pytest.raises(UserError, match="no such library"):
        asker.wait_ready()
