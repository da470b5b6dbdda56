"""Texts over one input, its values and schemas: what validation says of them is held against evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tenantry.language.documents.document import Document
from tenantry.language.documents.report import Report
from tenantry.language.validation.readable import Readable
from tenantry.language.validation.references import References
from tenantry.language.validation.texts import Texts

if TYPE_CHECKING:
    from tenantry.language.validation.facts import Facts

_PATHS: Final = st.sampled_from(
    ["input", "input.a", "input.b", "input.a.a", "input.a.b", "input[0]", "input[1]", "input.a[0]"]
)
_LITERALS: Final = st.sampled_from(
    ["null", "true", "false", "0", "1", "1.5", "2", "'x'", "'ab'", "[]", "[1, 'x', null]", "{}"]
)
TEMPLATES: Final = st.builds(
    "{{{{{}{}}}}}".format, _PATHS, st.sampled_from(["", "", ""]) | _LITERALS.map(" ?? {}".format)
)
"""References to an input, with and without defaults."""

_COMPARISONS: Final = st.builds(
    "{} {} {}".format,
    TEMPLATES | _LITERALS,
    st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in"]),
    TEMPLATES | _LITERALS,
)
CONDITIONS: Final = st.recursive(
    TEMPLATES | _COMPARISONS,
    lambda inner: (
        st.builds("!({})".format, inner)
        | st.builds("({} && {})".format, inner, inner)
        | st.builds("({} || {})".format, inner, inner)
    ),
    max_leaves=4,
)
"""Conditions over an input."""

TEMPLATED: Final = st.recursive(
    TEMPLATES | st.builds("{}{}{}".format, st.sampled_from(["", "x", "a+"]), TEMPLATES, TEMPLATES),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
    max_leaves=3,
)
"""Values with templates over an input."""


def references_to(schema: Any, facts: Facts | None = None) -> References:
    """What follows references to an input of this schema, of which something may be known."""
    readable = Readable(roots=frozenset(("input",)), input=schema).knowing(facts or {})
    return References(readable, Report(Document(kind="Workflow", name="x", raw={})), Texts())
