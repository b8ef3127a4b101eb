"""Exchange of MinHash signatures with datasketch, and with its LSH index on Redis.

In: signatures of `MinHasher`, or sketches of datasketch. Out: the other of both, and an index on Redis that
any process with datasketch can query.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
