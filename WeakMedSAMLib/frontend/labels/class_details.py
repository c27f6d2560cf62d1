"""What one seldom changes of a class: label value, key, terminology, and what else is known of it."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.panel_parts import breakable, setEnabled
from WeakMedSAMLib.frontend.labels.class_presets import ClassPreset, terms
from WeakMedSAMLib.frontend.labels.knowledge_details import KnowledgeDetails
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.labels.terminology import terminologyText


class ClassDetails:
    """A folded part of the section, about one class.

    Parameters
    ----------
    ui : object
        With `detailsSection`, `labelEdit`, `keyEdit`, `terminologyText`, `terminologyButton`, and what
        `KnowledgeDetails` needs.
    session : TagSession
    presets : list of ClassPreset
        Whose terminology can be chosen.

    Attributes
    ----------
    known : KnowledgeDetails
    """

    def __init__(self, ui: Any, session: TagSession, presets: list[ClassPreset]) -> None:
        self._ui, self._session, self._presets = ui, session, presets
        self._entry: SegmentClass | None = None
        self.known = KnowledgeDetails(ui, session)
        ui.detailsSection.collapsed = True

    def show(self, entry: SegmentClass | None, isAnew: bool) -> None:
        """Show a class, or None without one; the same one again only anew, as something may just be typed."""
        if entry == self._entry and not isAnew:
            return
        ui, self._entry = self._ui, entry
        texts = ("", "") if entry is None else (str(entry.label_value), entry.shortcut)
        for edit, text in zip((ui.labelEdit, ui.keyEdit), texts, strict=True):
            if edit.text != text:
                edit.text = text
        term = terminologyText(entry.terminology) if entry is not None else ""
        ui.terminologyText.text = breakable(term) or _("none")
        reason = _("There is no class; press Add first.") if entry is None else ""
        for widget in (ui.labelEdit, ui.keyEdit, ui.terminologyButton):
            setEnabled(widget, reason, widget.property("usualToolTip"))
        self.known.show(entry, reason)

    def takeLabel(self) -> None:
        """Give the class the label value that was typed."""
        if self._entry is not None and self._ui.labelEdit.text.strip() != str(self._entry.label_value):
            self._session.changeClass(self._entry.name, labelValue=_labelValue(self._ui.labelEdit.text))

    def takeKey(self) -> None:
        """Give the class the key that was typed."""
        if self._entry is not None and self._ui.keyEdit.text.strip().upper() != self._entry.shortcut:
            self._session.changeClass(self._entry.name, shortcut=self._ui.keyEdit.text)

    def chooseTerm(self) -> None:
        """Let the user say what the class is."""
        entry = self._entry
        if entry is None:
            return
        known = {_("none"): "", **terms(self._presets)}
        if entry.terminology:
            known.setdefault(terminologyText(entry.terminology) or entry.terminology, entry.terminology)
        names = list(known)
        current = list(known.values()).index(entry.terminology)
        label = _("What '{name}' is (the Segment Editor offers all of Slicer's terminology later):")
        parent, title = self._ui.detailsSection, _("Terminology")
        chosen = qt.QInputDialog.getItem(parent, title, label.format(name=entry.name), names, current, False)
        if chosen in known:
            self._session.changeClass(entry.name, terminology=known[chosen])


def _labelValue(text: str) -> int:
    try:
        return int(text.strip())
    except ValueError:
        message = _("The label value '{text}' is not a whole number.").format(text=text)
        raise UserError("bad_field", message, _("Use 1 to 65535.")) from None
