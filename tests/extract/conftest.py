"""The judge of the suites lies beside the other evaluations, and tests ask it too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "evaluation"))
