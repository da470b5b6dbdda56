from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.validation.item_counts import ItemCounts
from tenantry.language.validation.library import Library

if TYPE_CHECKING:
    from tenantry.language.documents.model import ForEach

TASK = WorkflowTask.model_validate(
    parse_documents("""\
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: list}
spec:
  type: http
  request: {url: "https://x.example.com/"}
  outputSchema:
    type: object
    properties:
      few: {type: array, maxItems: 5, items: {type: object, properties: {tags: {type: array, maxItems: 3}}}}
      many: {type: array}
      bare: {type: array, maxItems: 4, items: true}
""")
    .documents[0]
    .raw
)
SPEC = """\
input:
  type: object
  properties:
    groups:
      type: array
      maxItems: 7
      items: {type: object, properties: {users: {type: array, maxItems: 9.0}, rest: {type: array}}}
    anything: true
"""


def over(step: str, path: str) -> str:
    """A step with a loop over what is at a path."""
    return f'{{id: {step}, taskRef: list, forEach: {{items: "{{{{{path}}}}}"}}}}'


def counts(steps: str, *loops: str, spec: str = SPEC) -> int | None:
    """What is known of the innermost of the loops, which stand in each other; `steps` stand beside them."""
    text = f"apiVersion: workflow.io/v1\nkind: Workflow\nmetadata: {{name: w}}\nspec:\n{indent(spec, '  ')}"
    body = "taskRef: list"
    for depth, loop in reversed(list(enumerate(loops))):
        body = f"tasks: [{{id: in{depth}, forEach: {{{loop}}}, {body}}}]"
    text += f"  tasks: [{steps}{{id: last, {body}}}]\n"
    workflow = Workflow.model_validate(parse_documents(text).documents[0].raw)
    around: list[ForEach] = []
    action = workflow.spec.tasks[-1]
    while action.tasks:
        action = action.tasks[0]
        assert action.for_each is not None
        around.append(action.for_each)
    *outer, own = around
    return ItemCounts(workflow, Library(tasks={"list": TASK})).most(own, tuple(outer))


@pytest.mark.parametrize(
    ("loop", "most"),
    [
        ("items: [1, 2, 3]", 3),
        ("items: []", 0),
        ("items: [1, 2, 3], maxItems: 2", 2),
        ("items: [1, 2, 3], maxItems: 4", 3),
        ('items: "{{input.groups}}"', 7),
        ('items: "{{input.groups}}", maxItems: 6', 6),
        ('items: "{{input.groups}}", maxItems: 8', 7),
        ('items: "{{input.groups ?? []}}"', 7),
        ('items: "{{input.groups ?? [1, 2, 3, 4, 5, 6, 7, 8]}}"', 8),
        ('items: "{{input.anything ?? [1]}}"', None),
        ("items: \"{{input.groups ?? 'none'}}\"", 7),
        ('items: "{{input.anything}}"', None),
        ('items: "{{input.missing}}"', None),
        ('items: "{{input.groups}} and more"', None),
        ('items: "{{input.groups"', None),
        ("items: 5", None),
        ('items: "{{workflow.name}}"', None),
        ('items: "{{forEach.nobody}}"', None),
    ],
)
def test_a_list_says_how_long_it_can_be(loop: str, most: int | None) -> None:
    assert counts("", loop) == most


def test_of_a_broken_schema_nothing_is_known() -> None:
    assert counts("", 'items: "{{input.x}}"', spec="input: {properties: {x: {maxItems: many}}}\n") is None


@pytest.mark.parametrize(
    ("step", "items", "most"),
    [
        ("{id: a, taskRef: list}", "tasks.a.output.few", 5),
        ("{id: a, taskRef: list}", "tasks.a.output.many", None),
        ("{id: a, taskRef: list}", "tasks.a.status", None),
        ("{id: a, taskRef: unknown}", "tasks.a.output.few", None),
        ("{id: a, tasks: [{id: b, taskRef: list}]}", "tasks.a.output.few", None),
        ("{id: a, taskRef: list}", "tasks.other.output.few", None),
        ('{id: a, taskRef: list, condition: {if: "true"}}', "tasks.a.output.few", 5),
        ('{id: a, taskRef: list, condition: {if: "true", else: {taskRef: x}}}', "tasks.a.output.few", None),
        ("{id: a, taskRef: list, fallback: {value: 1}}", "tasks.a.output.few", None),
        ("{id: a, taskRef: list, forEach: {items: [1, 2]}}", "tasks.a.output", 2),
        ("{id: a, taskRef: list, forEach: {items: [1, 2]}}", "tasks.a.forEach.outputs", 2),
        ("{id: a, taskRef: list, forEach: {items: [1, 2]}}", "tasks.a.forEach.itemResults", None),
        ("{id: a, taskRef: list, forEach: {items: [1, 2]}}", "tasks.a.output[0].few", None),
        (
            '{id: a, taskRef: list, forEach: {items: [1, 2]}, condition: {if: "true", else: {taskRef: x}}}',
            "tasks.a.output",
            None,
        ),
        (
            '{id: a, taskRef: list, forEach: {items: [1, 2]}, condition: {if: "true"}}',
            "tasks.a.output",
            2,
        ),
        (
            f"{over('a', 'input.groups')}, {over('b', 'tasks.a.output')}",
            "tasks.b.output",
            7,
        ),
    ],
)
def test_the_output_of_a_step_says_how_long_it_can_be(step: str, items: str, most: int | None) -> None:
    assert counts(f"{step}, ", f'items: "{{{{{items}}}}}"') == most


@pytest.mark.parametrize(
    ("loops", "most"),
    [
        (('items: "{{input.groups}}", itemVar: g', 'items: "{{forEach.g.users}}"'), 9),
        (('items: "{{input.groups}}", itemVar: g', 'items: "{{forEach.g.rest}}"'), None),
        (('items: "{{input.groups}}", itemVar: g', 'items: "{{forEach.index}}"'), None),
        (('items: "{{input.groups}}", itemVar: g', "items: [1]", 'items: "{{forEach.g.users}}"'), 9),
        (('items: "{{input.groups}}", itemVar: g', "items: [1]", 'items: "{{forEach.$parent.g.users}}"'), 9),
        (('items: "{{input.groups}}", itemVar: g', "items: [1]", 'items: "{{forEach.$root.g.users}}"'), 9),
        (
            ("items: [1]", 'items: "{{input.groups}}", itemVar: g', 'items: "{{forEach.$parent.g.users}}"'),
            None,
        ),
        (("items: [1]", 'items: "{{input.groups}}", itemVar: g', 'items: "{{forEach.$root.g.users}}"'), None),
        (("items: [{users: [1]}], itemVar: g", 'items: "{{forEach.g.users}}"'), None),
        # of two loops with one name, the inner one is meant
        (('items: "{{input.groups}}"', "items: [1]", 'items: "{{forEach.item.users}}"'), None),
        (("items: [1]", 'items: "{{input.groups}}"', 'items: "{{forEach.item.users}}"'), 9),
        (('items: "{{tasks.a.output.few}}"', 'items: "{{forEach.item.tags}}"'), 3),
        (('items: "{{tasks.a.output.bare}}"', 'items: "{{forEach.item.tags}}"'), None),
        (('items: "{{tasks.a.output.many}}"', 'items: "{{forEach.item.tags}}"'), None),
    ],
)
def test_the_item_of_a_loop_around_says_how_long_a_list_in_it_can_be(
    loops: tuple[str, ...], most: int | None
) -> None:
    assert counts("{id: a, taskRef: list}, ", *loops) == most


def test_a_list_made_in_a_loop_is_as_long_as_the_items_there() -> None:
    inner = 'tasks: [{id: b, taskRef: list, forEach: {items: "{{forEach.g.users}}"}}]'
    step = f'{{id: a, forEach: {{items: "{{{{input.groups}}}}", itemVar: g}}, {inner}}}, '

    assert counts(step, 'items: "{{tasks.b.output}}"') == 9


def test_lists_made_of_each_other_come_to_an_end() -> None:
    each_other = f"{over('a', 'tasks.b.output')}, {over('b', 'tasks.a.output')}, "
    assert counts(each_other, 'items: "{{tasks.a.output}}"') is None
