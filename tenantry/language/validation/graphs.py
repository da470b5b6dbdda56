"""The graphs of a workflow: what steps may depend on, cycles, and in which order steps are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.codes import Code
from tenantry.language.graph.graph import Graph, draw

if TYPE_CHECKING:
    from tenantry.language.documents.report import Report
    from tenantry.language.validation.tree import Node, Tree


def check_graphs(tree: Tree, report: Report) -> dict[str, list[Node]]:
    """Reports dependencies on nothing, and cycles.

    Returns:
        The steps of each graph without a cycle, each behind those it waits for.
    """
    orders = {pointer: _check_graph(nodes, tree, report) for pointer, nodes in tree.graphs.items()}
    return {pointer: order for pointer, order in orders.items() if order is not None}


def _check_graph(nodes: list[Node], tree: Tree, report: Report) -> list[Node] | None:
    siblings = {node.step.id: node for node in reversed(nodes)}
    for node in nodes:
        _check_dependencies(node, siblings, tree, report)
    graph = Graph.of({node.step.id: siblings[node.step.id].waits for node in nodes})
    cycles = graph.cycles()
    for cycle in cycles:
        _tell_cycle(cycle, siblings, report)
    if cycles:
        return None
    place = {step: index for index, step in enumerate(graph.order())}
    return sorted(nodes, key=lambda node: place[node.step.id])


def _check_dependencies(node: Node, siblings: dict[str, Node], tree: Tree, report: Report) -> None:
    for index, other in enumerate(node.step.depends_on):
        if other in siblings:
            continue
        place = f"{node.pointer}/dependsOn/{index}"
        if other in tree.by_id:
            message = f'{node.step.id} depends on "{other}", which does not stand beside it'
            hint = "a step depends on steps of its own list"
            report.add(Code.UNKNOWN_DEPENDENCY, message, place, suggestion=hint)
        else:
            message = f'{node.step.id} depends on "{other}", which does not exist'
            report.add(Code.UNKNOWN_DEPENDENCY, message, place, meant=(other, siblings))


def _tell_cycle(cycle: tuple[str, ...], siblings: dict[str, Node], report: Report) -> None:
    first, last = cycle[0], cycle[-2]
    place, offset = siblings[first].waits[last]
    what = "waits for itself" if first == last else "waits for its own result"
    report.add(
        Code.CYCLE,
        f"{first} {what}: {draw(cycle)}",
        place,
        offset=offset,
        suggestion="take out one of these dependencies",
    )
