"""Near-duplicates, and the evidence for them.

In: articles. Out: verified pairs of copies, groups with the article that is kept, excerpts, and what
two texts share and where they differ.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
