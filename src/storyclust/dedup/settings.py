"""Names and defaults of the parameters of `Deduplicator`, for the command line, too."""

from __future__ import annotations

KEEP = ("earliest", "latest", "latest-version", "longest", "first")
SOURCES = "source:"
DOUBTFUL_POLICIES = ("keep", "drop")
EXCERPT = (
    0.8  # least containment: what a reader calls an excerpt stands in the longer text, all or most of it
)
