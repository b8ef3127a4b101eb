"""Settings of events, threads and links: defaults and checks that all engines and the command line share.

NumPy is imported when a check runs, so that the help of the command line can show the defaults without it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from storyclust.errors import InputError

# Chosen over all development sets together, never for one of them.
EVENT_DISTANCE, THREAD_DISTANCE = 0.92, 0.93
# Days. Similarities decay with the days between articles, so a limit changes little; it is easy to explain.
EVENT_WINDOW = 7.0
COPY_THRESHOLD = 0.8  # the default of `Deduplicator`
LINK_SIMILARITY = 0.16  # 95% of the links of the development sets join articles of one story


class GroupingSettings(NamedTuple):
    """Definition of an event and of a thread; the window is infinite where there is no limit."""

    event_distance: float = EVENT_DISTANCE
    event_window: float = EVENT_WINDOW
    thread_distance: float = THREAD_DISTANCE
    copy_threshold: float = COPY_THRESHOLD


def check_grouping(
    event_distance: object = EVENT_DISTANCE,
    event_window: object = EVENT_WINDOW,
    thread_distance: object = THREAD_DISTANCE,
    copy_threshold: object = COPY_THRESHOLD,
) -> GroupingSettings:
    """Return parameters of `StoryClusterer` as floats, or raise if one is out of range."""
    from storyclust._core.validation import check_float

    event = check_float("event_distance", event_distance, low=0, high=1)
    thread = check_float("thread_distance", thread_distance, low=0, high=1)
    if thread < event:
        raise InputError(
            f"thread_distance must not be less than event_distance ({event:g}), got {thread:g}: "
            "events lie inside threads."
        )
    copies = check_float("copy_threshold", copy_threshold, low=0, high=1, open_low=True)
    return GroupingSettings(event, check_window(event_window), thread, copies)


def check_window(event_window: object) -> float:
    """Return a window in days, infinite for None, or raise if it is out of range."""
    from storyclust._core.validation import check_float

    if event_window is None:
        return math.inf
    return check_float("event_window", event_window, low=0, high=math.inf)
