"""An extension of Griffe: numpydoc sections as Markdown shows them, with links to public names.

Griffe passes the sections "See Also" and "References" on as they are. Here each entry becomes an item of a
list, and the marks of reStructuredText for citations become plain numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

SECTION = re.compile(r"(?ms)^(See Also|References)\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}$|\Z)")


class NumpydocSections(griffe.Extension):
    """Rewrite the docstrings of a package when it has been loaded."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Rewrite all docstrings."""
        public = {name: member.target_path for name, member in pkg.members.items() if member.is_alias}
        for found in _objects(pkg):
            if found.docstring:
                found.docstring.value = mended(found.docstring.value, public)


def _objects(parent: griffe.Object) -> Iterator[griffe.Object]:
    yield parent
    for member in parent.members.values():
        if not member.is_alias:
            yield from _objects(member)


def mended(text: str, public: dict[str, str]) -> str:
    """Return a docstring with lists for sections, and links for names of `public` in backticks."""

    def items(section: re.Match[str]) -> str:
        lines = re.sub(r"(?m)^\.\. (?=\[\d+\])", "", section[2])
        if section[1] == "See Also":
            lines = re.sub(r"(?m)^(\w[\w.]*) : ", r"`\1`: ", lines)
        # A line goes on with the entry before it if it is indented, or if that has not come to an end.
        lines = re.sub(r"(?m)(?<![.\n])\n(?=[^\s\[`])", "\n  ", lines)
        return f"{section[1]}\n{'-' * len(section[1])}\n" + re.sub(r"(?m)^(?=\S)", "- ", lines)

    text = re.sub(r"(?<=\[\d\])_(?!\w)", "", SECTION.sub(items, text))
    return re.sub(
        r"(?<![`\[])`(\w+)`(?![`\]])",
        lambda name: f"[`{name[1]}`][{public[name[1]]}]" if name[1] in public else name[0],
        text,
    )
