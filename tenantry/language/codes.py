"""The codes of findings: stable for ever, one name each. What they mean is in `validation.catalogue`.

WF0xx a text that is no document, WF1xx structure and schemas, WF2xx references and templates, WF3xx types,
WF4xx the graph, WF5xx policy.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """A finding's code."""

    SYNTAX = "WF001"
    TOO_LARGE = "WF002"
    TOO_DEEP = "WF003"
    ALIAS_EXPANSION = "WF004"
    ALIAS_CYCLE = "WF005"
    DUPLICATE_KEY = "WF006"
    KEY_NOT_TEXT = "WF007"
    UNQUOTED_TEMPLATE = "WF008"
    NUMBER_OUT_OF_RANGE = "WF009"
    UNSTORABLE_TEXT = "WF010"
    UNSUPPORTED_TAG = "WF011"
    NOT_A_DOCUMENT = "WF012"
    UNKNOWN_KIND = "WF013"
    DUPLICATE_DOCUMENT = "WF014"
    TOO_MANY_DOCUMENTS = "WF015"
    TOO_MANY_FINDINGS = "WF016"

    UNKNOWN_FIELD = "WF101"
    MISSING_FIELD = "WF102"
    WRONG_TYPE = "WF103"
    INVALID_VALUE = "WF104"
    INVALID_SCHEMA = "WF105"
    DUPLICATE_STEP = "WF106"
    TRANSFORM_CHOICE = "WF107"
    INVALID_EXPRESSION = "WF108"

    TEMPLATE_SYNTAX = "WF201"
    UNKNOWN_TASK = "WF202"
    UNKNOWN_STEP = "WF203"
    UNKNOWN_PATH = "WF204"
    NOT_READABLE_HERE = "WF205"
    CONDITION_SYNTAX = "WF206"

    MISSING_INPUT = "WF301"
    TYPE_MISMATCH = "WF302"
    UNKNOWN_INPUT = "WF303"
    MAY_BE_SKIPPED = "WF304"
    MAY_BE_MISSING = "WF305"
    CONDITION_TYPE = "WF306"
    NEVER_EQUAL = "WF307"

    CYCLE = "WF401"
    UNKNOWN_DEPENDENCY = "WF402"

    TASK_NOT_ALLOWED = "WF501"
    SECRET_NOT_DECLARED = "WF502"  # noqa: S105  a code, not a credential
