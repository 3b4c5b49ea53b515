from __future__ import annotations

import sys
from pathlib import Path

PLANT = Path(__file__).parents[2] / "pcaps" / "plant"
sys.path.insert(0, str(PLANT))
