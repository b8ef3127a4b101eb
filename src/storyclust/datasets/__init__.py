"""Synthetic news with gold labels, of any size.

In: a number of articles and a seed. Out: articles with the fields `story`, `event` and `duplicate_of`.

>>> import storyclust as sc
>>> articles = list(sc.datasets.make_newswire(n_articles=200))
>>> sum(article.record["duplicate_of"] is not None for article in articles) > 10
True
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
