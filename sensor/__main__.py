"""`python -m sensor`, for a checkout that is not installed."""

from sensor.cli import program

program()
