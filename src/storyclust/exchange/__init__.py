"""Signatures out of datasketch's sketches, and into its index on Redis.

In: signatures of `MinHasher`. Out: objects and keys that any process with datasketch understands.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
