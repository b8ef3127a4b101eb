"""Axes to draw on, and texts in fonts that have their letters."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.terminal import sanitize
from storyclust.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


TITLE = 44  # columns of a title, in which a Chinese character takes two
# Fonts for what matplotlib's own lacks: of these, those that are installed.
MORE_FONTS = (
    *("Noto Sans CJK JP", "Noto Sans JP", "Noto Sans CJK SC", "Noto Sans SC", "Hiragino Sans", "PingFang SC"),
    *(
        "Yu Gothic",
        "Microsoft YaHei",
        "Malgun Gothic",
        "WenQuanYi Zen Hei",
        "IPAexGothic",
        "Droid Sans Fallback",
    ),
    *(
        "Noto Sans Devanagari",
        "Noto Sans Arabic",
        "Noto Sans Hebrew",
        "Noto Sans Thai",
        "Nirmala UI",
        "Arial Unicode MS",
    ),
)


def _axes(ax: Axes | None, task: str, height: float = 4.2) -> Axes:
    """Axes to draw on: those given, or those of a new figure."""
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingExtraError(task, "plot") from error
    return plt.subplots(figsize=(7.5, height), layout="constrained")[1] if ax is None else ax


def _name_rows(ax: Axes, rows: Iterable[int], names: Sequence[str]) -> None:
    """Write names beside rows as plain text: no formulas, and no letter for which there is no font."""
    family, known = _fonts()
    shown = ["".join(char if ord(char) in known else "\u25a1" for char in name) for name in names]
    ax.set_yticks(
        list(rows), shown, fontfamily=list(family), fontsize="small", parse_math=False, usetex=False
    )
    ax.tick_params(axis="y", length=0)


def _say_nothing(ax: Axes, text: str) -> None:
    ax.set(xticks=[], yticks=[])
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.5")


def short_title(text: str) -> str:
    """Title that fits beside a figure, where wide characters count twice.

    Examples
    --------
    >>> short_title("Ministers of Japan and India agree in Tokyo on talks")
    'Ministers of Japan and India agree in Tokyo…'
    """
    title = sanitize(text)
    ends = np.cumsum([1 + (unicodedata.east_asian_width(char) in "WF") for char in title])
    if not title or ends[-1] <= TITLE:
        return title
    return title[: int((ends < TITLE).sum())].rstrip() + "…"


def _fonts() -> tuple[tuple[str, ...], frozenset[int]]:
    """Families to write with, and the characters they have."""
    import matplotlib as mpl
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    usual: Any = mpl.rcParams["font.family"]
    families = (*usual, *(name for name in MORE_FONTS if name in installed))
    return families, _characters(families)


@functools.cache
def _characters(families: tuple[str, ...]) -> frozenset[int]:
    from matplotlib import font_manager

    paths = [font_manager.findfont(font_manager.FontProperties(family=[name])) for name in families]
    return frozenset().union(*(font_manager.get_font(path).get_charmap() for path in paths))
