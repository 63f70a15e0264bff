"""The words for a name that nobody knows."""

from beaker.errors import BeakerError, UnknownName, nearest, unknown_name


def test_a_near_name_is_offered_and_all_are_listed() -> None:
    sentence = unknown_name("a command", "statsu", ["status", "stop"])
    assert sentence == "'statsu' is not a command. Did you mean 'status'? There are: status, stop."


def test_nothing_is_offered_for_what_is_like_nothing() -> None:
    assert unknown_name("a command", "zzz", ["status"]) == "'zzz' is not a command. There are: status."


def test_no_names_at_all_are_said_to_be_none() -> None:
    assert unknown_name("a kernel", "x", []) == "'x' is not a kernel. There are: none."


def test_another_case_counts_as_near() -> None:
    assert nearest("STATUS", ["status", "stop"]) == "status"


def test_a_long_name_is_cut() -> None:
    assert "x" * 60 in unknown_name("a name", "x" * 5000, ["a"])
    assert len(unknown_name("a name", "x" * 5000, ["a"])) < 120


def test_unknown_name_is_an_error_of_ours_that_keeps_its_parts() -> None:
    error = UnknownName("a kernelspec", "pyhton3", ["python3", "ir"])
    assert isinstance(error, BeakerError)
    assert (error.given, error.valid) == ("pyhton3", ("python3", "ir"))
    assert "Did you mean 'python3'?" in str(error)
