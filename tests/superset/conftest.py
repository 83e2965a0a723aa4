"""The folder `superset/` is on the path of its own environment; here it is put there."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "superset"
sys.path[:0] = [str(FOLDER), str(FOLDER / "plugin")]
