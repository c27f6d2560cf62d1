"""Count lines of code by room, without docstrings, comments and blank lines: `count.py [CHECKOUT]`."""

from __future__ import annotations

import ast
import sys
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("WeakMedSAM", "WeakMedSAMLib", "Utilities", "Testing")
_LIBRARY = "WeakMedSAMLib"
_NO_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def main() -> None:
    """Print the table of a checkout; of this one if none is named."""
    checkout = Path(sys.argv[1]) if sys.argv[1:] else ROOT
    counts = count_rooms(checkout)
    for room, lines in sorted(counts.items()):
        print(f"{room:40}{lines:8}")
    handed_out = sum(lines for room, lines in counts.items() if room.startswith("WeakMedSAM"))
    print(f"{'what is handed out':40}{handed_out:8}")


def count_rooms(checkout: Path) -> Counter[str]:
    """Lines of code of a checkout by room: a folder of the engine or the frontend, or a whole folder beside these."""
    counts: Counter[str] = Counter()
    for folder in FOLDERS:
        for path in sorted((checkout / folder).rglob("*.py")):
            inside = path.relative_to(checkout).parent.parts
            counts["/".join(inside[: 3 if folder == _LIBRARY else 1])] += count_lines(path)
    return counts


def count_lines(path: Path) -> int:
    """Lines of a file that hold code: a token that is neither comment nor part of a docstring."""
    documented = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    with tokenize.open(path) as stream:
        tokens = list(tokenize.generate_tokens(stream.readline))
    held = {
        number for token in tokens if token.type not in _NO_CODE for number in range(token.start[0], token.end[0] + 1)
    }
    return len(held - documented)


if __name__ == "__main__":
    main()
