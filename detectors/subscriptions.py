"""Which subscriptions ask for everything, or nearly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detectors.behaviours import Behaviour

_ITEMS = re.compile(r"\+(\d+)$")  # how a behaviour says that a subscription has further items


def is_wide(b: Behaviour, items: int) -> bool:
    """MQTT: `#` alone, the broker's own topics, or a wild card in the first level; OPC UA: at least so many items."""
    if b.protocol == "mqtt":
        return b.operation == "subscribe" and b.object.split("/")[0] in ("#", "+", "$SYS")
    further = _ITEMS.search(b.object) if b.operation == "CreateMonitoredItems" else None
    return further is not None and int(further[1]) + 1 >= items
