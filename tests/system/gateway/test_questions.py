"""Questions to a kernel of a gateway: of the tests that a kernel process is asked by, those that together go over every channel.

They are the same tests: only the kernels are others.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import pytest

from tests.kit.gateway_kernel import GatewayKernel, asked_gateway_kernel, gateway_kernel, serving_gateway
from tests.kit.questions import send, until_text
from tests.kit.shared_kernel import SharedKernel
from tests.questions.conftest import stalling
from tests.questions.test_consent import (
    markdown,
    test_a_question_back_is_answered_by_number,
    test_a_stop_interrupts_the_code_and_no_further_call_follows,
    test_all_cells_at_once_leave_no_prompt_open_and_the_consent_parks,
    test_later_ends_the_cell_and_the_answer_goes_on_below_the_cell_that_allows,
    test_no_runs_nothing_and_edit_runs_what_the_user_wrote,
    test_yes_runs_the_code_its_output_stands_in_the_cell_and_its_number_in_the_history,
)
from tests.questions.test_messages import (
    test_a_client_that_leaves_in_the_middle_costs_the_others_nothing,
    test_a_question_is_told_step_by_step_and_replied_with_a_true_status,
    test_another_model_answers_from_the_message_that_sets_it_to_the_one_that_takes_it_back,
    test_code_of_the_model_runs_when_the_session_that_was_asked_allows_it_and_is_a_cell_of_its_own,
    test_contexts_tools_and_models_are_told_by_the_kernel_itself,
    test_the_conversation_is_told_on_request_and_forgotten_on_another,
    test_the_count_of_the_endpoint_and_what_the_model_thought_are_told,
    test_what_is_wrong_with_a_request_is_said_on_its_own_channel,
    test_what_the_session_holds_is_told_without_running_code_in_it,
)
from tests.questions.test_questions import (
    test_a_client_that_names_its_cells_gets_displays_that_are_updated,
    test_a_killed_agent_is_told_with_the_text_so_far_and_the_next_question_works,
    test_a_proposed_cell_stands_in_the_answer_and_comes_as_the_next_cell,
    test_a_question_takes_a_number_in_the_subkernel_too,
    test_an_endpoint_that_stalls_holds_no_cell_back_and_an_interrupt_ends_the_question,
    test_bad_input_gets_a_sentence_with_the_remedy,
    test_in_the_background_the_cell_is_done_at_once_and_its_display_goes_on,
    test_status_looks_from_outside_while_a_cell_runs,
    test_stop_names_the_questions_that_run,
)
from tests.scripted.replies import Reply
from tests.scripted.threaded import ThreadedEndpoint
from tests.system.clients.test_r import (
    READY_S,
    test_a_busy_r_session_is_left_alone_an_interrupt_ends_its_cell_and_a_restart_its_variables,
)

__all__ = [  # what is collected here
    "stalling",
    "test_a_busy_r_session_is_left_alone_an_interrupt_ends_its_cell_and_a_restart_its_variables",
    "test_a_client_that_leaves_in_the_middle_costs_the_others_nothing",
    "test_a_client_that_names_its_cells_gets_displays_that_are_updated",
    "test_a_killed_agent_is_told_with_the_text_so_far_and_the_next_question_works",
    "test_a_proposed_cell_stands_in_the_answer_and_comes_as_the_next_cell",
    "test_a_question_back_is_answered_by_number",
    "test_a_question_is_told_step_by_step_and_replied_with_a_true_status",
    "test_a_question_takes_a_number_in_the_subkernel_too",
    "test_a_stop_interrupts_the_code_and_no_further_call_follows",
    "test_all_cells_at_once_leave_no_prompt_open_and_the_consent_parks",
    "test_an_endpoint_that_stalls_holds_no_cell_back_and_an_interrupt_ends_the_question",
    "test_another_model_answers_from_the_message_that_sets_it_to_the_one_that_takes_it_back",
    "test_bad_input_gets_a_sentence_with_the_remedy",
    "test_code_of_the_model_runs_when_the_session_that_was_asked_allows_it_and_is_a_cell_of_its_own",
    "test_contexts_tools_and_models_are_told_by_the_kernel_itself",
    "test_in_the_background_the_cell_is_done_at_once_and_its_display_goes_on",
    "test_later_ends_the_cell_and_the_answer_goes_on_below_the_cell_that_allows",
    "test_no_runs_nothing_and_edit_runs_what_the_user_wrote",
    "test_status_looks_from_outside_while_a_cell_runs",
    "test_stop_names_the_questions_that_run",
    "test_the_conversation_is_told_on_request_and_forgotten_on_another",
    "test_the_count_of_the_endpoint_and_what_the_model_thought_are_told",
    "test_what_is_wrong_with_a_request_is_said_on_its_own_channel",
    "test_what_the_session_holds_is_told_without_running_code_in_it",
    "test_yes_runs_the_code_its_output_stands_in_the_cell_and_its_number_in_the_history",
]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("questions to a gateway")]

Both = tuple[GatewayKernel, ThreadedEndpoint]


@pytest.fixture(scope="module")
def demo() -> Iterator[GatewayKernel]:
    """Of a gateway with the demo model. Its client speaks the older framing, as JupyterLab's own server does to a gateway."""
    with serving_gateway() as gateway, gateway_kernel(gateway, framing="legacy") as kernel:
        yield kernel


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedKernel]:
    kernel = SharedKernel(tmp_path_factory.mktemp("shared"), start=asked_gateway_kernel)
    yield kernel
    kernel.close()


@pytest.fixture
def stalling_battered(stalling: GatewayKernel) -> GatewayKernel:
    """No kernel is started for a test that ends one process of it: the shared one goes on."""
    return stalling


@pytest.fixture
def r_session(
    need_kernelspec: Callable[[str], None], shared: SharedKernel
) -> "Callable[..., AbstractContextManager[tuple[GatewayKernel, ThreadedEndpoint]]]":
    """Asks a kernel of R beside the shared one."""
    need_kernelspec("ir")

    @contextmanager
    def asking(*script: Reply) -> Iterator[tuple[GatewayKernel, ThreadedEndpoint]]:
        with shared.asking(*script) as (other, endpoint):
            assert isinstance(other, GatewayKernel)
            with closing(GatewayKernel(other.gateway, spec="ir")) as kernel:
                yield kernel.ready(READY_S), endpoint

    return asking


def test_an_interrupt_by_rest_stops_a_question(stalling: GatewayKernel) -> None:
    asked = send(stalling, "%%ai how long?")
    until_text(stalling, asked, "one")
    stalling.call("interrupt")
    stopped = stalling.outcome(asked)
    assert stopped.status == "ok"
    assert markdown(stopped).endswith("*stopped*")
