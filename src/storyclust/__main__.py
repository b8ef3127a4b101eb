"""Run the command line by `python -m storyclust`."""

import sys

from storyclust.cli.app import main

sys.exit(main())
