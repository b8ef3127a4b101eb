"""Extractive summaries of groups of articles: headline, sentences, key terms, timeline.

In: articles of one event or thread. Out: a `Summary`, each sentence with the article it was taken from.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
