"""No C compiler is asked for: densities are evaluated in Python, samplers compile by numba."""

import os

os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
