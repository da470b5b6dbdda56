"""Plans explained: text, JSON, DOT and Mermaid show the same, and nothing in a document can break them."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pydot
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.plan.explain import explain_dot, explain_json, explain_mermaid, explain_text
from tenantry.language.plan.explain.drawing import words
from tenantry.language.plan.explain.text import WIDTH
from tenantry.language.plan.explain.wording import duration, shown
from tenantry.language.plan.outline import outline
from tests.support.explained import everything, plan_of

if TYPE_CHECKING:
    from tenantry.language.plan.model import Plan

# pydot 4.0 calls pyparsing 3.3 by names that it has newer ones for.
pytestmark = pytest.mark.filterwarnings("ignore:.* deprecated - use:DeprecationWarning")


WATERFALL = """\
flow v1: worst case at least 6.5s, over the deadline of 5s

                                             0 ─────────────────────── 6.5s
  group 1
*   user          twice (2 × 2s)             █████████████████████           4.5s
    pay           switch {{input.method}}    █████████                       2s
      case card   call2 (2s)                 █████████                       2s
      case 7      2 tasks                    █████████                       2s
        group 1
          ask     call1 (1s)                 █████                           1s
        group 2
          wait    call1 (1s)                     █████                       1s
      default     same                       ▏                               0s
      fallback    value {"paid":false}                ▏                      0s
      compensate  call3 (3s)                                                 3s
    all           × 1 task                   █████████                       2s
                    each item of [1,2,3], 2 at a time
      each        × call1 (1s)               █████                           1s a round
                    each item of {{forEach.item}}, 16 at a time
  group 2
*   lines         × call1 (1s)                                   █████       1s a round
                    each order of {{tasks.user.output}}, 5 at a time; those if {{forEach.order.open}}; goes on without items that fail
    bill          workflow child v1                   █████                  1s
                    if {{input.bill}}
      group 1
        one       call1 (1s)                          █████                  1s
      group 2
        two       same                                    ▏                  0s
      else        same                                ▏                      0s
  group 3
*   audit         call1 (1s), optional                                █████  1s

* longest path: user → lines → audit
"""  # noqa: E501, RUF001  (as it is printed)


class Drawing(NamedTuple):
    """What a parser finds in a drawing: the words on each box, the lines, and what stands in which frame."""

    boxes: dict[str, str]
    arrows: set[tuple[str, str]]
    frames: dict[str, str | None]


def read_dot(text: str) -> Drawing:
    """The drawing as a parser of the DOT language reads it."""
    graphs = pydot.graph_from_dot_data(text)
    assert graphs is not None, text
    assert len(graphs) == 1
    boxes: dict[str, str] = {}
    frames: dict[str, str | None] = {}

    def look(inside: pydot.Graph, around: str | None) -> None:
        for node in inside.get_nodes():
            name = unquoted(node.get_name())
            if name not in {"node", "graph"}:
                boxes[name] = html.unescape(unquoted(node.get("label")))
                frames[name] = around
        for frame in inside.get_subgraphs():
            look(frame, unquoted(frame.get_name()))

    look(graphs[0], None)
    arrows = {
        (unquoted(edge.get_source()), unquoted(edge.get_destination())) for edge in graphs[0].get_edges()
    }
    return Drawing(boxes, arrows, frames)


def unquoted(text: Any) -> str:
    assert text[0] == text[-1] == '"' or re.fullmatch(r"[\w.]+", text), text
    inside = text.removeprefix('"').removesuffix('"')
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], inside)


_BOX = re.compile(r'\s*(n\d+)(?:\["(.*)"\]|\{"(.*)"\}|\[\["(.*)"\]\])')
_ARROW = re.compile(r"\s*(n\d+) (?:-->|-\.->) (n\d+)")
_FRAME = re.compile(r'\s*subgraph (n\d+s)\[" "\]')


def read_mermaid(text: str) -> Drawing:
    """The drawing line by line: a line that is none of those we write fails."""
    first, *lines, define, mark, end = text.split("\n")
    assert (first, define, end) == ("flowchart LR", "  classDef critical stroke-width:3px", "")
    assert re.fullmatch(r"  class n\d+(,n\d+)* critical", mark)
    drawing = Drawing({}, set(), {})
    around: list[str | None] = [None]
    for line in lines:
        if box := _BOX.fullmatch(line):
            label = next(group for group in box.groups()[1:] if group is not None)
            drawing.boxes[box[1]] = html.unescape(label.replace("<br/>", "\n").replace("#", "&#"))
            drawing.frames[box[1]] = around[-1]
        elif arrow := _ARROW.fullmatch(line):
            drawing.arrows.add((arrow[1], arrow[2]))
        elif frame := _FRAME.fullmatch(line):
            around.append(frame[1])
        elif line.strip() == "end":
            around.pop()
        else:
            assert re.fullmatch(r"  %% [^\n]*", line), line
    assert around == [None]
    return drawing


def test_all_four_show_the_same() -> None:
    plan = everything()
    parts = list(outline(plan).walk())
    dot, mermaid, document = (
        read_dot(explain_dot(plan)),
        read_mermaid(explain_mermaid(plan)),
        explain_json(plan),
    )
    names = {f"n{number}": part.id for number, part in enumerate(parts)}

    assert [node["id"] for node in document["nodes"]] == [part.id for part in parts]
    assert dot.boxes == {names[box]: label for box, label in mermaid.boxes.items()}
    assert dot.boxes == {part.id: "\n".join(words(part)) for part in parts}
    assert {(names[a], names[b]) for a, b in mermaid.arrows} == dot.arrows
    waits = {(edge["from"], edge["to"]) for edge in document["edges"]}
    inside = {(node["parent"], node["id"]) for node in document["nodes"] if not node.get("dependencies")}
    assert dot.arrows == waits | {(parent, name) for parent, name in inside if parent is not None}
    text = explain_text(plan)
    titles = [words(part)[0] for part in parts]
    assert sorted(titles) == sorted(title for title in titles if f" {title} " in text)


def test_frames_hold_what_is_inside_a_part() -> None:
    dot = read_dot(explain_dot(everything())).frames

    assert dot["pay"] == dot["pay~case1"] == dot["pay~fallback"] == "cluster_pay"
    assert dot["pay~case2/ask"] == dot["pay~case2"] == "cluster_pay~case2"
    assert (dot["user"], dot["bill/one"]) == (None, "cluster_bill")
    mermaid = read_mermaid(explain_mermaid(everything())).frames
    names = {f"n{number}": part.id for number, part in enumerate(outline(everything()).walk())}
    frames = {name: frame and f"cluster_{names[frame.removesuffix('s')]}" for name, frame in mermaid.items()}
    assert {names[name]: frame for name, frame in frames.items()} == dot


def test_lines_between_frames_end_at_the_frames() -> None:
    assert '"pay" -> "bill" [ltail="cluster_pay", lhead="cluster_bill"];' in explain_dot(everything())


def test_a_text_is_a_waterfall_by_groups() -> None:
    assert explain_text(everything()) == WATERFALL


def test_a_short_plan_has_no_groups() -> None:
    assert explain_text(plan_of({"id": "only", "taskRef": "call1"})).splitlines() == [
        "flow v1: worst case 1s, within the deadline of 30s",
        "",
        f"{'':22}0 {'─' * (WIDTH - 5)} 1s",
        f"* only  call1 (1s)    {'█' * WIDTH}  1s",
        "",
        "* longest path: only",
    ]


def test_a_plan_that_takes_no_time_has_no_bars() -> None:
    text = explain_text(plan_of({"id": "only", "taskRef": "same"}))

    assert "* only  same" in text
    assert not set("█▏") & set(text)


def test_a_node_says_what_it_is() -> None:
    nodes = {node["id"]: node for node in explain_json(everything())["nodes"]}

    assert nodes["user"] == {
        "id": "user",
        "parent": None,
        "role": "step",
        "kind": "task",
        "task": "twice",
        "type": "http",
        "timeoutSeconds": 2.0,
        "maxAttempts": 2,
        "condition": None,
        "group": 0,
        "dependencies": [],
        "optional": False,
        "startSeconds": 0.0,
        "worstCaseSeconds": 4.5,
        "atLeast": False,
        "critical": True,
    }
    assert nodes["lines"]["forEach"] == {
        "items": "{{tasks.user.output}}",
        "itemVar": "order",
        "maxParallel": 5,
        "maxItems": 10_000,
        "onItemFailure": "continue",
    }
    assert (nodes["lines"]["condition"], nodes["lines"]["filtersItems"]) == ("{{forEach.order.open}}", True)
    assert "filtersItems" not in nodes["bill"]
    assert (nodes["bill"]["kind"], nodes["bill"]["workflow"], nodes["bill"]["opened"]) == (
        "workflow",
        "child",
        True,
    )
    assert (nodes["pay"]["kind"], nodes["pay"]["switch"]) == ("switch", "{{input.method}}")
    assert (nodes["pay~case1"]["match"], nodes["pay~case2"]["kind"]) == ("card", "tasks")
    assert (nodes["pay~fallback"]["kind"], nodes["pay~fallback"]["value"]) == ("value", {"paid": False})
    assert nodes["pay~compensate"]["startSeconds"] is None
    assert nodes["all"]["forEach"]["onItemFailure"] == "fail"


def test_the_whole_is_told_beside_the_nodes() -> None:
    document = explain_json(everything())

    assert {name: value for name, value in document.items() if name not in {"nodes", "edges"}} == {
        "workflow": "flow",
        "version": 1,
        "deadlineSeconds": 5.0,
        "worstCaseSeconds": 6.5,
        "atLeast": True,
        "groups": [["user", "pay", "all"], ["lines", "bill"], ["audit"]],
        "order": ["user", "pay", "all", "lines", "bill", "audit"],
        "criticalPath": ["user", "lines", "audit"],
    }
    assert orjson.loads(orjson.dumps(document)) == document


HOSTILE = (
    '"]); end',
    'a"b\\"c\\',
    "<b>&amp;</b><script>alert(1)</script>",
    "%%{init: {'theme': 'dark'}}%%",
    "#quot; #35; &lt;",
    "line\nbreak\r\n\ttab",
    "`**markdown**` $$x$$",
    "end",
    "--> n0",
    "|x|",
    "style n0 fill:#f00;",
    "\x1b[31mred\x1b[0m",
    "\u202egnirts",
    "\\N \\G \\l",
)


def hostile(text: str) -> Plan:
    """A plan that has the text wherever an author may write what they like."""
    switch = {"value": text, "cases": [{"match": text, "taskRef": "same"}]}
    return plan_of(
        {"id": "a", "switch": switch, "fallback": {"value": {text: [text]}}},
        {"id": "b", "forEach": {"items": [text]}, "taskRef": "same", "dependsOn": ["a"]},
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_only_texts(text: str) -> None:
    check_hostile(text)


@given(st.text(max_size=80).filter(lambda text: "{{" not in text))
def test_any_text_is_only_text(text: str) -> None:
    check_hostile(text)


def check_hostile(text: str) -> None:
    plan = hostile(text)
    expected = {part.id: "\n".join(words(part)) for part in outline(plan).walk()}
    dot, mermaid = read_dot(explain_dot(plan)), read_mermaid(explain_mermaid(plan))
    assert (dot.boxes, [*mermaid.boxes.values()]) == (expected, [*expected.values()])
    assert list(expected) == ["a", "a~case1", "a~fallback", "b"]
    assert dot.arrows == {("a", "a~case1"), ("a", "a~fallback"), ("a", "b")}
    assert "init" not in text or "%" not in explain_mermaid(plan).replace("  %% flow", "", 1)
    lines = explain_text(plan).split("\n")
    assert len(lines) == len(explain_text(hostile("x")).split("\n"))
    assert all(line.isprintable() for line in lines)


def test_what_is_shown_is_one_line_of_bounded_length() -> None:
    assert shown("a\nb\tc") == "a b c"
    assert shown("\x1b[1m") == "\\x1b[1m"
    assert shown({"a": [1, None]}) == '{"a":[1,null]}'
    assert len(shown("x" * 100)) == len(shown("\x1b" * 100)) == 60
    assert shown("x" * 60) == "x" * 60


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (1.5, "1.5s"),
        (90, "1.5m"),
        (7200, "2h"),
        (12.3456, "12.35s"),
    ],
)
def test_a_duration_is_written_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_one_nested_task_is_one() -> None:
    plan = plan_of(
        {"id": "a", "tasks": [{"id": "b", "taskRef": "same"}]},
        {"id": "c", "tasks": [{"id": "d", "taskRef": "same"}, {"id": "e", "taskRef": "same"}]},
    )

    said: dict[str, Any] = {part.id: words(part)[1] for part in outline(plan).walk()}

    assert (said["a"], said["c"]) == ("1 task", "2 tasks")
