"""The table of states, and what a wish to retry comes to: for every case there can be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.dataplane.dead_letters.decision import Case, Go, Refuse, Stay, Wish, decide_retry
from tenantry.dataplane.dead_letters.letters import GOAL, DeadLetter, LetterAct, LetterStatus, allows
from tenantry.dataplane.dead_letters.port import Refusal
from tenantry.dataplane.engine.core.events import DeadLetterReason
from tenantry.dataplane.engine.core.state import ENDED, ExecutionStatus
from tests.support.dead_letters import instant
from tests.support.executions import NOON

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES, ACTS = st.sampled_from(LetterStatus), st.sampled_from(LetterAct)
LETTER = DeadLetter(
    id="letter",
    execution_id="execution",
    workflow="order",
    version=1,
    task="charge",
    task_name="charge-card",
    reason=DeadLetterReason.PERMANENT,
    failure={},
    failure_code="upstream-status",
    attempts=1,
    created_at=instant(NOON),
    status=LetterStatus.OPEN,
    changed_at=None,
    changed_by=None,
    retried_as=None,
    execution_status="failed",
)
WISH = Wish(actor="key")


def case(others: tuple[DeadLetter, ...] = (), facts: Mapping[str, Any] | None = None, **letter: Any) -> Case:
    return Case(letter=replace(LETTER, **letter), others=others, **(facts or {}))


def other(number: int, **fields: Any) -> DeadLetter:
    return replace(LETTER, id=f"other-{number}", task=f"task-{number}", **fields)


letters = st.builds(
    replace,
    st.just(LETTER),
    status=STATUSES,
    reason=st.sampled_from(DeadLetterReason),
    failure=st.sampled_from([{}, {"outcomeUnknown": True}]),
    task_name=st.sampled_from(["", "charge-card"]),
    execution_status=st.none() | st.sampled_from(ExecutionStatus).map(str),
)
cases = st.builds(
    lambda letter, others, held, begun_as, trace_deleted: Case(
        letter=letter,
        others=tuple(replace(one, id=f"other-{number}") for number, one in enumerate(others)),
        held=held,
        begun_as=begun_as,
        trace_deleted=trace_deleted,
    ),
    letters,
    st.lists(letters.filter(lambda one: one.status is not LetterStatus.RETRIED), max_size=4),
    st.booleans(),
    st.none() | st.just("begun"),
    st.booleans(),
)
wishes = st.builds(
    Wish,
    actor=st.just("key"),
    value=st.sampled_from([msgspec.UNSET, None, {"amount": 1}]),
    acknowledged=st.booleans(),
)


def fold(status: LetterStatus, acts: list[LetterAct]) -> LetterStatus:
    for act in acts:
        status = GOAL[act] if allows(status, act) else status
    return status


@given(STATUSES, st.lists(ACTS))
def test_whatever_is_done_a_letter_is_acted_on_at_most_twice_and_the_end_is_final(
    status: LetterStatus, acts: list[LetterAct]
) -> None:
    changes = [
        end
        for count in range(len(acts))
        if (end := fold(status, acts[: count + 1])) != fold(status, acts[:count])
    ]
    assert len(changes) <= 2
    if len(changes) == 2:
        assert changes == [LetterStatus.ARCHIVED, LetterStatus.RETRIED]
    for final in (LetterStatus.RETRIED, LetterStatus.DISCARDED):
        if final in (status, *changes):
            assert fold(status, acts) is final


@given(STATUSES, ACTS)
def test_an_act_leads_where_it_says_and_twice_is_once(status: LetterStatus, act: LetterAct) -> None:
    once = fold(status, [act])
    assert once is (GOAL[act] if allows(status, act) else status)
    assert fold(status, [act, act]) is once


@given(cases, wishes)
def test_something_is_done_only_where_it_can_be_and_may_be(case: Case, wish: Wish) -> None:
    decision = decide_retry(case, wish)
    if not isinstance(decision, Go):
        return
    letter = case.letter
    assert letter.status in (LetterStatus.OPEN, LetterStatus.ARCHIVED)
    assert letter.execution_status in ENDED
    assert (case.held, case.begun_as, case.trace_deleted) == (False, None, False)
    assert wish.acknowledged or not any(one.outcome_unknown for one in (letter, *case.others))
    assert letter.task_name or wish.value is msgspec.UNSET
    assert decision.fork is (letter.execution_status == ExecutionStatus.COMPLETED)
    opened = tuple(one for one in case.others if one.status is LetterStatus.OPEN)
    assert decision.covered == (letter, *opened)


@given(cases, wishes)
def test_nothing_is_the_answer_exactly_to_what_has_been_done_as_it_is_wanted(case: Case, wish: Wish) -> None:
    done = case.letter.status is LetterStatus.RETRIED or case.begun_as is not None
    expected = done and wish.value is msgspec.UNSET
    assert isinstance(decide_retry(case, wish), Stay) is expected


@given(cases, wishes)
def test_an_acknowledgement_never_hinders(case: Case, wish: Wish) -> None:
    before = decide_retry(case, wish)
    after = decide_retry(case, replace(wish, acknowledged=True))
    assert after == before or (isinstance(before, Refuse) and before.code is Refusal.OUTCOME_UNKNOWN)


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (case(status=LetterStatus.DISCARDED), Refusal.NOT_OPEN),
        (case(facts={"held": True}), Refusal.BUSY),
        (case(execution_status=None), Refusal.EXECUTION_GONE),
        (case(facts={"trace_deleted": True}), Refusal.TRACE_GONE),
        (case(execution_status="running"), Refusal.EXECUTION_NOT_ENDED),
        (case(execution_status="paused"), Refusal.EXECUTION_NOT_ENDED),
        (case(reason="outcome-unknown"), Refusal.OUTCOME_UNKNOWN),
        (case(others=(other(1, reason="outcome-unknown"),)), Refusal.OUTCOME_UNKNOWN),
        (
            case(others=(other(1, reason="outcome-unknown", status=LetterStatus.DISCARDED),)),
            Refusal.OUTCOME_UNKNOWN,
        ),
    ],
)
def test_a_refusal_says_why(refused: Case, code: Refusal) -> None:
    decision = decide_retry(refused, WISH)
    assert isinstance(decision, Refuse)
    assert decision.code is code


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (case(task_name=""), Refusal.TAKES_NO_INPUT),
        (case(status=LetterStatus.RETRIED), Refusal.NOT_OPEN),
        (case(facts={"begun_as": "begun"}), Refusal.NOT_OPEN),
    ],
)
def test_an_input_that_nothing_would_take_is_refused_and_without_it_all_is_well(
    asked: Case, code: Refusal
) -> None:
    decision = decide_retry(asked, replace(WISH, value=None))
    assert isinstance(decision, Refuse)
    assert decision.code is code
    assert not isinstance(decide_retry(asked, WISH), Refuse)


def test_a_warning_names_the_calls_that_would_be_repeated_but_not_hundreds() -> None:
    others = tuple(other(number, reason="outcome-unknown") for number in range(50))
    decision = decide_retry(case(others=others), WISH)
    assert isinstance(decision, Refuse)
    assert "task-0, task-1, task-2, task-3, task-4 took effect" in decision.message


def test_the_letters_of_an_execution_that_completed_all_the_same_lead_to_a_fork() -> None:
    others = (other(1), other(2, status=LetterStatus.ARCHIVED), other(3, status=LetterStatus.DISCARDED))
    completed = case(others, execution_status="completed")
    assert decide_retry(completed, WISH) == Go((completed.letter, others[0]), fork=True)
    assert decide_retry(case(others), WISH) == Go((LETTER, others[0]), fork=False)
