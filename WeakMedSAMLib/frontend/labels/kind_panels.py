"""The panels of the kinds of labels, one a kind, in section 3 of the module one below the other."""

from __future__ import annotations

from collections.abc import Callable

from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.slice_tags.tags_panel import TagsPanel
from WeakMedSAMLib.frontend.scene.slice_views import SliceViews

# Name of the panel -> what makes it. A new kind of labels adds its own here.
KIND_PANELS: dict[str, Callable[[SceneLabels, SliceViews], Panel]] = {"tags": TagsPanel}
