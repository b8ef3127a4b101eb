"""Copies, overlapping coverage, story threads and summaries in piles of news articles.

Names are imported when first used, so that ``import storyclust`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from storyclust import datasets
    from storyclust.agglomerate import GraphAgglomerative
    from storyclust.article import Article, as_articles
    from storyclust.background import Background
    from storyclust.chunks import show_progress
    from storyclust.clean import find_furniture
    from storyclust.coverage import Link, coverage_links
    from storyclust.dedup import Deduplicator, DuplicateGroup
    from storyclust.errors import (
        InputError,
        MissingExtraError,
        StoreBusyError,
        StoreError,
        StoryclustError,
        StoryclustWarning,
    )
    from storyclust.evidence import Evidence, explain
    from storyclust.io import iter_articles, read_articles, write_records
    from storyclust.lsh import choose_bands
    from storyclust.metrics import Scores, evaluate
    from storyclust.minhash import MinHasher
    from storyclust.store import NewsStore
    from storyclust.stories import StoryClusterer
    from storyclust.summary import Summary, summarize
    from storyclust.threads import Event, StoryThread
    from storyclust.tuning import Tuning, tune
    from storyclust.vectorize import NewsVectorizer

__version__ = "0.1.0"

_ROOMS = {
    "agglomerate": ("GraphAgglomerative",),
    "article": ("Article", "as_articles"),
    "background": ("Background",),
    "chunks": ("show_progress",),
    "clean": ("find_furniture",),
    "coverage": ("Link", "coverage_links"),
    "dedup": ("Deduplicator", "DuplicateGroup"),
    "evidence": ("Evidence", "explain"),
    "errors": (
        "InputError",
        "MissingExtraError",
        "StoreBusyError",
        "StoreError",
        "StoryclustError",
        "StoryclustWarning",
    ),
    "io": ("iter_articles", "read_articles", "write_records"),
    "lsh": ("choose_bands",),
    "metrics": ("Scores", "evaluate"),
    "minhash": ("MinHasher",),
    "store": ("NewsStore",),
    "stories": ("StoryClusterer",),
    "summary": ("Summary", "summarize"),
    "threads": ("Event", "StoryThread"),
    "tuning": ("Tuning", "tune"),
    "vectorize": ("NewsVectorizer",),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}
_WHOLE_ROOMS = ("datasets",)

__all__ = [
    "Article",
    "Background",
    "Deduplicator",
    "DuplicateGroup",
    "Event",
    "Evidence",
    "GraphAgglomerative",
    "InputError",
    "Link",
    "MinHasher",
    "MissingExtraError",
    "NewsStore",
    "NewsVectorizer",
    "Scores",
    "StoreBusyError",
    "StoreError",
    "StoryClusterer",
    "StoryThread",
    "StoryclustError",
    "StoryclustWarning",
    "Summary",
    "Tuning",
    "__version__",
    "as_articles",
    "choose_bands",
    "coverage_links",
    "datasets",
    "evaluate",
    "explain",
    "find_furniture",
    "iter_articles",
    "read_articles",
    "show_progress",
    "summarize",
    "tune",
    "write_records",
]


def __getattr__(name: str) -> Any:
    if name in _WHOLE_ROOMS:
        return importlib.import_module(f"storyclust.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'storyclust' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"storyclust.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
