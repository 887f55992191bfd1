"""Fixtures are imported by plain names; no C compiler is asked for."""

import os
import sys
from pathlib import Path

os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
sys.path.insert(0, str(Path(__file__).parent))
