"""The language of searches: words, "phrases", prefixes*, AND, OR, NOT and parentheses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from storyclust.errors import InputError
from storyclust.store.full_text import phrase_expression

QUOTES = '"“”„'
TOKENS = re.compile(
    rf'[{QUOTES}](?P<phrase>[^{QUOTES}]*)(?P<end>[{QUOTES}]?)|(?P<mark>[()])|(?P<word>[^\s()“”„"]+)'
)
OPERATORS = ("AND", "OR", "NOT")
DEEPEST = 50  # parentheses inside one another


class Search(NamedTuple):
    """A search as an FTS5 expression, and its words, of which a snippet shows the first."""

    expression: str
    words: str


class Token(NamedTuple):
    """A part of a search: an operator, a parenthesis, or a phrase of one or more words."""

    kind: str  # an operator, '(' or ')', or 'phrase'
    text: str
    at: int  # place in the search, from 1


def parse_search(terms: str) -> Search:
    """Parse what a person searches for.

    All words must occur, in any order. ``OR`` between two lets either do, and binds less tightly; ``NOT``
    excludes what follows. Words in double quotes must be adjacent, and so must the characters of a run
    without spaces. A word that ends in ``*`` stands for all words that begin with it. Operators are in
    capitals: "and" is a word.

    Raises
    ------
    InputError
        If a quotation mark or parenthesis is never closed, an operator lacks what it joins, or all words are
        excluded.

    Examples
    --------
    >>> parse_search('ferry "pier in Aldmouth" OR Selka').expression
    '("ferry" AND "pier in Aldmouth") OR "Selka"'
    >>> parse_search("minist* NOT prime").expression
    '("minist" *) NOT "prime"'
    >>> parse_search("東京都 雪").expression
    '"東京 京都" AND ("雪" *)'
    """
    parser = Parser(list(tokens_of(terms)))
    expression = parser.either(0)
    if parser.token:
        raise InputError(f"{_place(parser.token)} closes nothing: leave it out, or put it in quotes.")
    return Search(expression, " ".join(parser.words))


def tokens_of(terms: str) -> list[Token]:
    """Split a search into its parts."""
    tokens = []
    for found in TOKENS.finditer(terms):
        at, word = found.start() + 1, found["word"]
        if found["mark"]:
            tokens.append(Token(found["mark"], found["mark"], at))
        elif word in OPERATORS:
            tokens.append(Token(word, word, at))
        elif word is not None:
            tokens.append(Token("phrase", word, at))
        elif not found["end"]:
            raise InputError(
                f"the quotation mark at character {at} of the search is never closed: add one at the end, or "
                "leave it out."
            )
        else:
            tokens.append(Token("phrase", found["phrase"], at))
    return tokens


@dataclass
class Parser:
    """A recursive descent over the parts of a search.

    Attributes
    ----------
    tokens : list of Token
        Those that are left.
    words : list of str
        Those to look for, as they come.
    """

    tokens: list[Token]

    def __post_init__(self) -> None:
        self.words: list[str] = []

    @property
    def token(self) -> Token | None:
        """The next part."""
        return self.tokens[0] if self.tokens else None

    def next_is(self, *kinds: str) -> bool:
        """Whether the next part is of one of these kinds."""
        return self.token is not None and self.token.kind in kinds

    def either(self, depth: int) -> str:
        """Parse alternatives."""
        parts = [self.all_of(depth)]
        while self.next_is("OR"):
            joint = self.tokens.pop(0)
            parts.append(self.all_of(depth))
            if not (parts[-1] and parts[-2]):
                raise InputError(_lacks(joint))
        return " OR ".join(map(_group, parts)) if len(parts) > 1 else parts[0]

    def all_of(self, depth: int) -> str:
        """Parse what must occur, and what must not."""
        wanted: list[str] = []
        excluded: list[str] = []
        joint: Token | None = None
        while self.next_is("phrase", "(", "AND", "NOT"):
            token = self.tokens.pop(0)
            if token.kind in ("AND", "NOT"):
                if joint and (joint.kind, token.kind) != ("AND", "NOT"):
                    raise InputError(_lacks(joint))
                if token.kind == "AND" and not (wanted or excluded):
                    raise InputError(_lacks(token))
                joint = token
                continue
            out = joint is not None and joint.kind == "NOT"
            part = self.part(token, depth, out=out)
            if part:
                (excluded if out else wanted).append(part)
            joint = None
        if joint:
            raise InputError(_lacks(joint))
        if excluded and not wanted:
            raise InputError("a search cannot consist of NOT alone: add a word that must occur.")
        together = " AND ".join(wanted if len(wanted) == 1 else map(_group, wanted))
        return " NOT ".join([_group(together), *map(_group, excluded)]) if excluded else together

    def part(self, token: Token, depth: int, *, out: bool) -> str:
        """Parse a phrase, or what stands in parentheses."""
        if token.kind == "phrase":
            if not out:
                self.words.append(token.text.rstrip("*"))
            return phrase_expression(token.text)
        if depth == DEEPEST:
            raise InputError(f"a search has at most {DEEPEST} parentheses inside one another.")
        words = len(self.words)
        inside = self.either(depth + 1)
        if not self.next_is(")"):
            raise InputError(f"{_place(token)} is never closed: add ) behind it, or put it in quotes.")
        self.tokens.pop(0)
        if out:
            del self.words[words:]
        return inside


def _group(expression: str) -> str:
    return expression if re.fullmatch(r'"[^"]*"', expression) else f"({expression})"


def _place(token: Token) -> str:
    return f"{token.text} at character {token.at} of the search"


def _lacks(token: Token) -> str:
    sides = "behind it" if token.kind == "NOT" else "on both sides"
    return f'{_place(token)} needs words {sides}; "{token.text}" in quotes is a word.'
