"""Learning from a person's answers about borderline pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from storyclust.errors import InputError
from storyclust.evaluation.parameter_search import DISTANCES

if TYPE_CHECKING:
    from storyclust.evaluation.borderline import Borderline
    from storyclust.evaluation.tuning import Tuning


def nearest_first(tuning: Tuning) -> list[int]:
    """Numbers of the borderline pairs, those whose groups merge nearest to the recommended distance first."""
    distance = tuning.settings[tuning.name] or 0.0
    gaps = [abs(pair.distance - distance) for pair in tuning.borderline]
    return sorted(range(len(gaps)), key=lambda k: (gaps[k], k))


def learn_answers(tuning: Tuning, answers: Sequence[bool | None]) -> Tuning:
    """Choose the distance that agrees with most answers about borderline pairs.

    Parameters
    ----------
    tuning : Tuning
    answers : sequence of bool or None, of length n_borderline
        Whether the two articles of each borderline pair belong together; None if that is not known.

    Returns
    -------
    learnt : Tuning
        With the distance of all that were tried that agrees with most answers, the nearest to the former
        among equals, and with one reason more. Equal to `tuning` if there is no answer.

    Raises
    ------
    InputError
        If there are more or fewer answers than borderline pairs.

    Examples
    --------
    >>> from storyclust.evaluation.borderline import Borderline
    >>> from storyclust.evaluation.tuning import Tuning
    >>> pair = Borderline(0, 1, False, 0.935, 0.1, (1, 1), ("A", "B"), 0.5, ())
    >>> settings = {"event_distance": 0.92, "event_window": 7.0, "thread_distance": 0.95}
    >>> learn_answers(Tuning("event", settings, [], [], [pair]), [True]).settings["event_distance"]
    0.94
    """
    if len(answers) != len(tuning.borderline):
        raise InputError(
            f"answers must have an element for each of {len(tuning.borderline)} borderline pairs, "
            f"got {len(answers)}."
        )
    judged = [(p, a) for p, a in zip(tuning.borderline, answers, strict=True) if a is not None]
    if not judged:
        return tuning
    former = tuning.settings[tuning.name] or 0.0
    right = {distance: agreeing(judged, distance) for distance in (former, *DISTANCES[tuning.level])}
    best = min(right, key=lambda distance: (-right[distance], abs(distance - former), distance))
    told = f"{right[best]} of your {len(judged)} answers agree with {tuning.name} {best:g}"
    reason = f"{told}: it is kept." if best == former else f"{told}, {right[former]} with {former:g}."
    settings = {**tuning.settings, tuning.name: best}
    # Events lie inside threads.
    if tuning.level == "event":
        settings["thread_distance"] = max(settings["thread_distance"] or 0.0, best)
    else:
        settings["event_distance"] = min(settings["event_distance"] or 0.0, best)
    pairs = [replace(pair, joined=pair.distance < best) for pair in tuning.borderline]
    return replace(tuning, settings=settings, reasons=[*tuning.reasons, reason], borderline=pairs)


def agreeing(judged: Sequence[tuple[Borderline, bool]], distance: float) -> int:
    """Number of pairs that are joined at a distance if, and only if, they belong together."""
    return sum((pair.distance < distance) == together for pair, together in judged)


def questions(tuning: Tuning) -> Iterator[tuple[int, str]]:
    """Number of each borderline pair and what to ask about it, the nearest to the distance first."""
    for at, k in enumerate(nearest_first(tuning), 1):
        yield (
            k,
            f"{at}/{len(tuning.borderline)}  Is this one {tuning.level}?\n{tuning.borderline[k].question}",
        )
