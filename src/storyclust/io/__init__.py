"""Files to articles, and records to files.

In: paths, patterns, pipes in any format and compression. Out: articles, with what was set aside counted and
named; files that are written beside their target and renamed into place.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
