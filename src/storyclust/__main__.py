"""Run the command line by `python -m storyclust`."""

import sys

from storyclust.cli import main

sys.exit(main())
