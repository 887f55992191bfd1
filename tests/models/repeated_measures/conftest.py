import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from repeated_fixture import made_up


@pytest.fixture(scope="session")
def make_long():
    return made_up


@pytest.fixture
def long():
    return made_up()
