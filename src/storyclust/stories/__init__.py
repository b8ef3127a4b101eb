"""Articles to events, and events to story threads.

In: articles. Out: an event and a thread for every article, objects that describe them, and links between
articles with their evidence.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
