"""Expected failures: each message is one sentence for a person, `status` is the exit status."""

from __future__ import annotations

FAILED = 1
BAD_INPUT = 2


class DriftspanError(Exception):
    """Something did not work that the user should know of; no traceback helps."""

    status = FAILED


class InputError(DriftspanError):
    """Bad usage, configuration or input."""

    status = BAD_INPUT


class ConfigError(InputError):
    """The configuration file cannot be used; the message names file, line and mend."""


class StoreError(DriftspanError):
    """The store cannot be opened, read or written."""
