"""The command line: one module per command, without logic of its own.

In: arguments, files, pipes. Out: data on stdout or in files, notes on stderr, an exit code.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
