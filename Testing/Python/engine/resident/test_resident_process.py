"""The resident worker as a process of its own, and on the real network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from faults.resident_bench import BALL, ball, dice
from faults.tiny_run import NAME

from WeakMedSAMLib.contract.resident import Bye, Open, Opened, Predict, Ready
from WeakMedSAMLib.contract.resident_lines import encode_request, parse_answer
from WeakMedSAMLib.engine.backbones import registry
from WeakMedSAMLib.engine.data.volumes import open_stored, write_volume
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.runs.resident_slices import SliceAnswers

ROOT = Path(__file__).resolve().parents[4]
SHARED = ROOT.parent / "shared" / "data"
POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="ends processes as Linux and macOS do")


CODE = f"""
import sys
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.studies.filter_backbone import FilterBackbone
class Noisy(FilterBackbone):
    def embed(self, slices):
        print('{{"answer":"from a library"}}')
        return super().embed(slices)
register({NAME!r})(lambda *_: Noisy())
from WeakMedSAMLib.engine.cli.main import main
main(["resident", *sys.argv[1:], "--backbone", {NAME!r}, "--device", "cpu"])
"""


@pytest.fixture
def start(folder, tmp_path):
    """start(*options): a process of its own that has said that it is ready."""
    made = []

    def start(*options):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        words = [sys.executable, "-c", CODE, str(folder), "--cache", str(tmp_path / "cache"), *options]
        made.append(
            subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
            )
        )
        assert isinstance(answer_of(made[-1]), Ready)
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def answer_of(process):
    return parse_answer(process.stdout.readline().rstrip("\n"))


def ask(process, *requests):
    for one in requests:
        process.stdin.write(encode_request(one) + "\n")
    return [answer_of(process) for _ in requests]


def test_a_process_answers_whatever_libraries_print_and_ends_with_its_input(start, opening, folder):
    process = start("--remove")
    opened, mask = ask(process, opening, Predict(2, "a", 3, (BALL,)))
    assert isinstance(opened, Opened)
    assert dice(mask.array(), ball()) > 0.5
    process.stdin.close()
    assert answer_of(process) == Bye("input_closed")
    assert process.wait(timeout=20) == 0
    assert not folder.exists()


def test_a_process_ends_while_it_waits_for_its_input(start):
    """Ending beside a thread that reads is what aborts a process that reads through Python's buffers."""
    process = start("--idle", "0.3")
    assert answer_of(process) == Bye("idle")
    assert process.wait(timeout=20) == 0


@POSIX_ONLY
def test_a_process_ends_when_the_program_that_started_it_is_gone(start, folder):
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    process = start("--remove", "--parent", str(parent.pid))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert answer_of(process) == Bye("input_closed")
    process.wait(timeout=20)
    assert not folder.exists()


def test_the_command_line_says_what_is_wrong(call, tmp_path):
    code, _out, said = call("resident", tmp_path / "nowhere")
    assert code == 2
    assert "nowhere" in said


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared scans are not here")
def test_litemedsam_answers_a_box_in_time(tmp_path):
    """A liver, by the network that the module uses; on two cores it takes 0.5 s, and 0.1 s where features are."""
    from WeakMedSAMLib.engine.data.volumes import read_labels, read_volume

    names = sorted((SHARED / "chaos_t2spir").glob("*_image.nii.gz"))
    image, truth = read_volume(names[0]), read_labels(str(names[0]).replace("_image", "_mask"))[0]
    write_volume(tmp_path / "a.nrrd", image.array, image.geometry)
    liver = truth == 1
    index = int(liver.sum((1, 2)).argmax())
    rows, columns = (np.flatnonzero(liver[index].any(axis)) for axis in (1, 0))
    box = ((int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1])))
    with FeatureCache(tmp_path / "cache") as cache:
        answers = SliceAnswers(registry.build_backbone("litemedsam"), cache, tmp_path)
        answers.open(Open(1, "a", "a.nrrd", open_stored(tmp_path / "a.nrrd").sha256))
        answers.predict(Predict(2, "a", 0, (box,)))
        fresh = answers.predict(Predict(3, "a", index, (box,)))
        again = answers.predict(Predict(4, "a", index, (box,)))
    print(f"a slice that was to be encoded took {fresh.seconds:.2f} s, one that was {again.seconds:.2f} s")
    assert dice(fresh.array(), liver[index]) > 0.9
    assert (fresh.encoded, again.encoded) == (True, False)
    assert fresh.seconds < 3 * 3
    assert again.seconds < 3 * 1
