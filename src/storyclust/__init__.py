"""Copies, overlapping coverage, story threads and summaries in piles of news articles.

Names are imported when first used, so that ``import storyclust`` costs next to nothing; the stub beside this
file lists them.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
