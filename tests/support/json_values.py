"""Hypothesis strategies for JSON values and the texts in them, shared by the language's property tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from tenantry.language.values import Json

# Everything a parsed value may hold: no lone surrogates, no U+0000.
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)

INTEGERS: Final = st.integers(-(2**63), 2**63 - 1)

SCALARS: Final[st.SearchStrategy[Json]] = st.one_of(
    st.none(), st.booleans(), INTEGERS, st.floats(allow_nan=False, allow_infinity=False), TEXTS
)

JSON_VALUES: Final[st.SearchStrategy[Json]] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
