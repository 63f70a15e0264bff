"""The conformance suite of the Jupyter project (jupyter_kernel_test), whole, with every optional sample filled.

The kernel is `beaker`; KERNEL_UNDER_TEST=python3 runs the same samples on bare ipykernel, to see what the suite itself allows.
"""

import os
from typing import Any
from unittest.mock import patch

import jupyter_kernel_test
import pytest
from jupyter_kernel_test.msgspec_v5 import validate_message

from tests.kit.running_kernel import PATIENCE_S

KERNEL_NAME = os.environ.get("KERNEL_UNDER_TEST", "beaker")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("conformance")]


class TestKernelConformance(jupyter_kernel_test.KernelTests):  # type: ignore[misc]  # the suite is untyped
    """Each test of the suite; a sample left empty would skip one, so none is."""

    kernel_name = KERNEL_NAME
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples = [{"text": "zi", "matches": {"zip"}}, {"text": "impor", "matches": {"import"}}]
    complete_code_samples = ["1", "print('hello, world')", "def f(x):\n  return x*2\n\n\n", "%matplotlib inline"]
    incomplete_code_samples = ["print('''hello", "def f(x):\n  x*2", "for i in range(3):"]
    invalid_code_samples = ["import = 7q"]
    code_page_something = "zip?"
    code_generate_error = "raise ValueError('on purpose')"
    code_execute_result = [
        {"code": "1+2+3", "result": "6"},
        {"code": "[n*n for n in range(1, 4)]", "result": "[1, 4, 9]"},
        {"code": "from IPython.display import HTML; HTML('<b>bold</b>')", "result": "<b>bold</b>", "mime": "text/html"},
    ]
    code_display_data = [
        {"code": "from IPython.display import HTML, display; display(HTML('<b>test</b>'))", "mime": "text/html"},
        {"code": "from IPython.display import Math, display; display(Math('\\\\frac{1}{2}'))", "mime": "text/latex"},
        {"code": "from IPython.display import JSON, display; display(JSON({'a': 1}))", "mime": "application/json"},
        {
            "code": "from IPython.display import SVG, display; display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>'))",
            "mime": "image/svg+xml",
        },
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "zip"
    code_clear_output = "from IPython.display import clear_output; clear_output()"

    def flush_channels(self) -> None:
        """Reads all that comes up to the end of one more request: the suite takes for over what is a tenth of a second late."""
        asked = self.kc.kernel_info()
        for read, wanted in ((self.kc.get_shell_msg, "kernel_info_reply"), (self.kc.get_iopub_msg, "idle")):
            came: dict[str, Any] = {}
            while not (came and came["parent_header"].get("msg_id") == asked and wanted in (came["msg_type"], *came["content"].values())):
                came = read(timeout=PATIENCE_S)
                validate_message(came)

    def execute_helper(self, *args: Any, **options: Any) -> Any:  # Any: the suite is untyped
        """Waits for what comes on iopub, for which the suite has a tenth of a second."""
        channel = self.kc.iopub_channel
        get = channel.get_msg
        with patch.object(channel, "get_msg", lambda timeout: get(timeout=max(timeout, PATIENCE_S))):
            return super().execute_helper(*args, **options)

    def history_helper(self, execute_first: Any, timeout: float | None = jupyter_kernel_test.TIMEOUT, **histargs: Any) -> dict[str, Any]:
        """Names the live session by its number, where IPython says 0: the suite asks by the number and wants it back."""
        reply: dict[str, Any] = super().history_helper(execute_first, timeout, **histargs)
        if histargs["hist_access_type"] == "range":
            reply["content"]["history"] = [[session or histargs["session"], *line] for session, *line in reply["content"]["history"]]
        return reply


class TestIopubWelcome(jupyter_kernel_test.IopubWelcomeTests):  # type: ignore[misc]  # the suite is untyped
    """JEP 65: the first message on a new subscription is the kernel's welcome."""

    kernel_name = KERNEL_NAME
    support_iopub_welcome = True


def test_every_optional_sample_of_the_suite_is_filled() -> None:
    """A sample that a later version of the suite adds would be a test skipped in silence."""
    suite = jupyter_kernel_test.KernelTests
    optional = [name for name, value in vars(suite).items() if not name.startswith("_") and value in ("", [], ())]
    left_empty = [name for name in optional if not getattr(TestKernelConformance, name)]
    assert left_empty == []
    assert len(optional) >= 15  # the suite of 0.7.0 has that many; none found would mean that this test looks at nothing
