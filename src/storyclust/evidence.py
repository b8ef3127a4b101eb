"""Evidence about two texts: how much they share, which passages, and what differs.

All of it is read off their token sequences. Shared runs come from one suffix array over both texts
(Manber and Myers, 1990), so that neither long texts nor repetitive ones are slow; what differs is told
around the runs that stand in the same order in both. Tokens are found in composed UTF-8; places are
given in characters of the text as it came.
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from storyclust.article import Article, as_articles
from storyclust.chunks import kernel
from storyclust.errors import InputError, InputTypeError
from storyclust.jaccard import ShingleSets
from storyclust.tokens import TABLE_SIZE, hash_tokens
from storyclust.validate import check_int

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR = 0.8  # similarity from which a text is a near copy
EXCERPT = 0.8  # containment from which it is an excerpt
CHANCE = 4  # words in common count for nothing between changes this many times as long

HEAD, TAIL, SIZE = 0, 1, 2  # of a list of places

Relation = Literal["exact", "near", "excerpt", "overlap", "none"]
Kind = Literal["equal", "replace", "delete", "insert"]
Block = tuple[int, int, int]  # a run of equal tokens: its place in either text, its length


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch that two texts have in common, up to case, width and punctuation.

    Parameters
    ----------
    text_a : str
        As it stands in the first text: its characters `start_a` to `end_a`.
    start_a, end_a, start_b, end_b : int
        Its place in either text, in characters.
    n_tokens : int
        Its length in tokens.
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
        possible where only a space parts the characters of a script that has none.
    start_a, end_a, start_b, end_b : int
        Its place in either text, in characters.
    before, after : str
        What stands there in the first and in the second text.
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
    """How two texts are related, and what shows it.

    Parameters
    ----------
    similarity : float
        Jaccard similarity of their shingle sets, exact.
    containment : float
        Share of the smaller shingle set that lies in the larger one.
    contained : {'a', 'b'}
        Which text has the smaller set; 'a' if they are of one size.
    relation : {'exact', 'near', 'excerpt', 'overlap', 'none'}
        'exact': equal tokens in equal order. 'near': similarity of at least 0.8. 'excerpt': less, but
        containment of at least 0.8. 'overlap': a passage in common. 'none': not even that.
    passages : tuple of Passage
        Runs of at least `shingle_size` tokens that stand in both texts and can be continued on neither
        side, wherever they stand; longest first, then by place in the first text and the second. None
        of them lies within another one, in either text.
    edits : tuple of Edit
        What makes the second text of the first, from beginning to end: put together, `before` of all
        edits is the first text, and `after` the second.
    """

    similarity: float
    containment: float
    contained: Literal["a", "b"]
    relation: Relation
    passages: tuple[Passage, ...]
    edits: tuple[Edit, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain numbers, strings, lists and dicts.

        Examples
        --------
        >>> from storyclust.evidence import explain
        >>> record = explain("The ferry sank.", "The ferry left.").as_dict()
        >>> record["relation"], record["edits"][1]["before"], record["edits"][1]["after"]
        ('none', 'sank.', 'left.')
        """
        values = asdict(self)
        return values | {"passages": list(values["passages"]), "edits": list(values["edits"])}


class Placed(NamedTuple):
    """A text as tokens, with their places in it in characters."""

    text: str
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    lasts: NDArray[np.int64]  # where the last character of each begins

    @classmethod
    def from_text(cls, text: str) -> Placed:
        """Cut a text in tokens."""
        tokens = hash_tokens([text])
        begins, ends = character_places(text, tokens.data)
        return cls(text, tokens.hashes, begins[tokens.starts], ends[tokens.ends], begins[tokens.ends - 1])

    def begin(self, token: int) -> int:
        """Where a token's share of the text begins; separators belong to the token before them."""
        if token == len(self.starts):
            return len(self.text)
        return int(self.starts[token]) if token else 0

    def finish(self, token: int) -> int:
        """Where the share of the tokens before `token` ends: neighbouring bigrams share a character."""
        return max(self.begin(token), int(self.ends[token - 1]))


def explain(
    a: str | Mapping[str, Any] | Article, b: str | Mapping[str, Any] | Article, *, shingle_size: int = 5
) -> Evidence:
    """Show how two texts are related: similarity, shared passages and differences.

    Parameters
    ----------
    a, b : str, mapping or Article
        Compared by their text or, where it is empty, their title; see `Article.content`, of which all
        places are counted in characters.
    shingle_size : int, default=5
        Tokens in a shingle, and in the shortest passage.

    Returns
    -------
    evidence : Evidence

    Raises
    ------
    InputError
        `a` or `b` cannot be read as an article, or `shingle_size` is out of range.

    Notes
    -----
    Differences are told at the level of words (in scripts without spaces, of characters) and are not
    always the fewest possible: passages go before single words, and a few words in common between
    changes more than four times as long are told as changed with them.

    Examples
    --------
    >>> from storyclust.evidence import explain
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
    first, second = Placed.from_text(text_a), Placed.from_text(text_b)
    sets = ShingleSets.from_texts([text_a, text_b], size)
    set_a, set_b = np.split(sets.values, sets.offsets[1:-1])
    shared = len(np.intersect1d(set_a, set_b, assume_unique=True))
    similarity = shared / (len(set_a) + len(set_b) - shared)
    containment = shared / min(len(set_a), len(set_b))
    # Two texts without tokens have nothing but the shingle of their bytes to tell them apart.
    exact = shared > 0 and np.array_equal(first.hashes, second.hashes)
    # Of equal texts no run can be shorter than the whole, be that shorter than a shingle.
    runs = shared_runs(first.hashes, second.hashes, max(1, len(first.hashes)) if exact else size)
    return Evidence(
        similarity=similarity,
        containment=containment,
        contained="a" if len(set_a) <= len(set_b) else "b",
        relation=_relation(exact, similarity, containment, len(runs)),
        passages=tuple(_passage(first, second, run) for run in runs.tolist()),
        edits=_whole(text_a, text_b) if exact else tuple(_edits(first, second, runs, size)),
    )


def longest_passage(a: str, b: str) -> Passage | None:
    """Find the longest run of tokens that two texts share, and nothing else: quick enough for many pairs.

    Parameters
    ----------
    a, b : str

    Returns
    -------
    passage : Passage or None
        However short; of several of one length, the first in `a`, then in `b`. None if they share no token.

    Examples
    --------
    >>> from storyclust.evidence import longest_passage
    >>> longest_passage("Police said the ferry sank.", "The ferry, police said, sank.")
    Passage(text_a='Police said', start_a=0, end_a=11, start_b=11, end_b=22, n_tokens=2)
    """
    first, second = Placed.from_text(a), Placed.from_text(b)
    _, order, common = Suffixes.of(first.hashes, second.hashes)
    of_b = order > len(first.hashes)
    longest = int(common[1:][of_b[1:] != of_b[:-1]].max(initial=0))
    if longest == 0:
        return None
    runs = pair_runs(len(first.hashes), order, common, longest)
    return _passage(first, second, min(runs.tolist()))


def _content(name: str, value: object) -> str:
    """Content of whatever holds an article; what is wrong with it is said under its own name."""
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


def _passage(a: Placed, b: Placed, run: Block) -> Passage:
    i, j, n = run
    start, end = int(a.starts[i]), int(a.ends[i + n - 1])
    return Passage(a.text[start:end], start, end, int(b.starts[j]), int(b.ends[j + n - 1]), n)


# Places


def character_places(text: str, data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Characters of `text` that the bytes of its composed UTF-8 `data` belong to, and its end.

    Returns two rows, which differ only where composition leaves no way to say: for what begins at a byte,
    and for what ends before it.
    """
    leads = np.append((data & 0xC0) != 0x80, True)
    places = np.cumsum(leads) - 1
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return np.array([places, places])
    return composed_places(text)[:, places]


def composed_places(text: str) -> NDArray[np.int64]:
    r"""Characters of `text` that the characters of its NFC form begin with, and its end.

    Returns two rows. Inside a cluster of marks that were put in another order, what begins there is said
    to begin with them, and what ends there to end with the cluster.

    Examples
    --------
    >>> composed_places("e\u0301a")
    array([[0, 2, 3],
           [0, 2, 3]])
    >>> composed_places("q\u0307\u0323.")  # the dot below comes first in NFC
    array([[0, 1, 1, 3, 4],
           [0, 1, 3, 3, 4]])
    """
    joins = joining()
    bounds = [0, *(k for k, char in enumerate(text) if k and char not in joins), len(text)]
    begins, ends = [], []
    for start, end in itertools.pairwise(bounds):
        cluster = text[start:end]
        composed = unicodedata.normalize("NFC", cluster)
        pairs = zip(cluster, composed, strict=False)
        alike = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))
        begins += [start + min(k, alike) for k in range(len(composed))]
        ends += [start + k if k <= alike else end for k in range(len(composed))]
    return np.array([[*begins, len(text)], [*ends, len(text)]], dtype=np.int64)


@functools.cache
def joining() -> frozenset[str]:
    """Characters that composition may join to what stands before them; it never looks across any other."""
    chars = [chr(point) for point in range(0x300, TABLE_SIZE)]
    parts = [unicodedata.decomposition(char).split() for char in map(chr, range(TABLE_SIZE))]
    # A compatibility decomposition begins with its kind, in angle brackets, and is not composed again.
    seconds = {chr(int(pair[1], 16)) for pair in parts if len(pair) == 2 and pair[0][0] != "<"}
    seconds.update(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))  # vowels, finals of Hangul
    firsts = ((char, unicodedata.normalize("NFD", char)[0]) for char in chars)
    return frozenset(char for char, first in firsts if unicodedata.combining(first) or first in seconds)


# What differs


def _whole(a: str, b: str) -> tuple[Edit, ...]:
    return (Edit("equal", 0, len(a), 0, len(b), a, b),) if a or b else ()


def _edits(a: Placed, b: Placed, runs: NDArray[np.int64], size: int) -> list[Edit]:
    """Tell what differs around the blocks of equal tokens, and what does not."""
    edits: list[Edit] = []

    def tell(kind: Kind, end_a: int, end_b: int) -> None:
        start_a, start_b = (edits[-1].end_a, edits[-1].end_b) if edits else (0, 0)
        before, after = a.text[start_a:end_a], b.text[start_b:end_b]
        if kind != "equal":
            kind = "replace" if before and after else "delete" if before else "insert"
        if before or after:
            edits.append(Edit(kind, start_a, end_a, start_b, end_b, before, after))

    last_a, last_b = len(a.hashes), len(b.hashes)
    done_a, done_b = 0, 0
    for i, j, n in [*drop_chance(align(a.hashes, b.hashes, runs), last_a, last_b, size), (last_a, last_b, 0)]:
        begin_a, begin_b = a.begin(i), b.begin(j)
        if begin_a < done_a or begin_b < done_b:  # a bigram whose first character has been told already
            begin_a, begin_b = max(done_a, int(a.lasts[i])), max(done_b, int(b.lasts[j]))
        tell("replace", begin_a, begin_b)
        if n:
            done_a, done_b = a.finish(i + n), b.finish(j + n)
            tell("equal", done_a, done_b)
    return edits


def align(x: NDArray[np.uint64], y: NDArray[np.uint64], runs: NDArray[np.int64]) -> list[Block]:
    """Blocks of equal tokens in the order of both texts.

    Of the shared runs given, those in common order that hold the most tokens are taken; between them,
    the runs that the gaps share, and so on as long as a gap shares anything.
    """
    blocks: list[Block] = []
    pending = [(0, len(x), 0, len(y), runs)]
    while pending:
        i, end_x, j, end_y, runs = pending.pop()
        chain = best_chain(runs) + np.array([i, j, 0])
        for at_x, at_y, n in [*chain.tolist(), (end_x, end_y, 0)]:
            if i < at_x and j < at_y:
                within = shared_runs(x[i:at_x], y[j:at_y], 1)
                if len(within):
                    pending.append((i, at_x, j, at_y, within))
            if n:
                blocks.append((at_x, at_y, n))
            i, j = at_x + n, at_y + n
    return sorted(blocks)


def drop_chance(blocks: list[Block], n_x: int, n_y: int, size: int) -> list[Block]:
    """Leave out blocks shorter than a passage that stand between changes far longer than themselves."""
    while True:
        kept = [(0, 0, 0)]
        for (i, j, n), (next_i, next_j, _) in itertools.pairwise([*blocks, (n_x, n_y, 0)]):
            before = max(i - kept[-1][0] - kept[-1][2], j - kept[-1][1] - kept[-1][2])
            behind = max(next_i - i - n, next_j - j - n)
            if n >= size or min(before, behind) <= CHANCE * n:
                kept.append((i, j, n))
        if len(kept) - 1 == len(blocks):
            return blocks
        blocks = kept[1:]


# Shared runs


def shared_runs(x: NDArray[np.uint64], y: NDArray[np.uint64], least: int) -> NDArray[np.int64]:
    """Maximal runs that two token sequences share, none of them lying within another one in either.

    Parameters
    ----------
    x, y : uint64 arrays of shape (n_x,) and (n_y,)
    least : int
        Tokens of the shortest run, at least 1.

    Returns
    -------
    runs : int64 array of shape (m, 3)
        Place in `x`, place in `y`, length; longest first, then by place. Taken in that order, each run is
        left out that lies within one already taken in either sequence.

    Examples
    --------
    >>> shared_runs(np.array([1, 2, 3, 9, 1], np.uint64), np.array([9, 1, 7, 1, 2, 3], np.uint64), 1)
    array([[0, 3, 3],
           [3, 0, 2]])
    """
    if len(x) < least or len(y) < least:
        return np.empty((0, 3), np.int64)
    _, order, common = Suffixes.of(x, y)
    runs = pair_runs(len(x), order, common, least)
    return np.asarray(runs[np.lexsort((runs[:, 1], runs[:, 0], -runs[:, 2]))])


class Suffixes(NamedTuple):
    """All suffixes of two sequences that are set one behind the other, with a mark between them."""

    values: NDArray[np.int64]  # the sequences in small numbers; 0 is the mark
    order: NDArray[np.int64]  # places of the suffixes, sorted
    common: NDArray[np.int64]  # leading values each of them shares with the one sorted before it

    @classmethod
    def of(cls, x: NDArray[np.uint64], y: NDArray[np.uint64]) -> Suffixes:
        """Sort the suffixes of two sequences."""
        _, numbers = np.unique(np.concatenate((x, y)), return_inverse=True)
        values = np.insert(numbers + 1, len(x), 0)
        order, rank = suffix_order(values)
        return cls(values, order, common_prefixes(values, order, rank))


@kernel
def deal(keys: NDArray[np.int64], members: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """Sort `members` by their keys, which lie in [0, len(keys)); equal ones keep their order."""
    heads = np.zeros(len(keys) + 1, np.int64)
    for member in members:
        heads[keys[member] + 1] += 1
    for key in range(len(keys)):
        heads[key + 1] += heads[key]
    for member in members:
        out[heads[keys[member]]] = member
        heads[keys[member]] += 1


@kernel
def suffix_order(values: NDArray[np.int64]) -> Any:
    """Places of the suffixes in order, and the rank of each place: by prefixes of doubling length."""
    n = len(values)
    order, by_tail = np.empty(n, np.int64), np.arange(n)
    rank, fresh = values.copy(), np.empty(n, np.int64)
    deal(rank, by_tail, order)
    width = 1
    while True:
        for k in range(width):  # suffixes that end within the first half come first
            by_tail[k] = n - width + k
        filled = width
        for k in range(n):
            if order[k] >= width:
                by_tail[filled] = order[k] - width
                filled += 1
        deal(rank, by_tail, order)
        fresh[order[0]] = 0
        for k in range(1, n):
            p, q = order[k - 1], order[k]
            same = rank[p] == rank[q] and max(p, q) + width < n and rank[p + width] == rank[q + width]
            fresh[q] = fresh[p] + (0 if same else 1)
        rank, fresh = fresh, rank
        width *= 2
        if rank[order[n - 1]] == n - 1 or width >= n:
            return order, rank


@kernel
def common_prefixes(values: NDArray[np.int64], order: NDArray[np.int64], rank: NDArray[np.int64]) -> Any:
    """Count the leading values each suffix shares with the one before it (Kasai et al., 2001)."""
    n = len(values)
    common = np.zeros(n, np.int64)
    length = 0
    for p in range(n):
        if rank[p] == 0:
            length = 0
            continue
        q = order[rank[p] - 1]
        while max(p, q) + length < n and values[p + length] == values[q + length]:
            length += 1
        common[rank[p]] = length
        length = max(length - 1, 0)
    return common


@kernel
def find(parent: NDArray[np.int64], k: Any) -> Any:
    """Root of the set that `k` is in."""
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@kernel
def unite(parent: NDArray[np.int64], lists: NDArray[np.int64], following: NDArray[np.int64], k: Any) -> None:
    """Unite the sets that sorted suffixes `k - 1` and `k` are in, and their lists of places."""
    root, other = find(parent, k - 1), find(parent, k)
    parent[other] = root
    for side in range(2):
        if lists[side, SIZE, other] == 0:
            continue
        if lists[side, SIZE, root] == 0:
            lists[side, HEAD, root] = lists[side, HEAD, other]
        else:
            following[lists[side, TAIL, root]] = lists[side, HEAD, other]
        lists[side, TAIL, root] = lists[side, TAIL, other]
        lists[side, SIZE, root] += lists[side, SIZE, other]


@kernel
def relink(
    lists: NDArray[np.int64], following: NDArray[np.int64], root: Any, places: NDArray[np.int64]
) -> None:
    """Make `places` the list of a set."""
    for k in range(len(places) - 1):
        following[places[k]] = places[k + 1]
    lists[SIZE, root] = len(places)
    if len(places) > 0:
        lists[HEAD, root], lists[TAIL, root] = places[0], places[-1]


@kernel
def collect(
    lists: NDArray[np.int64],
    following: NDArray[np.int64],
    root: Any,
    reach: NDArray[np.int64],
    length: Any,
    out: NDArray[np.int64],
) -> int:
    """List, in order, the places of a set whose run of `length` lies within none taken; returns how many."""
    n = 0
    place = lists[HEAD, root]
    for _ in range(lists[SIZE, root]):
        if place + length > reach[place]:
            out[n] = place
            n += 1
        place = following[place]
    out[:n].sort()
    return n


@kernel
def cover(reach: NDArray[np.int64], start: Any, length: Any) -> None:
    """Note a run as taken: `reach` is how far runs go that start at a place or before it."""
    p = start
    while p < start + length and reach[p] < start + length:
        reach[p] = start + length
        p += 1


@kernel
def pair_runs(n_x: int, order: NDArray[np.int64], common: NDArray[np.int64], least: int) -> Any:
    """Shared runs of sorted suffixes, longest first; see `shared_runs`.

    Suffixes that share `length` values are united, for ever smaller lengths, and in each set places in
    the first sequence are paired with places in the second, in order. Whatever could be paired at a
    greater length has been by then, or lies within a longer run; so of each set places of only one
    sequence are left over, every pair is maximal, and a place is given up once it is covered.
    """
    n = len(order)
    parent, following, reach = np.arange(n), np.zeros(n, np.int64), np.zeros(n, np.int64)
    lists = np.zeros((2, 3, n), np.int64)  # of either sequence: first and last place of a set, how many
    for k in range(n):
        if order[k] != n_x:
            side = 0 if order[k] < n_x else 1
            lists[side, HEAD, k] = lists[side, TAIL, k] = order[k]
            lists[side, SIZE, k] = 1
    by_length = np.empty(n, np.int64)
    deal(common, np.arange(n), by_length)
    places, counts = np.empty((2, n), np.int64), np.zeros(2, np.int64)
    runs = np.empty((min(n_x, n - n_x - 1), 3), np.int64)
    found, k = 0, n - 1
    while k >= 0 and common[by_length[k]] >= least:
        length, stop = common[by_length[k]], k
        while k >= 0 and common[by_length[k]] == length:
            unite(parent, lists, following, by_length[k])
            k -= 1
        for m in range(k + 1, stop + 1):
            root = find(parent, by_length[m])
            if min(lists[0, SIZE, root], lists[1, SIZE, root]) == 0:
                continue
            # The shorter list first: often it has nothing left, and a long one need not be gone through.
            short = 0 if lists[0, SIZE, root] < lists[1, SIZE, root] else 1
            counts[short] = collect(lists[short], following, root, reach, length, places[short])
            if counts[short] == 0:
                lists[short, SIZE, root] = 0
                continue
            counts[1 - short] = collect(lists[1 - short], following, root, reach, length, places[1 - short])
            pairs = counts.min()
            for t in range(pairs):
                p, q = places[0, t], places[1, t]
                runs[found, 0], runs[found, 1], runs[found, 2] = p, q - n_x - 1, length
                found += 1
                cover(reach, p, length)
                cover(reach, q, length)
            relink(lists[0], following, root, places[0, pairs : counts[0]])
            relink(lists[1], following, root, places[1, pairs : counts[1]])
    return runs[:found].copy()


def best_chain(runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Runs that stand one behind the other in both sequences and together hold the most.

    A run of n tokens counts 2n - 1, so that one long run outweighs as many tokens in pieces.
    """
    if len(runs) == 0:
        return runs
    by_start = np.argsort(runs[:, 0], kind="stable")
    by_end = np.argsort(runs[:, 0] + runs[:, 2], kind="stable")
    return np.asarray(chain_runs(runs, by_start, by_end))


@kernel
def chain_runs(runs: NDArray[np.int64], by_start: NDArray[np.int64], by_end: NDArray[np.int64]) -> Any:
    """Best chain of runs, given their order by start and by end in the first sequence; see `best_chain`.

    The best chain that ends at a place in the second sequence or before it is kept in a Fenwick tree.
    """
    m = len(runs)
    starts, ends = runs[:, 0], runs[:, 0] + runs[:, 2]
    ends_y = runs[:, 1] + runs[:, 2]
    tree = np.full(ends_y.max() + 1, -1)
    worth, before = np.empty(m, np.int64), np.full(m, -1)
    entered, top = 0, by_start[0]
    for r in by_start:
        while ends[by_end[entered]] <= starts[r]:
            done = by_end[entered]
            at = ends_y[done]
            while at < len(tree):
                if tree[at] < 0 or worth[tree[at]] < worth[done]:
                    tree[at] = done
                at += at & -at
            entered += 1
        at = runs[r, 1]
        while at > 0:
            if tree[at] >= 0 and (before[r] < 0 or worth[before[r]] < worth[tree[at]]):
                before[r] = tree[at]
            at -= at & -at
        worth[r] = 2 * runs[r, 2] - 1 + (worth[before[r]] if before[r] >= 0 else 0)
        if worth[r] > worth[top]:
            top = r
    chain, n = np.empty((m, 3), np.int64), m
    while top >= 0:
        n -= 1
        chain[n] = runs[top]
        top = before[top]
    return chain[n:].copy()
