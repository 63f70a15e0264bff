"""A kernel that is asked by whoever does not kill it, one for those who do, and what python3 makes of notebooks.

What else is needed stands with those who need it.
"""

import pytest

from tests.kit.lasting_kernel import lasting  # noqa: F401  # tests find it by its name
from tests.kit.shared_kernel import shared_kernel  # noqa: F401  # tests find it as `shared`
from tests.system.clients.executing import OnPython3


@pytest.fixture(scope="session")
def on_python3(tmp_path_factory: pytest.TempPathFactory) -> OnPython3:
    """What python3 makes of notebooks."""
    return OnPython3(tmp_path_factory.mktemp("python3"))
