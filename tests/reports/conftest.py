import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from results_fixture import make_results

from neurotrial.reports.cited import CitedResults


@pytest.fixture
def data() -> CitedResults:
    return CitedResults.of(make_results())
