"""The class table: what is looked for, and how it is called, coloured and numbered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, overload

from .errors import UserError
from .fields import build, require_fit, require_name, require_object
from .knowledge import Knowledge
from .likely_names import did_you_mean

MAX_LABEL_VALUE = 65535

# Okabe and Ito, "Color Universal Design" (2008), without black, which cannot be seen on a scan.
_PALETTE = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)


@dataclass(frozen=True)
class SegmentClass:
    """One class.

    Attributes
    ----------
    name : str
        As shown; not empty, without control characters or spaces at its ends.
    color : tuple of int
        Red, green, blue, 0..255.
    label_value : int
        Its voxel value in label maps, 1..65535. Fixed by the table, never by the order of segments.
    terminology : str
        Slicer terminology entry, or empty.
    shortcut : str
        Key in the tagging panel, or empty.
    known : Knowledge
        What is known of it before any scan is looked at.

    Raises
    ------
    UserError
        ``bad_name``, ``bad_field``.
    """

    name: str
    color: tuple[int, int, int]
    label_value: int
    terminology: str = ""
    shortcut: str = ""
    known: Knowledge = field(default_factory=Knowledge)

    def __post_init__(self) -> None:
        require_name(self.name, "A class name")
        if self.name != self.name.strip():
            raise UserError("bad_name", f"The class name {self.name!r} starts or ends with a space.", "Remove it.")
        what = f"class {self.name!r}"
        _require_color(self.color, what)
        require_fit(self.label_value, int, f"The label value of {what}")
        if not 1 <= self.label_value <= MAX_LABEL_VALUE:
            message = f"The label value of {what} is {self.label_value}."
            raise UserError("bad_field", message, f"Use 1 to {MAX_LABEL_VALUE}.")
        object.__setattr__(self, "color", tuple(self.color))

    def to_json(self) -> dict[str, Any]:
        """Return the class as plain data."""
        record = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "known"}
        record["color"] = list(self.color)
        return {**record, "known": self.known.to_json()} if self.known.is_said else record


class ClassTable(Sequence[SegmentClass]):
    """The classes of a cohort in the order of the channels of every array with a class axis.

    Parameters
    ----------
    classes : iterable of SegmentClass
        May be empty.

    Raises
    ------
    UserError
        ``duplicate_class``, ``duplicate_label_value`` or ``duplicate_shortcut``.
    """

    def __init__(self, classes: Iterable[SegmentClass] = ()) -> None:
        self._classes = tuple(classes)
        for attribute, words in (("name", "name"), ("label_value", "label value"), ("shortcut", "shortcut key")):
            self._require_unique(attribute, words)
        self._positions = {entry.name: position for position, entry in enumerate(self._classes)}

    @property
    def names(self) -> list[str]:
        """The class names in table order."""
        return [entry.name for entry in self._classes]

    @property
    def label_values(self) -> list[int]:
        """The label values in table order."""
        return [entry.label_value for entry in self._classes]

    def index(self, name: str) -> int:  # type: ignore[override]
        """Return the position of a class by name; `UserError` ``unknown_class`` names the known and the likely ones."""
        if name not in self._positions:
            known = ", ".join(repr(known) for known in self.names) or "none"
            hint = f"{did_you_mean(name, self.names)} Known classes: {known}.".strip()
            raise UserError("unknown_class", f"There is no class {name!r}.", hint, values={"name": name})
        return self._positions[name]

    def around(self, name: str) -> list[str]:
        """Return a class, the class that it is inside of, the one around that, and so on; each once."""
        found: list[str] = []
        inner: str | None = name
        while inner in self.names and inner not in found:
            found.append(inner)
            inner = self[self.index(inner)].known.inside_of
        return found

    def may_share(self, one: str, other: str) -> bool:
        """Say whether a pixel of one class may be one of another: one is inside of the other, or shares freely."""
        is_free = any(self[self.index(name)].known.sharing == "free" for name in (one, other))
        return is_free or other in self.around(one) or one in self.around(other)

    @property
    def layers(self) -> list[int]:
        """Which label map holds a class where classes that may share pixels need several: 0 for all where none may."""
        found: list[int] = []
        for entry in self._classes:
            taken = {
                layer for layer, other in zip(found, self.names, strict=False) if self.may_share(entry.name, other)
            }
            found.append(next(layer for layer in range(len(self)) if layer not in taken))
        return found

    def with_names(self, names: Mapping[str, str]) -> ClassTable:
        """Return the classes of `names` alone, in that order, called as it says; `UserError` ``unknown_class``.

        What is known of them follows: a class that was inside of one that is left out is inside of none.
        """
        kept = {name: self[self.index(name)] for name in names}
        outer = {name: names.get(name) for name in self.names}
        return ClassTable(
            replace(entry, name=names[name], known=_inside_of(outer, entry.known)) for name, entry in kept.items()
        )

    def to_json(self) -> list[dict[str, Any]]:
        """Return the table as plain data."""
        return [entry.to_json() for entry in self._classes]

    @classmethod
    def from_json(cls, data: Any) -> ClassTable:
        """Make a table from plain data.

        A class may come without colour (then `default_color`) and without label value (then the smallest free one).

        Raises
        ------
        UserError
            ``bad_field`` and what the table itself raises.
        """
        require_fit(data, list[Any], "The class table")
        known = tuple(field.name for field in fields(SegmentClass))
        entries = [require_object(entry, f"class {number}", known) for number, entry in enumerate(data)]
        free = _free_label_values(entries)
        for number, entry in enumerate(entries):
            entry.setdefault("color", list(default_color(number)))
            if "label_value" not in entry:
                entry["label_value"] = next(free, MAX_LABEL_VALUE + 1)
        return cls(_build_class(entry, f"class {number}") for number, entry in enumerate(entries))

    @classmethod
    def from_names(cls, names: Iterable[str]) -> ClassTable:
        """Make a table from names alone: label values 1, 2, ... and default colours."""
        return cls.from_json([{"name": name} for name in names])

    def _require_unique(self, attribute: str, words: str) -> None:
        owners: dict[Any, SegmentClass] = {}
        for entry in self._classes:
            value = getattr(entry, attribute)
            if value != "" and value in owners:
                message = f"The classes {owners[value].name!r} and {entry.name!r} have the same {words} {value!r}."
                raise UserError(
                    f"duplicate_{'class' if attribute == 'name' else attribute}",
                    message,
                    "Change one.",
                    values={"names": [owners[value].name, entry.name]},
                )
            owners[value] = entry

    @overload
    def __getitem__(self, position: int) -> SegmentClass: ...

    @overload
    def __getitem__(self, position: slice) -> tuple[SegmentClass, ...]: ...

    def __getitem__(self, position: int | slice) -> SegmentClass | tuple[SegmentClass, ...]:
        return self._classes[position]

    def __len__(self) -> int:
        return len(self._classes)

    def __iter__(self) -> Iterator[SegmentClass]:
        return iter(self._classes)

    def __eq__(self, other: object) -> bool:
        return self._classes == other._classes if isinstance(other, ClassTable) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._classes)

    def __repr__(self) -> str:
        return f"ClassTable({list(self._classes)!r})"


def default_color(index: int) -> tuple[int, int, int]:
    """Return a colour (red, green, blue, 0..255) for the class at `index` that colour-blind readers can tell apart.

    The seven colours of Okabe and Ito first, then ever darker shades of them.
    """
    shade = 0.75 ** (index // len(_PALETTE) % 4)
    red, green, blue = _PALETTE[index % len(_PALETTE)]
    return round(red * shade), round(green * shade), round(blue * shade)


def _inside_of(names: Mapping[str, str | None], known: Knowledge) -> Knowledge:
    """What is known of a class when classes are called otherwise; one that was never there stays as it was said."""
    outer = known.inside_of
    return known if outer is None or outer not in names else replace(known, inside_of=names[outer])


def _require_color(color: Any, what: str) -> None:
    require_fit(color, tuple[int, int, int], f"The colour of {what}")
    if not all(0 <= part <= 255 for part in color):
        raise UserError("bad_field", f"The colour of {what} is {list(color)}.", "Use red, green, blue from 0 to 255.")


def _build_class(entry: dict[str, Any], what: str) -> SegmentClass:
    known = build(Knowledge, entry.pop("known", {}), f"'known' of {what}")
    return replace(build(SegmentClass, entry, what), known=known)


def _free_label_values(entries: list[dict[str, Any]]) -> Iterator[int]:
    taken = {value for entry in entries if isinstance(value := entry.get("label_value"), int)}
    return (value for value in range(1, MAX_LABEL_VALUE + 1) if value not in taken)
