"""Whether an article that comes under a stored id is a revision, or another article.

Ids are often no identities: exports number their rows from 0, so that the next day's file has the same ids.
An article replaces a stored one only if it has the same title, or a tenth of the shorter text in common. Any
other gets an id of its own, which ends in a hash of its content: given again, it is known.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from storyclust.articles.article import Article
from storyclust.dedup.jaccard import ShingleSets, jaccard_pairs
from storyclust.store.encoding import id_of, storable

SHINGLE_WORDS = 3  # unrelated articles share next to none, rewritten ones many
LEAST_SHARED = 0.1  # of the shingles of the shorter one


def is_revision(article: Article, title: str, text: str) -> bool:
    """Whether an article is a version of a stored one of this title and text.

    Examples
    --------
    >>> stored = "Ferry hits pier", "The ferry Selka hit the pier in Aldmouth on Monday."
    >>> is_revision(Article("On Monday the ferry Selka hit the pier in Aldmouth; two were hurt."), *stored)
    True
    >>> is_revision(Article("Parliament adopted the budget on Tuesday.", title="Budget passes"), *stored)
    False
    """
    own_title, own_text = storable(article.title), storable(article.text)
    if (own_title, own_text) == (title, text) or (title and own_title == title):
        return True
    sets = ShingleSets.from_texts([f"{own_title}\n{own_text}", f"{title}\n{text}"], SHINGLE_WORDS)
    return bool(jaccard_pairs(sets, np.array([(0, 1)]), LEAST_SHARED, contained=True)[0] >= LEAST_SHARED)


def told_apart(article: Article) -> Article:
    """Return the article under an id that no other article has.

    Examples
    --------
    >>> told_apart(Article("Rain in Delhi.", id="0")).id
    '0-sha-075beccef199686e'
    """
    return replace(article, id=f"{article.id}-{id_of(article)}")
