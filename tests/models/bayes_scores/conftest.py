"""No C compiler is asked for: densities are evaluated in Python, samplers compile by numba."""

import os
import sys
from pathlib import Path

os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
sys.path.insert(0, str(Path(__file__).parent))
