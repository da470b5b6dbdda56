"""What a path may begin with, and what follows: loops and their results."""

from __future__ import annotations

import pytest

from tenantry.language.templates import TemplateSyntaxError, parse_template


@pytest.mark.parametrize(
    "path",
    [
        "forEach.item",
        "forEach.item.a[0]['b c']",
        "forEach.index",
        "forEach.$parent.item",
        "forEach.$parent.$parent.index",
        "forEach.$root.item.a",
        "tasks.a.forEach.outputs[0].b",
        "tasks.a.forEach.itemCount",
        "tasks.a.forEach.successCount",
        "tasks.a.forEach.failureCount",
        "tasks.a.forEach.itemResults[2].error.code",
    ],
)
def test_a_path_into_a_loop_is_one(path: str) -> None:
    whole = parse_template("{{" + path + "}}").whole

    assert whole is not None
    assert whole.path_text == path


@pytest.mark.parametrize(
    ("path", "offset", "message"),
    [
        ("forEach", 2, "expected the name of an item or index: forEach.<itemVar>"),
        ("forEach[0]", 9, "expected the name of an item or index: forEach.<itemVar>"),
        ("forEach.$parent", 10, "expected the name of an item or index: forEach.<itemVar>"),
        ("forEach.$parent.$root.a", 18, "expected the name of an item or index: forEach.<itemVar>"),
        ("forEach.$root.$parent.a", 16, "expected the name of an item or index: forEach.<itemVar>"),
        ("forEach.index.a", 16, "this has no fields"),
        ("forEach.$parent.index.a", 24, "this has no fields"),
        (
            "tasks.a.forEach",
            10,
            "tasks.a.forEach has outputs, itemCount, successCount, failureCount or itemResults",
        ),
        (
            "tasks.a.forEach.output",
            18,
            "tasks.a.forEach has outputs, itemCount, successCount, failureCount or itemResults, not 'output'",
        ),
        ("tasks.a.forEach.itemCount.b", 28, "this has no fields"),
        ("tasks.a.status.b", 17, "this has no fields"),
        ("tasks", 2, "expected the id of a task: tasks.<id>.output"),
    ],
)
def test_a_path_that_leads_nowhere_in_any_loop_is_refused_where_it_goes_wrong(
    path: str, offset: int, message: str
) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        parse_template("{{" + path + "}}")

    assert (caught.value.offset, caught.value.message) == (offset, message)
