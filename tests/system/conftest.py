"""A kernel that is asked by whoever does not kill it, and one for those who do; what else is needed stands with those who need it."""

from tests.kit.lasting_kernel import lasting  # noqa: F401  # tests find it by its name
from tests.kit.shared_kernel import shared_kernel  # noqa: F401  # tests find it as `shared`
