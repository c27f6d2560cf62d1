"""What slices are clustered by, and which patients are left out."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from held_level import held

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.base.torchvision_shim import import_torchvision
from WeakMedSAMLib.engine.features.embed import VolumeFeatures
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published import extractor
from WeakMedSAMLib.engine.methods.published.settings import PublishedSettings
from WeakMedSAMLib.engine.methods.published.sub_classes import ExploredClasses, explore_classes
from WeakMedSAMLib.engine.methods.published.tagged import find_tagged
from WeakMedSAMLib.engine.supervision.supervision import Supervision

KINDS = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 0, 1]], np.float16)
BACKBONE = SimpleNamespace(info=SimpleNamespace(cam_level="cam"), device=torch.device("cpu"))


def quiet(event):
    pass


def volume(number, kinds, patient=None):
    """Ten slices, 2..7 present; the channels of the cam level say of which of the kinds a slice is."""
    generator = np.random.default_rng(number)
    tags = np.full((10, 1), ABSENT, np.int8)
    tags[2:8] = PRESENT
    cam = generator.normal(0, 0.1, (10, 4, 4, 4)).astype(np.float16)
    cam += 50 * KINDS[np.arange(10) % kinds][:, :, None, None]
    image = np.zeros((10, 32, 32), np.uint8)
    image[:, :16] = 100  # the upper half is body
    cam[:, :, 2:] = 1e4  # what the lower half holds must not count
    frame, intensity = Frame(32, 32, 1, 1, 32), Intensity("given", 0, 1)
    name = patient or f"patient {number}"
    return VolumeSlices(
        f"{number:03d}",
        name,
        Supervision(tags),
        VolumeFeatures(f"{number:064d}", held({"cam": cam}), image),
        frame,
        intensity,
    )


def explored(volumes, **settings):
    settings = PublishedSettings(**{"extractor": "backbone"} | settings)
    tagged = find_tagged(volumes, settings.validation_share, settings.seed)
    return explore_classes(volumes, tagged, settings, BACKBONE, quiet), tagged


def test_present_slices_are_clustered_by_the_features_of_their_body():
    found, tagged = explored([volume(n, 3) for n in range(4)], sub_classes=3)
    present = tagged.tags[:, 0] == PRESENT
    assert found.counts == (3,)
    assert found.extractor == "backbone"
    assert (found.clusters[~present] == -1).all()
    kinds = tagged.slices[present, 1] % 3
    assert len(set(zip(kinds, found.clusters[present, 0], strict=True))) == 3


def test_their_number_is_chosen_where_it_is_0():
    found, tagged = explored([volume(n, 2) for n in range(12)], sub_classes=0, validation_share=0.0)
    assert found.counts == (2,)
    assert found.scores[0][2]["silhouette"] > 0.6
    (report,) = found.reports(["lesion"], 0, [volume(n, 2) for n in range(12)], tagged)
    assert [cluster.slices for cluster in report.clusters] == [36, 36]


def test_one_sub_class_needs_no_features(monkeypatch):
    monkeypatch.setattr(extractor, "find_resnet18", None)
    found, tagged = explored([volume(0, 2)], sub_classes=1)
    assert found.counts == (1,)
    assert (found.clusters[tagged.tags[:, 0] == PRESENT] == 0).all()


def test_what_was_found_survives_being_kept(tmp_path):
    from WeakMedSAMLib.engine.base.state import StageStore

    found, _ = explored([volume(n, 2) for n in range(12)], sub_classes=0)
    kept = StageStore(tmp_path).save("sub-classes", "ab", found.to_kept())
    again = ExploredClasses.from_kept(kept)
    assert (again.counts, again.extractor, again.scores) == (found.counts, found.extractor, found.scores)
    assert np.array_equal(again.clusters, found.clusters)
    assert np.array_equal(again.distances, found.distances)


def test_a_share_of_the_patients_is_left_out_with_all_their_volumes():
    volumes = [volume(n, 2, f"patient {n % 10}") for n in range(12)]
    tagged = find_tagged(volumes, 0.2, 0)
    out = set(tagged.patients[tagged.left_out])
    assert len(out) == 2
    assert not out & set(tagged.patients[~tagged.left_out])
    assert {tuple(find_tagged(volumes, 0.2, seed).left_out) for seed in range(4)} != {tuple(tagged.left_out)}
    assert not find_tagged(volumes[:4], 0.5, 0).left_out.any()
    assert not find_tagged(volumes, 0.0, 0).left_out.any()


def test_nobody_is_left_out_without_whom_a_class_would_be_unknown():
    volumes = [volume(n, 2) for n in range(6)]
    for one in volumes[1:]:
        one.tags[one.tags == PRESENT] = UNTAGGED
    for seed in range(6):
        tagged = find_tagged(volumes, 0.5, seed)
        assert tagged.left_out.any()
        assert "patient 0" not in tagged.patients[tagged.left_out]


@pytest.fixture
def resnet(monkeypatch, tmp_path):
    """A file of ResNet-18's random weights where torchvision would put it, named after its hash as theirs is."""
    import_torchvision()
    from torchvision.models import resnet18

    torch.manual_seed(0)
    network = resnet18(weights=None).eval()
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(network.state_dict(), folder / "weights")
    digest = hashlib.sha256((folder / "weights").read_bytes()).hexdigest()
    name = f"resnet18-{digest[:8]}.pth"
    (folder / "weights").rename(folder / name)
    monkeypatch.setattr(extractor, "_file_name", lambda: name)
    monkeypatch.setattr(extractor, "default_folder", lambda: tmp_path / "weights")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return SimpleNamespace(network=network, path=folder / name, imported=tmp_path / "weights" / name)


def test_features_of_resnet18_are_taken_where_its_weights_are(resnet):
    events, places = [], np.array([[0, 2], [0, 5]])
    one = volume(0, 2)
    one.features.image[5] += 50
    found, name = extractor.slice_descriptors([one], places, "auto", BACKBONE, events.append)
    assert name == "resnet18"
    resnet.network.fc = torch.nn.Identity()
    with torch.no_grad():
        grey = torch.from_numpy(one.features.image[[2, 5]] / np.float32(255))
        expected = resnet.network(torch.stack([grey] * 3, 1)).numpy()
    assert found == pytest.approx(expected, abs=1e-5)
    assert events == [Progress("sub-classes", 2, 2)]


def test_imported_weights_come_first_and_damaged_ones_are_refused(resnet):
    resnet.imported.parent.mkdir()
    resnet.imported.write_bytes(resnet.path.read_bytes()[:-9])
    assert extractor.find_resnet18() == resnet.imported
    with pytest.raises(UserError) as caught:
        extractor.slice_descriptors([volume(0, 2)], np.array([[0, 2]]), "auto", BACKBONE, quiet)
    assert caught.value.code == "weights_differ"
    assert str(resnet.imported) in caught.value.message


def test_without_its_weights_nothing_is_downloaded(resnet, monkeypatch):
    resnet.path.unlink()
    monkeypatch.setattr(torch.hub, "download_url_to_file", None)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", None)
    places = np.array([[0, 2], [0, 3]])
    _, name = extractor.slice_descriptors([volume(0, 2)], places, "auto", BACKBONE, quiet)
    assert name == "backbone"
    with pytest.raises(UserError) as caught:
        extractor.slice_descriptors([volume(0, 2)], places, "resnet18", BACKBONE, quiet)
    assert caught.value.code == "weights_missing"
    assert resnet.path.name in caught.value.message


def test_the_file_is_named_as_torchvision_names_it():
    assert extractor._file_name().startswith("resnet18-")
    assert extractor._file_name().endswith(".pth")
