"""A person's judgements of pairs of articles: one event, one story, or different.

They are kept in a file of JSON Lines, which only grows: the last line on a pair counts.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from storyclust.errors import InputError
from storyclust.evaluation.metrics import harmonic, unlabelled

if TYPE_CHECKING:
    from storyclust.evaluation.tuning import Tuning

VERDICTS = ("event", "story", "different")  # what two articles are; those of one event are of one story

Key = tuple[str, str]  # ids of two articles, the smaller first
Judgements = dict[Key, str | None]  # None: the pair was passed over


@dataclass(frozen=True, slots=True)
class PairScores:
    """Agreement of predicted groups with a person's judgements of pairs.

    Attributes
    ----------
    precision, recall, f1 : float
        Share of the pairs in one predicted group that were judged to belong together; the reverse; and their
        harmonic mean. Precision and recall are 1 if there is no such pair.
    accuracy : float
        Share of all pairs of which prediction and judgement agree.
    n_pairs, n_together, n_predicted : int
        Number of judged pairs, of those judged to belong together, and of those in one predicted group.
    """

    precision: float
    recall: float
    f1: float
    accuracy: float
    n_pairs: int
    n_together: int
    n_predicted: int

    def as_dict(self) -> dict[str, float]:
        """Return the scores as a plain dictionary."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Pair:
    """Pair of articles to judge.

    Attributes
    ----------
    a, b : str
        Ids of the articles.
    titles : tuple of str
        Their titles; "" where they are not known.
    facts : tuple of str
        What is known of the pair, in a few words each.
    """

    a: str
    b: str
    titles: tuple[str, str]
    facts: tuple[str, ...]

    @property
    def key(self) -> Key:
        """Ids in the order in which judgements have them."""
        return key_of(self.a, self.b)


def key_of(a: str, b: str) -> Key:
    """Ids of two articles, the smaller first."""
    return (a, b) if a <= b else (b, a)


class JudgementFile:
    """File of judgements that grows by one line for each.

    Each line is on the disk before the next question. If the process was killed while it wrote, the
    incomplete last line is removed.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    InputError
        The file holds anything else, or cannot be read or written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "answers.jsonl")
    ...     JudgementFile(path).record(("a", "b"), "event")
    ...     JudgementFile(path).judgements
    {('a', 'b'): 'event'}
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.judgements: Judgements = {}
        if not self.path.exists():
            return
        self.judgements = read_judgements(self.path)
        data = self.path.read_bytes()
        if data and not data.endswith(b"\n"):
            whole = data.rfind(b"\n") + 1
            with self.path.open("r+b") as file:
                if _parsed(data[whole:]) is None:
                    file.truncate(whole)
                else:
                    file.seek(0, os.SEEK_END)
                    file.write(b"\n")

    def record(self, key: Key, verdict: str | None) -> None:
        """Append a judgement, None for a pair that is passed over."""
        line = orjson.dumps({"a": key[0], "b": key[1], "answer": verdict}) + b"\n"
        with self.path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self.judgements[key] = verdict


def read_judgements(path: str | os.PathLike[str]) -> Judgements:
    """Read judgements; an incomplete last line is left out.

    Parameters
    ----------
    path : str or path-like
        JSON Lines of `a` and `b`, the ids of two articles, and `answer`: "event", "story", "different", or
        null.

    Raises
    ------
    InputError
        A line is something else, or the file cannot be read.
    """
    found: Judgements = {}
    lines = _read(path).split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        judged = _parsed(line)
        if judged is None and number == len(lines) and _is_cut_off(line):
            break
        if judged is None:
            expected = ", ".join((*VERDICTS, "or null"))
            raise InputError(
                f"{os.fspath(path)}:{number} is not an answer: a, b, and answer, which is {expected}."
            )
        found[key_of(judged[0], judged[1])] = judged[2]
    return found


def _is_cut_off(line: bytes) -> bool:
    """Whether a line is the beginning of a judgement, and not of something else."""
    begin = b'{"a":'
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return line.startswith(begin) or begin.startswith(line)
    return False


def _parsed(line: bytes) -> tuple[str, str, str | None] | None:
    """Ids and verdict of a line, None if it is something else."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(record, dict) or not record.keys() >= {"a", "b", "answer"}:
        return None
    a, b, verdict = record["a"], record["b"], record["answer"]
    known = verdict is None or (isinstance(verdict, str) and verdict in VERDICTS)
    return (a, b, verdict) if isinstance(a, str) and isinstance(b, str) and known else None


def read_pairs(path: str | os.PathLike[str]) -> list[Pair]:
    """Read pairs to judge, each once, in the order of the file.

    Parameters
    ----------
    path : str or path-like
        JSON Lines as `storyclust links` writes them, or the JSON of `storyclust tune`, whose borderline pairs
        are taken.

    Raises
    ------
    InputError
        A line is something else, or the file cannot be read.
    """
    found: dict[Key, Pair] = {}
    for number, line in enumerate(_read(path).splitlines(), 1):
        if not line.strip():
            continue
        for record in _pair_records(line):
            pair = _pair(record)
            if pair is None:
                raise InputError(
                    f"{os.fspath(path)}:{number} is neither a pair of ids a and b, nor the JSON of tune."
                )
            found.setdefault(pair.key, pair)
    return list(found.values())


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {os.fspath(path)}: {error.strerror or error}.") from error


def _pair_records(line: bytes) -> Iterator[Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    if isinstance(record, dict) and isinstance(record.get("borderline"), list):
        yield from record["borderline"]
    else:
        yield record


def _pair(record: Any) -> Pair | None:
    if not isinstance(record, dict) or not all(isinstance(record.get(end), str) for end in ("a", "b")):
        return None
    titles = record.get("titles")
    if not (isinstance(titles, list) and len(titles) == 2):
        titles = ["", ""]
    facts = [
        f"{name.replace('_', ' ')} {value:g}" if isinstance(value, (int, float)) else str(value)
        for name in ("relation", "similarity", "distance", "days_apart", "hours_apart")
        if (value := record.get(name)) is not None
    ]
    if isinstance(terms := record.get("shared_terms"), list) and terms:
        facts.append(f"both: {', '.join(map(str, terms))}")
    return Pair(record["a"], record["b"], (str(titles[0]), str(titles[1])), tuple(facts))


def belong_together(verdict: str | None, level: str) -> bool | None:
    """Whether articles so judged are in one group of a level; None for pairs that were passed over.

    Examples
    --------
    >>> belong_together("story", "event"), belong_together("story", "thread")
    (False, True)
    """
    return None if verdict is None else verdict == "event" or (verdict == "story" and level == "thread")


def answers_to(tuning: Tuning, ids: Sequence[str], judgements: Judgements) -> list[bool | None]:
    """Judgements of the borderline pairs of a tuning, for `learn`; None for pairs without one."""
    keys = [key_of(ids[pair.a], ids[pair.b]) for pair in tuning.borderline]
    return [belong_together(judgements.get(key), tuning.level) for key in keys]


def score_judged(
    judgements: Judgements, pred: Mapping[str, Hashable | None], level: str = "event"
) -> PairScores:
    """Score predicted groups against judgements of pairs.

    Parameters
    ----------
    judgements : dict
        As `read_judgements` returns them.
    pred : mapping of str to label
        Predicted label of each article, by id. None or NaN stands for a group of one article. Pairs with an
        article that is missing are not scored.
    level : {'event', 'thread'}, default='event'
        What the labels are of: articles of one story belong together in a thread, but not in an event.

    Returns
    -------
    scores : PairScores

    Raises
    ------
    InputError
        If no judged pair can be scored.

    Examples
    --------
    >>> judged = {("a", "b"): "event", ("a", "c"): "story", ("b", "c"): None}
    >>> scores = score_judged(judged, {"a": 0, "b": 0, "c": 0})
    >>> scores.precision, scores.recall, scores.n_pairs
    (0.5, 1.0, 2)
    """
    scored = []
    for (a, b), verdict in judgements.items():
        wanted = belong_together(verdict, level)
        if wanted is None or a not in pred or b not in pred:
            continue
        scored.append((wanted, not unlabelled(pred[a]) and pred[a] == pred[b]))
    if not scored:
        raise InputError("no answer is about two of these articles: there is nothing to compare with.")
    both = sum(wanted and found for wanted, found in scored)
    together, predicted = sum(wanted for wanted, _ in scored), sum(found for _, found in scored)
    precision, recall = (both / predicted if predicted else 1.0), (both / together if together else 1.0)
    accuracy = sum(wanted == found for wanted, found in scored) / len(scored)
    f1 = harmonic(precision, recall)
    return PairScores(precision, recall, f1, accuracy, len(scored), together, predicted)
