"""What tests of whole runs share: small scans, a method of a few lines, run folders, and the command line."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Artifact, Progress, Stage
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import write_label_file
from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.quality import Quality
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.base.state import stage_key
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.cli.outcome import outcome
from WeakMedSAMLib.engine.data.geometry import Geometry, slice_stack
from WeakMedSAMLib.engine.data.volumes import write_volume
from WeakMedSAMLib.engine.methods.registry import choose_settings, known_presets
from WeakMedSAMLib.engine.parts.assembly import VolumeResult
from WeakMedSAMLib.engine.runs import worker
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.studies.commands import benchmark

# It comes by an entry point; tests have it whatever the metadata of the installation that they run in.
cli.add_command(benchmark)


class BrightMethod:
    """A method of a few lines behind the protocol of methods: bright voxels, on slices not tagged absent.

    Each volume is a stage of its own that is kept and resumed; ``computed`` lists the volumes that were not reused.
    """

    name, read_when_applied = "bright", ()

    def __init__(self):
        self.computed = []

    @property
    def presets(self):
        return {preset: choose_settings(preset) for preset in known_presets()}

    def run(self, cohort, settings, context, start=None):
        classes, store, report = context.classes, context.store, context.report
        for number, volume in enumerate(cohort):
            stage, key = f"bright-{volume.id}", stage_key(volume.sha256, volume.tags)
            kept = store.load(stage, key)
            report(Stage(stage=stage, state="reused" if kept else "started", number=number + 1, total=len(cohort)))
            if kept is None:
                kept = store.save(stage, key, {"labels": self._labels(volume, classes, report, stage)})
                self.computed.append(volume.id)
                report(Stage(stage=stage, state="finished"))
            quality = Quality(slice_confidence=[0.5] * len(volume.tags))
            yield (
                volume,
                VolumeResult(np.array(kept["labels"])[None], {classes[0].label_value: kept["labels"] * 255}, quality),
            )

    def _labels(self, volume, classes, report, stage):
        array = volume.scan.array
        labels = ((array > np.percentile(array, 90)) * classes[0].label_value).astype(np.uint8)
        stack = slice_stack(labels, volume.axis)
        for index in range(len(stack)):
            if volume.tags[index, 0] == ABSENT:
                stack[index] = 0
            report(Progress(stage=stage, done=index + 1, total=len(stack)))
        return labels


class FailingMethod(BrightMethod):
    """It raises as soon as it is run."""

    def __init__(self, problem):
        super().__init__()
        self.problem = problem

    def run(self, cohort, settings, context, start=None):
        raise self.problem


class NoBackbone:
    """In place of a network that `BrightMethod` does not need."""

    def to(self, device, dtype):
        return self


@pytest.fixture(scope="module", autouse=True)
def _torch_threads(request):
    """Let a module that says TORCH_THREADS run with so many, whatever the machine."""
    wanted = getattr(request.module, "TORCH_THREADS", None)
    if wanted is None:
        yield
        return
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(wanted)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small():
    """SAM, SAMUS and EfficientSAM at small sizes: the sizes, and `build` by name, with random weights or a folder's."""
    from WeakMedSAMLib.engine.backbones.efficientsam import build_efficientsam
    from WeakMedSAMLib.engine.backbones.efficientsam.network import EfficientSize
    from WeakMedSAMLib.engine.backbones.sam import build_sam
    from WeakMedSAMLib.engine.backbones.sam.vit import SamSize
    from WeakMedSAMLib.engine.backbones.samus import build_samus

    sam = SamSize(32, 6, 2, (1, 3, 5), frame=32, image=64, patch=8, window=3, prompt_channels=32)
    efficient = EfficientSize(24, 3, blocks=6, frame=32, image=64, patch=8, prompt_channels=32, mlp_channels=64)

    def build(name, folder=None):
        if name == "samus":
            return build_samus(folder, folder is None, sam)
        if name == "sam_vit_b":
            return build_sam(name, sam, folder, folder is None)
        return build_efficientsam(name, efficient, folder, folder is None)

    return SimpleNamespace(sam=sam, efficient=efficient, build=build)


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Make a state the published file of a backbone, in the folder that is given back."""
    import torch

    from WeakMedSAMLib.engine.backbones import weights

    def publish(name, state):
        path = tmp_path / "net.pth"
        torch.save(state, path)
        content = path.read_bytes()
        entry = dataclasses.replace(
            weights.manifest()[0],
            backbone=name,
            file=path.name,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        monkeypatch.setattr(weights, "manifest", lambda: (entry,))
        return tmp_path

    return publish


@pytest.fixture(scope="session")
def published_masks():
    """Masks n x 4h x 4w and qualities n by SAM's own prompt encoder and mask decoder, for one slice from the neck."""
    import torch

    @torch.no_grad()
    def masks(network, neck, boxes=None, points=None):
        asked = None if points is None else (points[:, None], torch.ones(len(points), 1))
        sparse, dense = network.prompt_encoder(points=asked, boxes=boxes, masks=None)
        logits, quality = network.mask_decoder(
            image_embeddings=neck.float(),
            image_pe=network.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        return logits[:, 0], quality[:, 0]

    return masks


@pytest.fixture
def gradients():
    """What optimisers step with, all in one vector for each step; the step of AdamW itself hides its scale."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    seen = []

    def keep(optimizer, args, kwargs):
        parameters = [value for group in optimizer.param_groups for value in group["params"]]
        seen.append(torch.cat([value.grad.flatten() for value in parameters]))

    handle = register_optimizer_step_pre_hook(keep)
    yield seen
    handle.remove()


@pytest.fixture
def scans(tmp_path):
    """Paths of three small scans cut out of generated anatomy: a bright ball in a textured body, off centre in each."""
    paths = []
    for number in range(3):
        generator = np.random.default_rng(number)
        k, j, i = np.mgrid[:10, :24, :20]
        ball = (k - 5) ** 2 * 4 + (j - 12 - number) ** 2 + (i - 9) ** 2 < 40
        array = (generator.normal(100, 20, ball.shape) + 400 * ball).astype(np.int16)
        geometry = Geometry((-10.0, 5.0, 2.0), (1.5, 1.5, 4.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0), (20, 24, 10))
        paths.append(tmp_path / f"scan {number}.nrrd")
        write_volume(paths[-1], array, geometry)
    return paths


@pytest.fixture
def make(tmp_path, scans):
    """Make a run folder of the scans; slices 3..7 are tagged present unless told otherwise."""

    def tagged(number, first=3, last=7):
        volume = VolumeLabels(f"scan {number}", n_slices=10)
        volume.tag_range("ball", first, last)
        return volume

    def run(ranges=((3, 7), (3, 7), (3, 7)), **settings):
        tags = CohortLabels(ClassTable.from_names(["ball"]), [tagged(n, *pair) for n, pair in enumerate(ranges)])
        return make_run(tmp_path / "out", scans, tags, RunSettings(device="cpu", **settings))

    return run


@pytest.fixture
def method():
    """The few-line method, how to hand it to the worker, and a listener that collects events."""
    bright, events = BrightMethod(), []
    arguments = {"method": bright, "build": lambda name: NoBackbone(), "report": events.append}
    results = lambda: [event for event in events if isinstance(event, Artifact) and event.kind == "result"]  # noqa: E731
    return SimpleNamespace(bright=bright, failing=FailingMethod, events=events, arguments=arguments, results=results)


@pytest.fixture
def own_folders(tmp_path, monkeypatch):
    """Cache, data and log of the user lie in the folder of the test."""
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture
def call(capsys, method, monkeypatch, own_folders):
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
    """Tags of the first two scans: the ball is present on slices 3..7."""
    entries = []
    for number in range(2):
        volume = VolumeLabels(f"scan {number}", n_slices=10)
        volume.tag_range("ball", 3, 7)
        entries.append(volume)
    write_label_file(tmp_path / "tags.json", CohortLabels(ClassTable.from_names(["ball"]), entries))
    return tmp_path / "tags.json"


@pytest.fixture(scope="session")
def tiny_bench(tmp_path_factory):
    """The undisturbed tiny run, and copies of it to disturb: see Testing/faults/tiny_bench.py."""
    from faults.tiny_bench import TinyBench

    return TinyBench(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def fresh(tiny_bench, tmp_path):
    """A tiny run that has not begun, but for the features of its scans."""
    from faults.tiny_bench import one_thread

    with one_thread():
        yield tiny_bench.fresh(tmp_path)


@pytest.fixture
def finished(tiny_bench, tmp_path):
    """A tiny run that has ended well."""
    from faults.tiny_bench import one_thread

    with one_thread():
        yield tiny_bench.finished(tmp_path)
