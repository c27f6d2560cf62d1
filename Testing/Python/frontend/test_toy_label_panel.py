"""A further kind of labels in the panel: one panel of its own, and no file of the module changes for it."""

from __future__ import annotations

import numpy as np
import pytest
import qt

from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.base.resources import resource
from WeakMedSAMLib.frontend.labels.kind_panels import KIND_PANELS
from WeakMedSAMLib.frontend.labels.tag_session import cohortFromJson
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.widget import ModulePanel


class ToyPanel(Panel):
    """Says of a volume that the class is on every third slice."""

    def __init__(self, labels, views):
        super().__init__("Classes.ui")
        self.labels, self.calls = labels, []
        self.button = qt.QPushButton("Every third", self.widget)
        self.connect(self.button, "clicked()", self.sayEveryThird)
        self.follow((labels.session.changed, self.calls.append))

    def sayEveryThird(self):
        name = self.labels.session.classes.names[0]
        self.labels.session.edit("every third", self.labels.currentKey(), lambda said: _sayEveryThird(said, name))

    def enter(self):
        self.calls.append("enter")

    def exit(self):
        self.calls.append("exit")

    def refresh(self):
        self.calls.append("refresh")


def _sayEveryThird(said, name):
    for index in range(0, said.n_slices, 3):
        said.set(name, index, PRESENT)


@pytest.fixture
def module(scene, host, monkeypatch):
    monkeypatch.setitem(KIND_PANELS, "toy", ToyPanel)
    logic = WeakMedSAMLogic()
    panel = ModulePanel(logic, resource("UI", "WeakMedSAM.ui"))
    yield panel
    panel.cleanup()
    logic.cleanup()
    panel.widget.deleteLater()
    host.settle()


def test_a_kind_of_labels_is_shown_undone_and_kept_as_the_others(module, make_volume, host):
    logic, toy = module.logic, module.panels["toy"]
    assert module.section("tags").isAncestorOf(toy.widget)
    names = list(module.panels)
    assert names.index("tags") < names.index("toy") < names.index("generate")
    module.enter()
    assert toy.calls[-2:] == ["enter", "refresh"]
    logic.state.currentVolume = make_volume("one", (9, 8, 7))
    key = host.waitUntil(logic.currentKey)
    toy.button.click()
    assert toy.calls[-1] == "tags"
    assert logic.labels.ofCurrent().presence_counts("Lesion")[0] == 3
    assert logic.session.undoText == "every third"

    def said(session):
        return np.flatnonzero(session.volume(key).state("Lesion") == PRESENT).tolist()

    # Said once more it is nothing new, and no step.
    toy.button.click()
    logic.session.undo()
    assert said(logic.session) == []
    assert not logic.session.canUndo
    logic.session.redo()
    assert said(logic.session) == [0, 3, 6]
    # The scene holds it, on a slow computer a moment later, and gives it to whoever opens it next.
    logic.labels.store.flush()
    (kept,) = cohortFromJson(logic.state.tagsJson).volumes
    assert kept == logic.session.volume(key)
    logic.state.currentVolume = None
    again = WeakMedSAMLogic()
    assert said(again.session) == [0, 3, 6]
    again.cleanup()
    module.exit()
    assert toy.calls[-1] == "exit"


def test_an_error_of_a_kind_is_shown_and_nothing_is_changed(module, host):
    toy = module.panels["toy"]
    host.dialogs.answer(qt.QMessageBox.Ok)
    module.logic.state.currentVolume = None
    toy.labels.currentKey = lambda: "0" * 64
    toy.button.click()
    assert "not ready for tags" in host.dialogs.shown[-1].text
    assert not module.logic.session.canUndo


def test_what_is_no_slice_tag_is_undone_and_kept_as_well(module, make_volume, host):
    logic = module.logic
    logic.state.currentVolume = make_volume("one", (9, 8, 7))
    key = host.waitUntil(logic.currentKey)

    def kept():
        logic.labels.store.flush()
        (volume,) = cohortFromJson(logic.state.tagsJson).volumes
        return volume.further

    # The list of volumes is up to date a moment later.
    host.settle(0.1)
    logic.session.edit("clicks", key, lambda said: said.further.update(clicks=[3, 4]))
    assert kept() == {"clicks": [3, 4]}
    assert logic.state.isInCohort(logic.state.currentVolume)
    logic.session.undo()
    assert logic.session.volume(key).further == kept() == {}
    logic.session.redo()
    assert logic.session.volume(key).further == kept() == {"clicks": [3, 4]}
