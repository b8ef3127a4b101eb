"""Axes for plots, and labels in fonts that have their characters."""

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


TITLE_COLUMNS = 44  # of a title, in which a Chinese character takes two
# Fonts for characters that matplotlib's own font lacks; those that are installed are used.
FALLBACK_FONTS = (
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
    """The given axes, or those of a new figure."""
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingExtraError(task, "plot") from error
    return plt.subplots(figsize=(7.5, height), layout="constrained")[1] if ax is None else ax


def _name_rows(ax: Axes, rows: Iterable[int], names: Sequence[str]) -> None:
    """Label rows with plain text: no formulas, and a box for each character without a font."""
    family, known = _fonts()
    shown = ["".join(char if ord(char) in known else "\u25a1" for char in name) for name in names]
    ax.set_yticks(
        list(rows), shown, fontfamily=list(family), fontsize="small", parse_math=False, usetex=False
    )
    ax.tick_params(axis="y", length=0)


def _show_empty(ax: Axes, text: str) -> None:
    ax.set(xticks=[], yticks=[])
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.5")


def short_title(text: str) -> str:
    """Shorten a title to the width of labels, where wide characters count twice.

    Examples
    --------
    >>> short_title("Ministers of Japan and India agree in Tokyo on talks")
    'Ministers of Japan and India agree in Tokyo…'
    """
    title = sanitize(text)
    ends = np.cumsum([1 + (unicodedata.east_asian_width(char) in "WF") for char in title])
    if not title or ends[-1] <= TITLE_COLUMNS:
        return title
    return title[: int((ends < TITLE_COLUMNS).sum())].rstrip() + "…"


def _fonts() -> tuple[tuple[str, ...], frozenset[int]]:
    """Font families for labels, and the characters they have."""
    import matplotlib as mpl
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    default: Any = mpl.rcParams["font.family"]
    families = (*default, *(name for name in FALLBACK_FONTS if name in installed))
    return families, _characters(families)


@functools.cache
def _characters(families: tuple[str, ...]) -> frozenset[int]:
    from matplotlib import font_manager

    paths = [font_manager.findfont(font_manager.FontProperties(family=[name])) for name in families]
    return frozenset().union(*(font_manager.get_font(path).get_charmap() for path in paths))
