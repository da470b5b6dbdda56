"""Bounds of a GraphQL document, checked before it is validated and executed.

The library's own limiters walk fragments again at every spread, which a page of fragments that spread each
other twice turns into years; here each fragment is measured once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    StringValueNode,
    parse,
    visit,
)
from graphql.language import Visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, SelectionNode, SelectionSetNode

MAX_TOKENS: Final = 600
MAX_COMMENTS: Final = 100
MAX_LENGTH: Final = 64 * 1024
"""Of the document itself, in characters; long texts travel in variables."""
MAX_DEPTH: Final = 16
MAX_FIELDS: Final = 400
MAX_ALIASES: Final = 30


@dataclass(frozen=True, slots=True)
class Size:
    """How large a selection is once its fragments are written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0


def check_document(query: str) -> DocumentNode:
    """The parsed document, when it may be validated and executed.

    Raises:
        GraphQLError: it is no GraphQL, it is too large, or it holds text that cannot be stored.
    """
    document = parse(
        query, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS, max_source_length=MAX_LENGTH
    )
    visit(document, _StorableText())
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    measure = _Measure(fragments)
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            _check_size(measure.selection(operation.selection_set))
    return document


class _StorableText(Visitor):
    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if "\0" in node.value:
            raise GraphQLError("A string holds U+0000, which cannot be stored.", node)


class _Measure:
    """Measures selections, each fragment once; one within itself counts nothing (validation refuses it)."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._sizes: dict[str, Size] = {}

    def selection(self, selections: SelectionSetNode | None) -> Size:
        depth = fields = aliases = 0
        for node in selections.selections if selections else ():
            size = self._node(node)
            depth = max(depth, size.depth)
            fields += size.fields
            aliases += size.aliases
        return Size(depth, fields, aliases)

    def _node(self, node: SelectionNode) -> Size:
        if isinstance(node, FieldNode):
            inner = self.selection(node.selection_set)
            return Size(inner.depth + 1, inner.fields + 1, inner.aliases + (node.alias is not None))
        if isinstance(node, InlineFragmentNode):
            return self.selection(node.selection_set)
        assert isinstance(node, FragmentSpreadNode)  # noqa: S101  (there is no fourth kind of selection)
        return self._fragment(node.name.value)

    def _fragment(self, name: str) -> Size:
        if name not in self._sizes:
            self._sizes[name] = Size()
            fragment = self._fragments.get(name)
            self._sizes[name] = self.selection(fragment.selection_set if fragment else None)
        return self._sizes[name]


def _check_size(size: Size) -> None:
    for what, found, limit in (
        ("levels deep", size.depth, MAX_DEPTH),
        ("fields", size.fields, MAX_FIELDS),
        ("aliases", size.aliases, MAX_ALIASES),
    ):
        if found > limit:
            raise GraphQLError(f"The operation has more than {limit} {what}.")
