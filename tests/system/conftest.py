"""A kernel that is asked by whoever does not kill it; what else is needed stands with those who need it."""

from tests.kit.shared_kernel import shared_kernel  # noqa: F401  # tests find it as `shared`
