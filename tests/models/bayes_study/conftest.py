"""No C compiler is asked for: densities are evaluated in Python, samplers compile by numba."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
sys.path.insert(0, str(Path(__file__).parents[1] / "bayes"))


@pytest.fixture
def script(monkeypatch):
    """Return a function that puts a scripted sampler in the place of the compiled one."""
    from bayes_fixture import Scripted

    from neurotrial.models.bayes import fit

    def _script(*faults):
        sampler = Scripted(*faults)
        monkeypatch.setattr(fit, "compiled", lambda *_: sampler)
        return sampler

    return _script
