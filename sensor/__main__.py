"""`python -m sensor`, for a checkout that is not installed."""

import sys

from sensor.cli import main

sys.exit(main())
