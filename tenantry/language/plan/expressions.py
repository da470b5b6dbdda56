"""JMESPath expressions of `transform` tasks, compiled once. Validation and the plan compile them here."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import jmespath
from jmespath.exceptions import EmptyExpressionError, JMESPathTypeError, LexerError, ParseError

from tenantry.language.plan.interpreter import FUNCTIONS, MAX_STEPS, Interpreter, WorkExceededError
from tenantry.language.templates import TemplateError, TemplateSyntaxError
from tenantry.language.templates.rendering import MAX_RENDERED
from tenantry.language.values import Json, dump_json, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_LENGTH: Final = 8192
"""Characters of an expression."""

_MAX_REASON: Final = 200
_REFUSALS: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What the library lets through for values it did not expect; its own errors are ValueErrors."""


class TooMuchWorkError(TemplateError):
    """An expression takes more work than it may for an input of this size."""


def compile_expression(text: str, max_steps: int = MAX_STEPS) -> Callable[[Json], Json]:
    """The function that gives an expression's value for an input within so many steps.

    It raises `TemplateError`, and of these `TooMuchWorkError` where more steps might do.

    Raises:
        TemplateSyntaxError: the text is not JMESPath, calls a function that does not exist or with the wrong
            number of arguments, or holds a literal that is no JSON value.
    """
    tree = _parse(text)
    for node in _nodes(tree):
        _check_node(node, text)

    def evaluate(value: Json) -> Json:
        try:
            result: Json = Interpreter(max_steps).visit(tree, value)
            size = len(dump_json(result))
        except WorkExceededError as error:
            raise TooMuchWorkError("the expression", str(error)) from None
        except _REFUSALS as error:
            raise TemplateError("the expression", _reason(error)) from None
        if size > MAX_RENDERED:
            raise TemplateError("the expression", f"gives more than {MAX_RENDERED} bytes as JSON")
        return result

    return evaluate


def _parse(text: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise TemplateSyntaxError(f"an expression is at most {MAX_LENGTH} characters", MAX_LENGTH)
    try:
        return jmespath.compile(text).parsed
    except LexerError as error:
        raise _not_jmespath(str(error.message), error.lexer_position) from None
    except ParseError as error:
        reason = f'"{error.token_value}" cannot stand here' if error.token_value else "it ends too early"
        raise _not_jmespath(reason, error.lex_position) from None
    except EmptyExpressionError:
        raise _not_jmespath("it is empty", 0) from None
    except RecursionError:
        raise _not_jmespath("it is nested too deep", 0) from None
    except ValueError as error:
        raise _not_jmespath(str(error), 0) from None


def _not_jmespath(reason: str, offset: int) -> TemplateSyntaxError:
    return TemplateSyntaxError(f"the expression is not JMESPath: {reason}", offset)


def _nodes(tree: Any) -> Iterator[Any]:
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack += [child for child in node["children"] if isinstance(child, dict)]


def _check_node(node: Any, text: str) -> None:
    match node["type"]:
        case "function_expression":
            _check_call(node["value"], len(node["children"]), text)
        case "literal" | "key_val_pair":
            _check_literal(node["value"])
        case "slice" if 0 in node["children"][2:]:
            raise TemplateSyntaxError("the step of a slice cannot be zero", _find(r":\s*-?0+\s*\]", text))


def _check_call(name: str, count: int, text: str) -> None:
    offset = _find(rf"\b{name}\s*\(", text)
    function = FUNCTIONS.FUNCTION_TABLE.get(name)
    if function is None:
        nearest = get_close_matches(name, FUNCTIONS.FUNCTION_TABLE, n=1)
        hint = f"did you mean '{nearest[0]}'?" if nearest else ""
        raise TemplateSyntaxError(f"there is no function {name}()", offset, hint)
    wanted = function["signature"]
    most = count if wanted[-1].get("variadic") else len(wanted)
    if not len(wanted) <= count <= most:
        raise TemplateSyntaxError(f"{name}() takes {len(wanted)} arguments, not {count}", offset)


def _find(pattern: str, text: str) -> int:
    """Where a part of the expression stands; its tree does not say."""
    match = re.search(pattern, text)
    return match.start() if match else 0


def _check_literal(value: Any) -> None:
    try:
        parse_json(json.dumps(value, allow_nan=False).encode())
    except ValueError as error:
        raise TemplateSyntaxError(f"a literal is no JSON value: {error}", 0) from None


def _reason(error: Exception) -> str:
    # The library's own sentences hold the value, which may be secret or very long.
    if isinstance(error, JMESPathTypeError):
        expected = " or ".join(error.expected_types)
        return f"{error.function_name}() takes {expected}, and this is or holds {error.actual_type}"
    if isinstance(error, RecursionError):
        return "its value is nested too deeply"
    return str(error)[:_MAX_REASON]
