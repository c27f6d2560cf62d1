"""Ways to spoil an input: bytes, lines of a header, and JSON. All of them are decided by the generator alone."""

from __future__ import annotations

import copy
import json
import re
import struct
from collections.abc import Callable
from random import Random
from typing import Any

NUMBERS = (
    *(0, 1, -1, 2, 3, 4, 7, 8, 127, 255, 256, 348, 32767, 65535, 65536, 100_000, 2**24, 2**28, 2**30),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**53, 2**63 - 1, 2**63, 2**64, 10**15, 10**30),
)
ODD_NUMBERS = ("nan", "inf", "-inf", "1e308", "-1e308", "1e-320", "0.5", "1e999", "0x10", "1_000", "٣", "--1", "1,5")
WORDS = (
    *(
        "",
        " ",
        "\t",
        "\0",
        "'",
        '"',
        "\\",
        "\ufeff",
        "\u202e",
        "\ud800",
        "\x1b[2J",
        "ü",
        "肝臓",
        "A" * 5000,
        "[" * 2000,
    ),
    *("none", "null", "NaN", "true", "LIST", "LOCAL", "%03d 1 9 1", "%s%s%n", "{0.__class__}", "a|b~c^d", "a;b,c"),
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "=cmd|' /C calc'!A0"),
    *("../outside/secret.raw", "/etc/passwd", "..", "../../x.nrrd", "..\\x", "C:/x", "//server/share", "a\0b", "~"),
    *(
        "$(touch hacked)",
        "`touch hacked`",
        "; touch hacked",
        "| touch hacked",
        "__import__('os').system('touch hacked')",
    ),
    *("!!python/object/apply:os.system ['touch hacked']", "cos\nsystem\n(S'touch hacked'\ntR."),
)
_DEEPEST = 10
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


def spoil_bytes(random: Random, data: bytes, within: int | None = None) -> bytes:
    """Change one to four places, all before `within` if that is given."""
    result = bytearray(data)
    for _ in range(random.randint(1, 4)):
        end = min(len(result), within or len(result))
        random.choice(_BYTE_CHANGES)(random, result, random.randint(0, max(0, end - 1)))
    return bytes(result)


def spoil_lines(random: Random, text: str) -> str:
    """Change one to three lines of a header: a number, a value, or the lines' order and number."""
    lines = text.split("\n")
    for _ in range(random.randint(1, 3)):
        place = random.randrange(len(lines))
        random.choice(_LINE_CHANGES)(random, lines, place)
    return "\n".join(lines)


def spoil_json(random: Random, data: Any) -> bytes:
    """Change one to three values or keys, sometimes bytes of the file too."""
    data = copy.deepcopy(data)
    for _ in range(random.randint(1, 3)):
        data = _change_node(random, data)
    # Lone halves of surrogate pairs are written escaped, as a hostile file may have them.
    written = json.dumps(data, indent=random.choice((None, 1))).encode()
    return spoil_bytes(random, written) if random.random() < 0.2 else written


def odd_value(random: Random) -> Any:
    """A value that a JSON file may hold and nobody expects."""
    kinds: tuple[Callable[[], Any], ...] = (
        lambda: random.choice(NUMBERS),
        lambda: random.choice(WORDS),
        lambda: random.choice((None, True, False, [], {}, 0.5, -0.0, float("nan"), float("inf"), 1e308, 10**400)),
        lambda: [random.choice(NUMBERS)] * random.choice((1, 2, 3, 1000)),
        lambda: {random.choice(WORDS): random.choice(NUMBERS)},
    )
    return random.choice(kinds)()


def packed_number(random: Random, kind: str) -> bytes:
    """A number of a `struct` kind such as ``"<h"``, cut to what the kind holds."""
    if kind[-1] in "fd":
        return struct.pack(kind, random.choice((0.0, -1.0, 1e-38, 3e38, float("nan"), float("inf"), 0.5, 352.0)))
    size = struct.calcsize(kind)
    return (random.choice(NUMBERS) % 2 ** (8 * size)).to_bytes(size, "little" if kind[0] == "<" else "big")


def _flip(random: Random, data: bytearray, place: int) -> None:
    if data:
        data[place] ^= 1 << random.randrange(8)


def _set(random: Random, data: bytearray, place: int) -> None:
    if data:
        data[place] = random.choice((0, 1, 10, 13, 32, 34, 44, 45, 48, 57, 91, 123, 127, 128, 255))


def _number_in(random: Random, data: bytearray, place: int) -> None:
    number = packed_number(random, random.choice(("<h", ">h", "<i", ">i", "<q", ">q", "<f", "<d")))
    data[place : place + len(number)] = number


def _insert(random: Random, data: bytearray, place: int) -> None:
    data[place:place] = random.choice(
        (random.randbytes(random.randint(1, 16)), random.choice(WORDS).encode("utf-8", "replace"))
    )


def _remove(random: Random, data: bytearray, place: int) -> None:
    del data[place : place + random.choice((1, 2, 4, 16, 256))]


def _repeat(random: Random, data: bytearray, place: int) -> None:
    data[place:place] = data[place : place + random.choice((1, 8, 64))] * random.choice((1, 2, 50))


def _cut(random: Random, data: bytearray, place: int) -> None:
    del data[place:]


_BYTE_CHANGES = (_flip, _flip, _set, _set, _number_in, _insert, _remove, _repeat, _cut)


def _line_number(random: Random, lines: list[str], place: int) -> None:
    found = list(_NUMBER.finditer(lines[place]))
    if found:
        match = random.choice(found)
        number = str(random.choice((random.choice(NUMBERS), random.choice(ODD_NUMBERS))))
        lines[place] = lines[place][: match.start()] + number + lines[place][match.end() :]


def _line_value(random: Random, lines: list[str], place: int) -> None:
    mark = random.choice((":=", ":", "=", ","))
    head, found, _ = lines[place].partition(mark)
    lines[place] = f"{head}{found} {random.choice(WORDS)}" if found else random.choice(WORDS)


def _line_more(random: Random, lines: list[str], place: int) -> None:
    lines[place] += " " + str(random.choice(NUMBERS))


def _line_twice(random: Random, lines: list[str], place: int) -> None:
    lines.insert(random.randrange(len(lines)), lines[place])


def _line_gone(random: Random, lines: list[str], place: int) -> None:
    if len(lines) > 1:
        del lines[place]


_LINE_CHANGES = (
    _line_number,
    _line_number,
    _line_number,
    _line_value,
    _line_value,
    _line_more,
    _line_twice,
    _line_gone,
)


def _change_node(random: Random, data: Any) -> Any:
    """The data with one node changed; nodes deep in it are as likely as others."""
    ways = _ways(data)
    way = random.choice(ways)
    if not way:
        return odd_value(random)
    parent = data
    for step in way[:-1]:
        parent = parent[step]
    _change_child(random, parent, way[-1])
    return data


def _ways(data: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = data.keys() if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    deeper = steps if len(way) < _DEEPEST else ()
    return [way, *(found for step in deeper for found in _ways(data[step], (*way, step)))]


def _change_child(random: Random, parent: Any, step: Any) -> None:
    change = random.choice(("value", "value", "value", "remove", "double", "deep"))
    if change == "value":
        parent[step] = odd_value(random)
    elif change == "remove":
        del parent[step]
    elif change == "deep":
        parent[step] = json.loads("[" * 300 + "]" * 300)
    elif isinstance(parent, list):
        parent.insert(step, copy.deepcopy(parent[step]))
    else:
        parent[random.choice(WORDS)] = copy.deepcopy(parent[step])
