"""Near-duplicate detection, and the evidence for it.

In: articles. Out: verified pairs of copies, groups with the article that is kept, excerpts, and the shared
passages and differences of two texts.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
