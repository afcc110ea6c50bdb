"""Lets ``python -m pushover_logging`` do what the command ``pushover-logging`` does."""

import sys

from .cli import main

sys.exit(main())
