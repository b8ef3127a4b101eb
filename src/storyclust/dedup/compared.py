"""What is compared of an article: its text, or for a short one also its title.

A short text alone does not identify an article. One note for subscribers stands under any headline, and the
dividend notices of different companies may agree in every word. So the text of a short article with a title
must be equal, and the title, too, or in longer texts its figures. All engines compare what `compared_texts`
returns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from storyclust.articles.article import Article
from storyclust.dedup.editions import without_marker
from storyclust.text.tokens import hash_tokens

# Words, on Reuters. Of 21 equal texts under different titles below `SHORT_TEXT`, 14 are different notices; of
# nine from there to `BRIEF`, five: tables whose titles differ in hour or date. Near-copies of fewer words
# than `BRIEF` are mostly notices with other figures; of 19 pairs from there to 80 words, two are.
SHORT_TEXT, BRIEF = 25, 55
BRIEF_CHARACTERS = 1000  # words of longer texts are not counted: 50 of them have 300 characters
SHORT_TITLE = 5  # words: "Business Highlights" and "Titanfall Review" are not the same article everywhere
FIGURES = re.compile(r"\d{1,18}")
BLANK = re.compile(r"\s*\Z")


def compared_texts(articles: Sequence[Article], doubtful: str = "keep") -> list[str]:
    """Text of each article by which copies are found.

    It is the article's content (see `Article.content`), except for a titled article of fewer than `BRIEF`
    words, if doubtful copies are kept. That one gets a single word, a hash. It is equal for articles whose
    texts are equal, up to case, width and punctuation, and

    - from `SHORT_TEXT` words on, whose titles have the same figures;
    - below, whose titles are equal, apart from marks of a correction;
    - without a text, also of the same day; and if the title is shorter than `SHORT_TITLE` words, of the same
      source. An undated article of that kind has its address instead.

    Parameters
    ----------
    articles : sequence of Article of length n
    doubtful : {'keep', 'drop'}, default='keep'
        'drop' compares all articles by their content.

    Returns
    -------
    texts : list of str of length n

    Examples
    --------
    >>> from storyclust.articles.article import Article
    >>> stub = "This article is for subscribers only."
    >>> first, second, third = compared_texts(
    ...     [Article(stub, title="Ferry hits pier"), Article(stub, title="Budget adopted"), Article(stub)]
    ... )
    >>> first == second, third
    (False, 'This article is for subscribers only.')
    """
    texts = [article.content for article in articles]
    if doubtful == "keep":
        for row, hashed in hashed_texts(articles).items():
            texts[row] = hashed
    return texts


def hashed_texts(articles: Sequence[Article]) -> dict[int, str]:
    """Hash that is compared of each short titled article, by row; see `compared_texts`."""
    brief = [
        k for k, article in enumerate(articles) if article.title and len(article.text) <= BRIEF_CHARACTERS
    ]
    titles = hash_tokens([without_marker(articles[k].title) for k in brief])
    bodies = hash_tokens([articles[k].text for k in brief])
    title_ends, body_ends = titles.indptr.tolist(), bodies.indptr.tolist()
    title_bytes, body_bytes = titles.hashes.tobytes(), bodies.hashes.tobytes()
    hashed = {}
    for place, k in enumerate(brief):
        n_title = title_ends[place + 1] - title_ends[place]
        n_body = body_ends[place + 1] - body_ends[place]
        context = identity_of(articles[k], n_title)
        if not n_title or n_body >= BRIEF or (context is not None and not any(context)):
            continue
        title = title_bytes[8 * title_ends[place] : 8 * title_ends[place + 1]]
        if n_body >= SHORT_TEXT:
            figures = FIGURES.findall(without_marker(articles[k].title))
            title = " ".join(sorted({str(int(figure)) for figure in figures})).encode()
        # A text of punctuation alone has no words: it is compared by its characters.
        body = body_bytes[8 * body_ends[place] : 8 * body_ends[place + 1]] or articles[k].text.strip().encode(
            "utf-8", "replace"
        )
        whole = b"\0".join((title, repr(context).encode("utf-8", "replace"), body))
        hashed[k] = blake2b(whole, digest_size=16).hexdigest()
    return hashed


def identity_of(article: Article, n_title: int) -> tuple[Any, ...] | None:
    """What must agree of two articles without texts, besides their titles; None for an article with a text.

    Empty values mean that the title alone is compared.
    """
    if not BLANK.match(article.text):
        return None
    if n_title >= BRIEF:
        return ()
    day = article.published.date().isoformat() if article.published else None
    if n_title >= SHORT_TITLE:
        return (day,)
    return day, article.source, None if day else article.url
