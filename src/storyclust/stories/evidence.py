"""Why two articles are, or are not, in one event or thread, and what would change it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from storyclust.cluster.correction import corrected_similarity
from storyclust.cluster.local_scaling import LARGEST_RATIO, NEIGHBORS
from storyclust.stories.grouping import LEAST_SIMILARITY, event_similarity
from storyclust.stories.settings import GroupingSettings

VERDICTS = {
    "copy": "They are copies of one another.",
    "event": "They are in one event.",
    "thread": "They are in one thread, but in different events.",
    "apart": "They are in different threads.",
}


@dataclass(frozen=True, slots=True)
class StoryEvidence:
    """What decided whether two articles are in one event or thread.

    Attributes
    ----------
    verdict : {'copy', 'event', 'thread', 'apart'}
        The closest group that has both: copies of one article, an event, a thread, or none.
    cosine : float
        Cosine of the TF-IDF vectors of the two articles, or of those that they are copies of.
    background : float
        Background similarity: the cosine that unrelated articles have with either, the larger of both.
    similarity : float
        The cosine corrected for it; 0 if that is below 0.03, as in the fit.
    days_apart : float or None
        Time between the two publications; None where one has no date.
    event_similarity : float
        `similarity` divided by the days between them. Articles that merge directly into an event reach
        ``1 - event_distance``.
    ratio : float
        `similarity` in proportion to those of the nearest neighbours of both. Articles that merge directly
        into a thread reach ``10 * (1 - thread_distance)``.
    merged_at : float or None
        Average distance of the two groups of articles that brought them together; None if nothing did.
    shared_terms : tuple of str
        Terms that occur in both, names first.
    settings : GroupingSettings
        The settings of the fit.
    """

    verdict: str
    cosine: float
    background: float
    similarity: float
    days_apart: float | None
    event_similarity: float
    ratio: float
    merged_at: float | None
    shared_terms: tuple[str, ...]
    settings: GroupingSettings

    def as_dict(self) -> dict[str, Any]:
        """Attributes as values for JSON."""
        return {
            **asdict(self),
            "shared_terms": list(self.shared_terms),
            "settings": self.settings._asdict() | {"event_window": _window(self.settings)},
        }

    def __str__(self) -> str:
        lines = [VERDICTS[self.verdict], self._terms()]
        if self.verdict != "copy":
            lines += [self._content(), *self.reasons]
        return "\n".join(lines)

    @property
    def reasons(self) -> list[str]:
        """Sentences on time, neighbours and groups: what decided, given the similarity."""
        return [self._time(), *self._neighbors(), self._groups()]

    def _terms(self) -> str:
        return (
            f"Both have {', '.join(self.shared_terms[:8])}." if self.shared_terms else "They share no term."
        )

    def _content(self) -> str:
        """Say how similar their contents are."""
        said = f"Their cosine is {self.cosine:.2f}, and unrelated articles have {self.background:.2f}: "
        return said + (
            f"similarity {self.similarity:.2f}."
            if self.similarity
            else "that counts as no similarity at all."
        )

    def _time(self) -> str:
        """Say what the days between them mean for an event."""
        needed, window = 1.0 - self.settings.event_distance, _window(self.settings)
        when = "One of them has no date"
        if self.days_apart is not None:
            when = f"They were published {self.days_apart:.1f} days apart"
            if window is not None and self.days_apart > window:
                return f"{when}; an event spans {window:g} at most."
        reaches = "reaches" if self.event_similarity >= needed else "does not reach"
        said = f"{when}, so that it counts as {self.event_similarity:.2f} for an event. That {reaches} "
        said += f"{needed:.2f}, which two articles need"
        if self.event_similarity < needed <= self.similarity:
            said += f"; within {self.similarity / needed:.1f} days it would"
        return f"{said}."

    def _neighbors(self) -> list[str]:
        """Say what their neighbours mean for a thread."""
        if self.verdict == "event" or not self.similarity:
            return []
        needed = LARGEST_RATIO * (1.0 - self.settings.thread_distance)
        reaches = "reaches" if self.ratio >= needed else "does not reach"
        return [
            f"It is {self.ratio:.1f} times the similarity of both with their {NEIGHBORS} nearest neighbours. "
            f"That {reaches} {needed:.1f}, which two articles need for a thread."
        ]

    def _groups(self) -> str:
        """Say what joined the groups around them, and what would part them."""
        if self.merged_at is None:
            return "What decides is the average over all articles of two groups; here it did not suffice."
        level = "event" if self.verdict == "event" else "thread"
        limit = self.settings.event_distance if level == "event" else self.settings.thread_distance
        return (
            f"The groups around them were joined at an average distance of {self.merged_at:.3f}; the {level} "
            f"distance is {limit:g}. At {self.merged_at:.3f} or less they would be apart."
        )


def _window(settings: GroupingSettings) -> float | None:
    return None if np.isinf(settings.event_window) else settings.event_window


def evidence_of(
    verdict: str,
    cosine: float,
    background: float,
    gap: float,
    scales: tuple[float, float],
    merged_at: float | None,
    terms: tuple[str, ...],
    settings: GroupingSettings,
) -> StoryEvidence:
    """Compute the figures that decide about two articles.

    Parameters
    ----------
    verdict, cosine, background, merged_at, terms, settings
        Attributes of `StoryEvidence`.
    gap : float
        Days between the articles, NaN where one has no date.
    scales : tuple of float
        Scale of each article: see `storyclust.cluster.local_scaling`.
    """
    similarity = float(corrected_similarity(cosine, background))
    similarity = similarity if similarity >= LEAST_SIMILARITY else 0.0
    return StoryEvidence(
        verdict,
        cosine,
        background,
        similarity,
        None if np.isnan(gap) else gap,
        float(event_similarity(similarity, gap)),
        similarity / float(np.sqrt(scales[0] * scales[1])),
        merged_at,
        terms,
        settings,
    )
