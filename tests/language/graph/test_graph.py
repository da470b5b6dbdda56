from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.graph.graph import Graph, draw

IDS = st.integers(min_value=0, max_value=12).map(lambda number: f"s{number}")
GRAPHS = st.dictionaries(IDS, st.lists(IDS, max_size=5), max_size=12).map(Graph.of)


def test_steps_run_in_waves_after_what_they_wait_for() -> None:
    graph = Graph.of({"user": [], "orders": ["user"], "rates": [], "total": ["orders", "rates"]})

    assert graph.groups() == (("user", "rates"), ("orders",), ("total",))
    assert graph.order() == ("user", "rates", "orders", "total")


def test_a_wave_keeps_the_order_of_the_document() -> None:
    assert Graph.of({"b": [], "a": [], "c": []}).groups() == (("b", "a", "c"),)


def test_a_dependency_on_no_step_is_left_out_and_a_repeated_one_counts_once() -> None:
    assert Graph.of({"a": ["ghost"], "b": ["a", "a"]}).dependencies == {"a": (), "b": ("a",)}


def test_a_cycle_begins_with_its_first_step_and_runs_with_the_data() -> None:
    graph = Graph.of({"a": ["c"], "b": ["a"], "c": ["b"], "d": ["c"]})

    assert graph.cycles() == (("a", "b", "c", "a"),)
    assert draw(graph.cycles()[0]) == "a -> b -> c -> a"


def test_a_step_that_waits_for_itself_is_a_cycle() -> None:
    assert Graph.of({"a": ["a"]}).cycles() == (("a", "a"),)


def test_every_knot_shows_a_cycle() -> None:
    graph = Graph.of({"a": ["b"], "b": ["a"], "x": ["y"], "y": ["x", "a"]})

    assert graph.cycles() == (("a", "b", "a"), ("x", "y", "x"))


def test_a_graph_with_a_cycle_has_no_order() -> None:
    with pytest.raises(ValueError, match="the graph has a cycle: a -> a"):
        Graph.of({"a": ["a"]}).order()


def test_an_empty_graph_has_no_groups() -> None:
    assert Graph.of({}).groups() == ()


@given(GRAPHS)
def test_a_graph_has_an_order_exactly_when_it_has_no_cycle(graph: Graph) -> None:
    if graph.cycles():
        with pytest.raises(ValueError, match="cycle"):
            graph.groups()
    else:
        order = graph.order()
        assert sorted(order) == sorted(graph.dependencies)
        for step, waits_for in graph.dependencies.items():
            assert all(order.index(other) < order.index(step) for other in waits_for)


@given(GRAPHS)
def test_each_cycle_follows_dependencies_and_shares_no_step_with_another(graph: Graph) -> None:
    seen: set[str] = set()
    for cycle in graph.cycles():
        assert cycle[0] == cycle[-1]
        for earlier, later in pairwise(cycle):
            assert earlier in graph.dependencies[later]
        assert not seen & set(cycle)
        seen |= set(cycle)


@given(GRAPHS)
def test_a_step_runs_in_the_earliest_wave_it_can(graph: Graph) -> None:
    if graph.cycles():
        return
    waves = {step: index for index, wave in enumerate(graph.groups()) for step in wave}
    for step, waits_for in graph.dependencies.items():
        assert waves[step] == max((waves[other] + 1 for other in waits_for), default=0)
