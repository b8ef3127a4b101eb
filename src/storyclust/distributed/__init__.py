"""The same results on a Ray cluster.

In: shards, files of articles that no single machine has to hold. Out: the same shards with duplicate_of,
event and thread, and a manifest of counts and hashes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
