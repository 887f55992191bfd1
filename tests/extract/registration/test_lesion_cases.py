"""Two simulated strokes over the internal capsule, the cases of `benchmarks/registration.py`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from neurotrial.extract.registration.registering import register

TOP = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "registration_cases", TOP / "benchmarks" / "registration.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
def test_a_filled_lesion_leaves_the_capsule_in_place_and_plain_syn_does_not(
    benchmark: ModuleType, seed: int
) -> None:
    case = benchmark.make_case(seed)
    filled, plain = (
        benchmark.overlaps(case, register(case.template, case.person, lesion=case.lesion, **choices))
        for choices in (benchmark.METHODS["filled twice"], benchmark.METHODS["plain SyN (dipy's smoothing)"])
    )
    assert filled[0] >= 0.80
    assert filled[1] >= 0.80
    assert plain[0] < filled[0] - 0.1
