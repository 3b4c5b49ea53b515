"""The process that owns the store while a sensor runs: it delivers the spool, and answers everybody else. On a server
it is one of many that deliver: others ask the server themselves, and it looks there for what was said meanwhile.

An embedded store has one owner. Commands that find it taken ask the owner through a Unix socket beside it, which only
the user of the store may open. A request is a line of JSON; the answer comes in pieces, each behind its length, then a
length of zero and a line of JSON that says how it ended.
"""

from __future__ import annotations

import struct

LENGTH = struct.Struct("<I")
MOST_REQUEST = 4 * 1024 * 1024  # bytes
