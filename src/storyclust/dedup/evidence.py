"""Evidence about two texts: similarity, shared passages, and differences.

Passages are the common substrings of their token sequences. Differences lie between those that are in the
same order in both. Tokens are cut from composed UTF-8; positions are in characters of the original text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from storyclust._core.validation import check_int
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.dedup.alignment import Block, align, character_places, drop_chance_blocks
from storyclust.dedup.common_substrings import SuffixArray, match_runs, shared_runs
from storyclust.dedup.jaccard import ShingleSets
from storyclust.dedup.settings import EXCERPT
from storyclust.errors import InputError, InputTypeError
from storyclust.text.tokens import hash_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR = 0.8  # least similarity of a near copy: the default threshold of `Deduplicator`

Relation = Literal["exact", "near", "excerpt", "overlap", "none"]
Kind = Literal["equal", "replace", "delete", "insert"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that two texts share, up to case, width and punctuation.

    Parameters
    ----------
    text_a : str
        The passage in the first text: its characters `start_a` to `end_a`.
    start_a, end_a, start_b, end_b : int
        Position in either text, in characters.
    n_tokens : int
        Length in tokens.
    """

    text_a: str
    start_a: int
    end_a: int
    start_b: int
    end_b: int
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of turning the first text into the second.

    Parameters
    ----------
    kind : {'equal', 'replace', 'delete', 'insert'}
        'equal' means equal tokens: case, width, punctuation and spacing may differ. Two in a row are
        possible where only a space separates characters of a script that is written without spaces.
    start_a, end_a, start_b, end_b : int
        Position in either text, in characters.
    before, after : str
        The characters there in the first and in the second text.
    """

    kind: Kind
    start_a: int
    end_a: int
    start_b: int
    end_b: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """How two texts are related, and the evidence for it.

    Parameters
    ----------
    similarity : float
        Exact Jaccard similarity of their shingle sets.
    containment : float
        Share of the smaller shingle set that is in the larger one.
    contained : {'a', 'b'}
        Which text has the smaller set; 'a' if both have the same size.
    relation : {'exact', 'near', 'excerpt', 'overlap', 'none'}
        'exact': equal tokens in equal order. 'near': similarity of at least 0.8. 'excerpt': less, but
        containment of at least 0.8. 'overlap': a shared passage. 'none': no shared passage.
    passages : tuple of Passage
        Maximal runs of at least `shingle_size` tokens that both texts contain, in any order; longest first,
        then by position in the first text and the second. None lies inside another one, in either text.
    edits : tuple of Edit
        Steps that turn the first text into the second, from beginning to end: concatenated, `before` of
        all edits is the first text, and `after` the second.
    """

    similarity: float
    containment: float
    contained: Literal["a", "b"]
    relation: Relation
    passages: tuple[Passage, ...]
    edits: tuple[Edit, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain numbers, strings, lists and dicts.

        Examples
        --------
        >>> from storyclust.dedup.evidence import explain
        >>> record = explain("The ferry sank.", "The ferry left.").as_dict()
        >>> record["relation"], record["edits"][1]["before"], record["edits"][1]["after"]
        ('none', 'sank.', 'left.')
        """
        values = asdict(self)
        return values | {"passages": list(values["passages"]), "edits": list(values["edits"])}


class TokenizedText(NamedTuple):
    """Tokens of a text, with their positions in characters."""

    text: str
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    lasts: NDArray[np.int64]  # start of the last character of each

    @classmethod
    def from_text(cls, text: str) -> TokenizedText:
        """Cut a text into tokens."""
        tokens = hash_tokens([text])
        begins, ends = character_places(text, tokens.data)
        return cls(text, tokens.hashes, begins[tokens.starts], ends[tokens.ends], begins[tokens.ends - 1])

    def start_of(self, token: int) -> int:
        """Start of a token, in characters; separators belong to the token before them."""
        if token == len(self.starts):
            return len(self.text)
        return int(self.starts[token]) if token else 0

    def end_before(self, token: int) -> int:
        """End of the tokens before `token`, which may overlap it: adjacent bigrams share a character."""
        return max(self.start_of(token), int(self.ends[token - 1]))


def explain(
    a: str | Mapping[str, Any] | Article, b: str | Mapping[str, Any] | Article, *, shingle_size: int = 5
) -> Evidence:
    """Show how two texts are related: similarity, shared passages and differences.

    Parameters
    ----------
    a, b : str, mapping or Article
        Compared by their text or, where it is empty, their title; see `Article.content`. Positions count
        its characters.
    shingle_size : int, default=5
        Number of tokens in a shingle, and in the shortest passage.

    Returns
    -------
    evidence : Evidence

    Raises
    ------
    InputError
        `a` or `b` cannot be read as an article, or `shingle_size` is out of range.

    See Also
    --------
    Deduplicator : Find copies among many articles.

    Notes
    -----
    Edits are given at the level of words (of characters, in scripts without spaces) and are not always the
    fewest possible: long passages take precedence over single words, and a few equal words between
    changes more than four times as long are reported as part of the change.

    Examples
    --------
    >>> from storyclust.dedup.evidence import explain
    >>> a = "The ferry struck the pier on Monday."
    >>> b = "Police say: the FERRY struck the pier on Sunday."
    >>> evidence = explain(a, b)
    >>> evidence.relation, round(evidence.similarity, 3), evidence.passages[0].text_a
    ('overlap', 0.333, 'The ferry struck the pier on')
    >>> [(edit.kind, edit.before, edit.after) for edit in evidence.edits]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('insert', '', 'Police say: '),
     ('equal', 'The ferry struck the pier on ', 'the FERRY struck the pier on '),
     ('replace', 'Monday.', 'Sunday.')]
    """
    size = check_int("shingle_size", shingle_size, low=1)
    text_a, text_b = _content("a", a), _content("b", b)
    evidence, first, second, runs = _compare(text_a, text_b, size)
    if evidence.relation != "exact":
        return replace(evidence, edits=tuple(_edits(first, second, runs, size)))
    whole = Edit("equal", 0, len(text_a), 0, len(text_b), text_a, text_b)
    return replace(evidence, edits=(whole,) if text_a or text_b else ())


def compare(a: str, b: str, shingle_size: int = 5) -> Evidence:
    """Show how two texts are related as `explain` does, without edits, which take the longest to compute.

    Examples
    --------
    >>> from storyclust.dedup.evidence import compare
    >>> evidence = compare("The ferry sank on Monday.", "Police: the ferry sank on Monday.")
    >>> evidence.passages[0].text_a, evidence.edits
    ('The ferry sank on Monday', ())
    """
    return _compare(a, b, shingle_size)[0]


def _compare(a: str, b: str, size: int) -> tuple[Evidence, TokenizedText, TokenizedText, NDArray[np.int64]]:
    """Evidence without edits; both texts in tokens; and their shared runs, from which edits are made."""
    first, second = TokenizedText.from_text(a), TokenizedText.from_text(b)
    sets = ShingleSets.from_texts([a, b], size)
    set_a, set_b = np.split(sets.values, sets.offsets[1:-1])
    shared = len(np.intersect1d(set_a, set_b, assume_unique=True))
    similarity = shared / (len(set_a) + len(set_b) - shared)
    containment = shared / min(len(set_a), len(set_b))
    # Texts without tokens have equal token sequences, and differ only in the shingle of their bytes.
    exact = shared > 0 and np.array_equal(first.hashes, second.hashes)
    # The only run of equal texts is the whole text, which may be shorter than a shingle.
    runs = shared_runs(first.hashes, second.hashes, max(1, len(first.hashes)) if exact else size)
    evidence = Evidence(
        similarity=similarity,
        containment=containment,
        contained="a" if len(set_a) <= len(set_b) else "b",
        relation=_relation(exact, similarity, containment, len(runs)),
        passages=tuple(_passage(first, second, run) for run in runs.tolist()),
        edits=(),
    )
    return evidence, first, second, runs


def longest_passage(a: str, b: str) -> Passage | None:
    """Find the longest run of tokens that two texts share; fast enough for many pairs.

    Parameters
    ----------
    a, b : str

    Returns
    -------
    passage : Passage or None
        Of any length; of several of equal length, the first in `a`, then in `b`. None if the texts share no
        token.

    Examples
    --------
    >>> from storyclust.dedup.evidence import longest_passage
    >>> longest_passage("Police said the ferry sank.", "The ferry, police said, sank.")
    Passage(text_a='Police said', start_a=0, end_a=11, start_b=11, end_b=22, n_tokens=2)
    """
    first, second = TokenizedText.from_text(a), TokenizedText.from_text(b)
    order, lcp = SuffixArray.from_sequences(first.hashes, second.hashes)
    in_b = order > len(first.hashes)
    longest = int(lcp[1:][in_b[1:] != in_b[:-1]].max(initial=0))
    if longest == 0:
        return None
    runs = match_runs(len(first.hashes), order, lcp, longest)
    return _passage(first, second, min(runs.tolist()))


def _content(name: str, value: object) -> str:
    """Content of a str, a mapping or an Article; errors call it by `name`."""
    if isinstance(value, Article):
        return value.content
    if not isinstance(value, (str, Mapping)):
        raise InputTypeError(f"{name} must be a str, a mapping or an Article, got {type(value).__name__}.")
    try:
        return as_articles([value])[0].content
    except InputError as error:
        raise type(error)(str(error).replace("articles[0]", name, 1)) from None


def _relation(exact: bool, similarity: float, containment: float, n_passages: int) -> Relation:
    if exact:
        return "exact"
    if similarity >= NEAR:
        return "near"
    if containment >= EXCERPT:
        return "excerpt"
    return "overlap" if n_passages else "none"


def _passage(a: TokenizedText, b: TokenizedText, run: Block) -> Passage:
    i, j, n = run
    start, end = int(a.starts[i]), int(a.ends[i + n - 1])
    return Passage(a.text[start:end], start, end, int(b.starts[j]), int(b.ends[j + n - 1]), n)


def _edits(a: TokenizedText, b: TokenizedText, runs: NDArray[np.int64], size: int) -> list[Edit]:
    """List the blocks of equal tokens, and the differences between them."""
    edits: list[Edit] = []

    def append(kind: Kind, end_a: int, end_b: int) -> None:
        start_a, start_b = (edits[-1].end_a, edits[-1].end_b) if edits else (0, 0)
        before, after = a.text[start_a:end_a], b.text[start_b:end_b]
        if kind != "equal":
            kind = "replace" if before and after else "delete" if before else "insert"
        if before or after:
            edits.append(Edit(kind, start_a, end_a, start_b, end_b, before, after))

    last_a, last_b = len(a.hashes), len(b.hashes)
    done_a, done_b = 0, 0
    for i, j, n in [
        *drop_chance_blocks(align(a.hashes, b.hashes, runs), last_a, last_b, size),
        (last_a, last_b, 0),
    ]:
        begin_a, begin_b = a.start_of(i), b.start_of(j)
        if begin_a < done_a or begin_b < done_b:  # a bigram whose first character is in the edit before
            begin_a, begin_b = max(done_a, int(a.lasts[i])), max(done_b, int(b.lasts[j]))
        append("replace", begin_a, begin_b)
        if n:
            done_a, done_b = a.end_before(i + n), b.end_before(j + n)
            append("equal", done_a, done_b)
    return edits
