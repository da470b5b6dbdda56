"""The codes of findings: stable for ever, one name each. What they mean is in `validation.catalogue`.

WF0xx a text that is no document, WF1xx structure and schemas, WF2xx references and templates, WF3xx types,
WF4xx the graph, WF5xx policy, WF6xx changes.
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
    ACTION_CHOICE = "WF109"
    USELESS_FIELD = "WF110"
    CONTRADICTION = "WF111"
    RESPONSE_HEADER = "WF112"
    CONSTANT_KEY = "WF113"

    TEMPLATE_SYNTAX = "WF201"
    UNKNOWN_TASK = "WF202"
    UNKNOWN_STEP = "WF203"
    UNKNOWN_PATH = "WF204"
    NOT_READABLE_HERE = "WF205"
    CONDITION_SYNTAX = "WF206"
    UNKNOWN_WORKFLOW = "WF207"
    UNKNOWN_VERSION = "WF208"
    UNKNOWN_ITEM = "WF209"
    NOT_A_LOOP = "WF210"
    SHADOWED_ITEM = "WF211"

    MISSING_INPUT = "WF301"
    TYPE_MISMATCH = "WF302"
    UNKNOWN_INPUT = "WF303"
    MAY_BE_SKIPPED = "WF304"
    MAY_BE_MISSING = "WF305"
    CONDITION_TYPE = "WF306"
    NEVER_EQUAL = "WF307"
    ITEMS_TYPE = "WF308"
    UNDECIDED = "WF309"
    UNREACHABLE_CASE = "WF310"
    UNCOVERED_VALUE = "WF311"
    RESPONSE_TYPE = "WF312"

    CYCLE = "WF401"
    UNKNOWN_DEPENDENCY = "WF402"
    WORKFLOW_CYCLE = "WF403"
    LOOP_DEPTH = "WF404"
    WORKFLOW_DEPTH = "WF405"

    TASK_NOT_ALLOWED = "WF501"
    SECRET_NOT_DECLARED = "WF502"  # noqa: S105  a code, not a credential
    DUPLICATE_SECRET = "WF503"  # noqa: S105  as above
    UNUSED_SECRET = "WF504"  # noqa: S105  as above
    NO_SECRET_PROVIDER = "WF505"  # noqa: S105  as above
    SECRET_LEAK = "WF506"  # noqa: S105  as above
    DEADLINE_EXCEEDED = "WF507"
    TOO_MUCH_WORK = "WF508"

    BREAKING_CHANGE = "WF601"
