"""Texts to tokens, terms and TF-IDF vectors.

In: articles. Out: hashed tokens with their places, terms, sentences, a sparse matrix of unit rows.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
