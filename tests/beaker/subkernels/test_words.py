"""What is said about subkernels that end, never begin, or do not answer."""

import pytest

from beaker.subkernels.exit_words import TAIL_BYTES, of_crash_loop, of_exit, of_failed_start, of_launch_error, of_unknown_spec, tail
from beaker.subkernels.hang_words import hang_words
from beaker.subkernels.restart_intensity import RestartIntensity


@pytest.mark.parametrize(
    ("status", "written", "words"),
    [
        (0, "", "exited with status 0"),
        (3, "", "exited with status 3"),
        (1, "numpy: MemoryError: Unable to allocate", "exited with status 1 (out of memory)"),
        (-9, "", "killed by signal 9 (out of memory?)"),
        (-9, "std::bad_alloc", "killed by signal 9 (out of memory)"),
        (-11, "", "killed by signal 11 (segmentation fault)"),
        (-6, "terminate called after throwing an instance of 'std::bad_alloc'", "killed by signal 6 (out of memory)"),
        (-15, "", "killed by signal 15 (asked to end)"),
        (-12, "", "killed by signal 12"),
        (-63, "", "killed by signal 63"),
        (None, "", "it is gone"),
        (None, "Cannot allocate memory", "it is gone (out of memory)"),
    ],
)
def test_an_exit_is_told_in_words(status: int | None, written: str, words: str) -> None:
    assert of_exit(status, written) == words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "x"), "/bin/x cannot be run: there is no such program"),
        (PermissionError(13, "x"), "/bin/x cannot be run: it is not executable"),
        (OSError(8, "x"), "/bin/x cannot be run: Exec format error"),
        (OSError("odd"), "/bin/x cannot be run: odd"),
    ],
)
def test_a_launch_that_fails_is_told_in_words(error: OSError, words: str) -> None:
    assert of_launch_error("/bin/x", error) == words


def test_an_unknown_spec_is_answered_with_the_valid_names() -> None:
    assert "There is no kernelspec 'pyton'. Installed are: bash, python3." in of_unknown_spec("pyton", ["python3", "bash"])


def test_a_failed_start_without_last_words_is_one_line() -> None:
    said = of_failed_start("r", "/specs/r/kernel.json", "exited with status 1", "")
    assert "\n" not in said
    assert "/specs/r/kernel.json" in said


def test_the_settings_that_limit_a_subkernel_are_named_where_it_does_not_live() -> None:
    limits = "subkernel.max_memory_mb = 60"
    assert limits in of_failed_start("r", "/s/kernel.json", "exited with status 127", "", limits=limits)
    assert limits in of_crash_loop("r", "/s/kernel.json", "killed by signal 6", "", deaths=6, window_s=30.0, limits=limits)
    assert "limited" not in of_failed_start("r", "/s/kernel.json", "exited with status 127", "")


def test_the_tail_is_cut_at_a_line() -> None:
    written = b"first\n" * 1000 + b"last\n"
    kept = tail(written)
    assert len(kept) <= TAIL_BYTES
    assert kept.startswith("first\n")
    assert kept.endswith("\nlast")


def test_a_tail_of_one_long_line_is_kept() -> None:
    assert tail(b"\xff" + b"x" * 10_000) == "x" * TAIL_BYTES


@pytest.mark.parametrize(
    ("echo", "asked", "runs", "words"),
    [
        (99.0, None, False, None),
        (99.0, None, True, None),
        (98.0, None, True, "not responding"),
        (98.1, None, True, None),
        (98.0, 90.0, True, "not responding"),
        (99.9, 95.1, True, None),
        (99.9, 95.0, True, "busy, holding the interpreter"),
        (99.9, 95.0, False, "not responding"),
    ],
)
def test_silence_is_told_in_words(echo: float, asked: float | None, runs: bool, words: str | None) -> None:
    said = hang_words(now=100.0, heartbeat_echo=echo, control_asked=asked, cell_runs=runs, heartbeat_silence_s=2.0, control_silence_s=5.0)
    assert said == words


def test_restarts_count_within_the_window_only() -> None:
    intensity: RestartIntensity | None = RestartIntensity(limit=2, window_s=10)
    for now in (0.0, 5.0, 11.0):
        assert intensity is not None
        intensity = intensity.after_restart(now)
    assert intensity is not None
    assert intensity.restarts == (5.0, 11.0)
    assert intensity.after_restart(12.0) is None
    assert intensity.forgotten().after_restart(12.0) is not None


def test_a_limit_of_zero_never_restarts() -> None:
    assert RestartIntensity(limit=0).after_restart(0.0) is None
