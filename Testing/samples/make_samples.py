"""Made the files in Testing/samples/0.1/ with version 0.1 of the program, which later versions must still open.

It was run once, at version 0.1.0, and must not be run again by a later version: what it writes would then be of that
version. It refuses any other version, and a folder that is there already. It is kept to show how the files came about.

    python Testing/samples/make_samples.py

Everything comes from generated scans. The worker runs on a backbone of a few fixed filters, that of
Testing/faults/tiny_run.py, and the module in the stand-in Slicer (Testing/host).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUT = Path(__file__).resolve().parent / "0.1"
VERSION = "0.1.0"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(ROOT), str(ROOT / "Testing")]

from host.host import start  # noqa: E402

HOST = start()

import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402, N813
import slicer  # noqa: E402
from flows.driver import Driver  # noqa: E402
from host.user import User  # noqa: E402

from WeakMedSAMLib import __version__  # noqa: E402
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels  # noqa: E402
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file  # noqa: E402
from WeakMedSAMLib.contract.runs import RunSettings  # noqa: E402
from WeakMedSAMLib.frontend.base import folders  # noqa: E402
from WeakMedSAMLib.frontend.running import estimates  # noqa: E402
from WeakMedSAMLib.frontend.running.worker_process import QtWorkerProcess  # noqa: E402
from WeakMedSAMLib.frontend.scene.run_records import rememberRunsFolder  # noqa: E402

BACKBONE = "tiny-of-tests"
WORKER = "import faults.tiny_run; from WeakMedSAMLib.engine.cli.main import main; main()"
SHAPE = (6, 40, 36)
CLASSES = ("ball", "rod")
# First and last slice in the order of the file, and whether i is mirrored, which makes i, j, k left-handed.
SHOWN = {
    "right": {"ball": (0, 1), "rod": (3, 4)},
    "left": {"ball": (0, 1), "rod": (1, 3)},
    "new": {"ball": (3, 5), "rod": (1, 1)},
    "scripted": {"ball": (0, 1), "rod": (3, 4)},
}
FILES = {"right": "scans/right.nrrd", "left": "scans/left.nii.gz", "new": "scans/new.nrrd"}
LEFT_HANDED = ("left", "new", "scripted")
FAST = {"rounds": 1, "segmenter_steps": 10, "classifier_steps": 60, "pam_slices": 3, "novelty_references": 100}
PAPER = {
    **{"network_width": 1, "encoder": "frozen", "extractor": "backbone", "prompts": "boxes", "sub_classes": 2},
    **{"prompt_placing": "map", "pooling": "top-k", "blur": 5, "crops": "none", "flips": False, "jitter": 0.1},
    **{"epochs": 30, "frozen_learning_rate": 5e-2, "network_epochs": 4, "network_learning_rate": 3e-2},
    **{"network_weight_decay": 0.0, "background_weight": 1.0, "ignore_band": 0.0, "seed": 1},
}


class TinyWorker(QtWorkerProcess):
    """The real worker, with the backbone of fixed filters."""

    def start(self, command: Any) -> None:
        """Start it on the arguments of the module's own command."""
        environment = {**command.environment, "PYTHONPATH": f"{ROOT / 'Testing'}{os.pathsep}{ROOT}"}
        arguments = ("-c", WORKER, *command.arguments[2:])
        super().start(replace(command, arguments=arguments, environment=environment))


def main() -> None:
    """Make all samples in a temporary folder, then put them into their place."""
    if __version__ != VERSION:
        sys.exit(
            f"These are samples of version {VERSION}; this is {__version__}. Make a folder and a program of its own."
        )
    if OUT.exists():
        sys.exit(f"{OUT} is there already. Samples of a version are made once.")
    with tempfile.TemporaryDirectory() as folder:
        # Relative paths from here on: what is said of a file in the samples names no folder of this computer.
        os.chdir(folder)
        make_scans()
        runs = {**command_line_runs(), **module_samples()}
        write_settings(Path("settings.ini"))
        pack(runs)
        write_truth(Path("truth.json"), {what: folder.name for what, folder in runs.items()})
        os.chdir(ROOT)
        shutil.copytree(folder, OUT, ignore=shutil.ignore_patterns("work", "cache"))


def array_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and true labels of a scan: a body with a bright ball (1) and a rod less bright (2)."""
    random = np.random.default_rng(list(SHOWN).index(name))
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    array = random.normal(100, 15, SHAPE) + 150 * ((j - 20) ** 2 + (i - 18) ** 2 < 17**2)
    ball = ((j - 14) ** 2 + (i - 12) ** 2 < 25) & _between(k, SHOWN[name]["ball"])
    rod = (abs(j - 27) < 3) & (abs(i - 20) < 8) & _between(k, SHOWN[name]["rod"])
    return (array + 500 * ball + 300 * rod).astype(np.int16), (ball + 2 * rod).astype(np.uint8)


def _between(k: np.ndarray, span: tuple[int, int]) -> np.ndarray:
    return (k >= span[0]) & (k <= span[1])


def make_scans() -> None:
    """Write the scans, and beside them what is true of each voxel."""
    Path("scans").mkdir()
    for name, file in FILES.items():
        array, labels = array_of(name)
        for values, path in ((array, file), (labels, f"scans/{name}_truth.nrrd")):
            image = sitk.GetImageFromArray(values)
            image.SetSpacing((1.5, 1.5, 4.0))
            image.SetOrigin((-10.0, 5.0, 2.0))
            image.SetDirection((1.0 if name in LEFT_HANDED else -1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0))
            sitk.WriteImage(image, path, True)


def weakmedsam(*words: Any, cancel_at: str = "") -> None:
    """Call the command line; ask the run to stop when it begins a stage."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'Testing'}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    program = [sys.executable, "-c", WORKER, *map(str, words)]
    process = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if cancel_at and f'"stage":"{cancel_at}"' in line.replace(" ", ""):
            next(Path(words[words.index("--out") + 1]).glob("run-*")).joinpath("cancel").touch()
    if process.wait() != (3 if cancel_at else 0):
        sys.exit(f"weakmedsam {' '.join(map(str, words))} ended with {process.returncode}")


def set_options(overrides: dict[str, Any]) -> list[str]:
    """The overrides as options."""
    pairs = [
        ("--set", f"{name}={json.dumps(value) if value != str(value) else value}") for name, value in overrides.items()
    ]
    return [word for pair in pairs for word in pair]


def command_line_runs() -> dict[str, Path]:
    """Tag files and runs of the command line, which counts slices in the order of the file."""
    Path("tags").mkdir()
    masks = [word for name in ("right", "left") for word in ("--mask", f"scans/{name}_truth.nrrd")]
    volumes = [word for name in ("right", "left") for word in ("--volume", FILES[name])]
    labels = ["--labels", "ball=1,rod=2", "--min-pixels", 1]
    weakmedsam("tags", "from-mask", *masks, *volumes, *labels, "--out", "tags/by_file.json")
    _without_hash(Path("tags/by_file.json"), Path("tags/by_file_without_hash.json"))
    weakmedsam("tags", "convert", "tags/by_file.json", "tags/by_file.csv")
    weakmedsam("tags", "convert", "tags/by_file_without_hash.json", "tags/by_file_without_hash.csv")
    more = ["--backbone", BACKBONE, "--device", "cpu", "--cache", "cache", "--events"]
    paper = ["--tags", "tags/by_file.json", "--preset", "paper", "--classes", "ball", *set_options(PAPER), *more]
    fast = ["--tags", "tags/by_file.json", *set_options(FAST), *more]
    weakmedsam("segment", *volumes, *paper, "--out", "work/paper")
    weakmedsam("segment", "--volume", FILES["left"], *fast, "--out", "work/fast", cancel_at="pseudo-masks")
    paper_run, fast_run = (next(Path("work", name).glob("run-*")) for name in ("paper", "fast"))
    return {"paper_finished": paper_run, "fast_cancelled": fast_run}


def _without_hash(source: Path, target: Path) -> None:
    """Write the same tags without the hashes of their volumes."""
    cohort = read_label_file(source)
    write_label_file(target, CohortLabels(cohort.classes, [replace(volume, sha256=None) for volume in cohort.volumes]))


def apply_models(runs: dict[str, Path]) -> None:
    """Let each model segment a scan that it has not seen; its masks are what later versions are compared with."""
    Path("applied").mkdir()
    for preset in ("fast", "paper"):
        out = Path("work", f"applied_{preset}")
        weakmedsam("apply", "--model", runs[f"{preset}_finished"], "--volume", FILES["new"], "--out", out,
                   "--device", "cpu", "--cache", "cache", "--events")  # fmt: skip
        shutil.copy(next(out.glob("run-*/results/000/labels.nrrd")), f"applied/{preset}_labels.nrrd")


def module_samples() -> dict[str, Path]:
    """What the module makes of the same scans: a scene with two runs, tags and exports; and a scripted scene."""
    driver = Driver(HOST, User(HOST), Path("work").absolute())
    driver.open(TinyWorker)
    try:
        runs = _runs_in_module(driver)
        apply_models({**runs, "paper_finished": next(Path("work/paper").glob("run-*"))})
        HOST.closeScene()
        _scripted_scene(driver)
    finally:
        driver.close()
    return runs


def _runs_in_module(driver: Driver) -> dict[str, Path]:
    logic = driver.logic
    logic.setClasses(list(CLASSES))
    nodes = [slicer.util.loadVolume(FILES[name]) for name in ("right", "left")]
    for node in nodes:
        _tag(logic, node)
        logic.state.setInCohort(node, True)
    driver.choose(nodes[0])
    finished = _run(driver, nodes, "fast", FAST, "finished")
    exported = logic.exportMasks(finished, "exports")
    print(*(path.name for path in exported))
    write_label_file("tags/by_module.json", logic.session.exportCohort())
    write_label_file("tags/by_module.csv", logic.session.exportCohort())
    logic.job.progress.connect(partial(_cancel_at, logic, "adapters"))
    cancelled = _run(driver, nodes, "paper", {**PAPER, "network_epochs": 1}, "cancelled")
    HOST.settle(0.3)
    assert slicer.util.saveScene(str(Path("scene.mrb").absolute()))
    folder = folders.runsFolder()
    return {"fast_finished": folder / f"run-{finished}", "paper_cancelled": folder / f"run-{cancelled}"}


def _tag(logic: Any, node: Any) -> None:
    """Tag the slices as Slicer numbers them; it holds left-handed files with the last slice first."""
    name = node.GetName()
    for label in CLASSES:
        first, last = SHOWN[name][label]
        turned = name == "left"
        logic.tagRange(node, label, *((SHAPE[0] - 1 - last, SHAPE[0] - 1 - first) if turned else (first, last)))


def _run(driver: Driver, nodes: list[Any], preset: str, overrides: dict[str, Any], status: str) -> str:
    settings = RunSettings(preset=preset, backbone=BACKBONE, device="cpu", overrides=overrides)
    run_id = driver.logic.runs.start(driver.logic.planRun(nodes, settings))
    record = driver.wait_for_end(120)
    assert record.status == status, record.message + driver.logic.job.logText
    return run_id


def _cancel_at(logic: Any, stage: str, info: Any) -> None:
    if info.stage == stage:
        logic.cancelRun()


def _scripted_scene(driver: Driver) -> None:
    """A left-handed volume that a script made: Slicer turns it only when the scene is loaded again."""
    array, _labels = array_of("scripted")
    matrix = np.array([[-1.5, 0, 0, 10.0], [0, 1.5, 0, -5.0], [0, 0, 4.0, 2.0], [0, 0, 0, 1.0]])
    node = slicer.util.addVolumeFromArray(array, matrix, "scripted")
    driver.logic.setClasses(list(CLASSES))
    _tag(driver.logic, node)
    HOST.settle(0.3)
    assert slicer.util.saveScene(str(Path("scripted.mrb").absolute()))
    write_label_file("tags/scripted.json", driver.logic.session.exportCohort())


def write_settings(path: Path) -> None:
    """What the module keeps in Slicer's settings, with folders that are on nobody's computer."""
    settings = slicer.app.userSettings()
    settings.clear()
    folders.setRunsFolder("/scans/runs of Zoë")
    folders.setCacheFolder("/scans/cache")
    rememberRunsFolder("/scans/earlier runs/run-0123456789ab")
    settings.setValue("WeakMedSAM/TagsFolder", "/scans/tags")
    settings.setValue("WeakMedSAM/exportFolder", "/scans/exports")
    size = estimates.RunSize(volumes=2, slices=12, presentSlices=8)
    estimates.learn(size, "cpu", {"embed": 4.0, "classifier": 3.0, "masks": 0.5})
    settings.sync()
    shutil.copy(settings.fileName(), path)


def write_truth(path: Path, runs: dict[str, str]) -> None:
    """Which run is which, and which slices show what: by number in the file, by number in Slicer, and by position."""
    told: dict[str, Any] = {}
    for name, spans in SHOWN.items():
        last, labels = SHAPE[0] - 1, array_of(name)[1]
        turned = name in LEFT_HANDED
        told[name] = {"slices": SHAPE[0], "left_handed": turned} | {
            label: {
                "voxels": int((labels == value).sum()),
                "slices_in_file": [first, final],
                "slices_in_slicer": [last - final, last - first] if turned else [first, final],
                "z_mm": [2.0 + 4.0 * k for k in range(first, final + 1)],
            }
            for value, (label, (first, final)) in enumerate(spans.items(), 1)
        }
    path.write_text(json.dumps({"runs": runs, "scans": told}, indent=1) + "\n", encoding="utf-8")


def pack(runs: dict[str, Path]) -> None:
    """All run folders in one archive, in which equal files take no more room than one; nothing tells where they lay."""
    for log in (folder / "log.txt" for folder in runs.values()):
        log.write_text(log.read_text(encoding="utf-8").replace(str(ROOT), "/opt/weakmedsam"), encoding="utf-8")
    with tarfile.open("runs.tar.xz", "w:xz", preset=9) as archive:
        for folder in runs.values():
            archive.add(folder, folder.name, filter=_of_nobody)


def _of_nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    main()
