from __future__ import annotations

import pytest

from tenantry.language.documents.nearest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("usr", "user"),
        ("USER", "user"),
        ("task_ref", "taskRef"),
        ("taskref", "taskRef"),
        ("zzz", None),
        ("", None),
        ("u" * 100, None),
    ],
)
def test_the_nearest_name_looks_past_case_and_separators(name: str, expected: str | None) -> None:
    assert nearest(name, ["user", "users-of", "taskRef", "u" * 99]) == expected


def test_a_suggestion_names_the_nearest_else_the_few_there_are_else_nothing() -> None:
    assert did_you_mean("user", ["orders", "user"]) == 'did you mean "user"?'
    assert did_you_mean(None, ["user", "orders"]) == "known here: orders, user"
    assert did_you_mean(None, [f"field{n}" for n in range(9)]) == ""
    assert did_you_mean(None) == ""
