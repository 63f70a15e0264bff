"""Several kernel processes that are started with one connection file: the first keeps it, the others say so and leave."""

import subprocess
import sys

from tests.kit.running_kernel import running_kernel


def test_others_with_the_same_connection_file_leave_with_a_sentence_and_the_first_keeps_its_variables() -> None:
    with running_kernel() as kernel:
        kernel.run("x = 41")
        command = [sys.executable, "-P", "-m", "beaker_kernel", "-f", kernel.connection_file]
        others = [subprocess.Popen(command, env=kernel.env, stderr=subprocess.PIPE, text=True, start_new_session=True) for _ in range(3)]
        for other in others:
            _, words = other.communicate(timeout=60)
            assert other.returncode == 1
            assert "Traceback" not in words
            assert f"a kernel runs with {kernel.connection_file} already" in words
            assert "in use" in words
        assert kernel.run("x + 1").text == "42"
