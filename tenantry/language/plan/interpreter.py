"""Evaluates JMESPath with a bound on the work an expression may do. `expressions` compiles for it.

An expression is somebody's text and its input somebody else's, and both count as hostile: in `[@,@]|[@,@]|…`
a value doubles at each bar, and comparing or writing what comes out takes time exponential in the length of
the text. So every visit of a node counts, and what takes time by the size of a value is paid by size.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from jmespath.functions import Functions, signature
from jmespath.visitor import Options, TreeInterpreter

from tenantry.language.values import JsonError, dump_json, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_STEPS: Final = 200_000
"""Nodes an evaluation may visit, a fraction of a second; large values count for several."""

BRIEF_STEPS: Final = 5_000
"""The same for an evaluation on an event loop, some 10 ms."""

_BYTES_PER_STEP: Final = 64
_ITEMS_PER_STEP: Final = 8
_EQUALITIES: Final = frozenset(("eq", "ne"))
_DEEP_FUNCTIONS: Final = frozenset(("contains", "to_string"))


class ExpressionError(ValueError):
    """An expression has no value for this input, or takes too much work."""


class WorkExceededError(ExpressionError):
    """An expression takes more work than it may."""


class StrictFunctions(Functions):
    """JMESPath's functions, with `to_number` reading JSON numbers, not everything Python takes for one."""

    @signature({"types": []})
    def _func_to_number(self, arg: Any) -> Any:
        if isinstance(arg, str):
            try:
                arg = parse_json(arg.encode())
            except JsonError:
                return None
        return arg if _is_number(arg) else None


FUNCTIONS: Final = StrictFunctions()


class Interpreter(TreeInterpreter):
    """One evaluation. Raises what the library raises, and `WorkExceededError` beyond so many steps."""

    def __init__(self, max_steps: int = MAX_STEPS) -> None:
        super().__init__(Options(custom_functions=FUNCTIONS))
        self._left = max_steps

    def visit(self, node: Any, value: Any = None) -> Any:
        """Visits a node, and pays for it and for the list it may have made."""
        self._left -= 1
        result = _VISITS[node["type"]](self, node, value)
        self._pay(len(result) // _ITEMS_PER_STEP if type(result) is list else 0)
        return result

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """Compares two values, paid by their size beforehand; order is of two numbers or two strings."""
        left, right = self.visit(node["children"][0], value), self.visit(node["children"][1], value)
        self._pay_size(left)
        self._pay_size(right)
        if node["value"] not in _EQUALITIES and not _are_ordered(left, right):
            return None
        return self.COMPARATOR_FUNC[node["value"]](left, right)

    def visit_literal(self, node: Any, value: Any) -> Any:
        """Gives a literal, paid by its size: an expression may give it once for each item of a list."""
        self._pay_size(node["value"])
        return super().visit_literal(node, value)

    def visit_multi_select_list(self, node: Any, value: Any) -> list[Any] | None:
        """Makes a list, paid by the size of its items: they may be the same value many times."""
        result = super().visit_multi_select_list(node, value)
        for item in result or ():
            self._pay_size(item)
        return result

    def visit_multi_select_dict(self, node: Any, value: Any) -> Any:
        """Makes an object, paid in the same way."""
        result = super().visit_multi_select_dict(node, value)
        for item in (result or {}).values():
            self._pay_size(item)
        return result

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        """Calls a function, paid by its arguments beforehand."""
        arguments = [self.visit(child, value) for child in node["children"]]
        self._pay_call(node["value"], arguments)
        result = FUNCTIONS.call_function(node["value"], arguments)
        if isinstance(result, float) and not math.isfinite(result):
            raise ExpressionError(f"{node['value']}() gives a number that overflows")
        return result

    def _pay_call(self, name: str, arguments: list[Any]) -> None:
        match name, arguments:
            case "join", [str() as separator, list() as texts]:
                self._pay(len(separator) * len(texts) // _BYTES_PER_STEP)
                self._pay_size(texts)
            case _ if name in _DEEP_FUNCTIONS:
                for argument in arguments:
                    self._pay_size(argument)
            case _:
                sized = [argument for argument in arguments if isinstance(argument, str | list | dict)]
                self._pay(sum(map(len, sized)) // _BYTES_PER_STEP)

    def _pay_size(self, value: Any) -> None:
        if type(value) is str:
            self._pay(len(value) // _BYTES_PER_STEP)
        elif type(value) is list or type(value) is dict:
            self._pay(len(dump_json(value)) // _BYTES_PER_STEP)

    def _pay(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise WorkExceededError("takes too much work for an input of this size")


def _are_ordered(left: Any, right: Any) -> bool:
    if isinstance(left, str):
        return isinstance(right, str)
    return _is_number(left) and _is_number(right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_VISITS: Final[dict[str, Callable[[Interpreter, Any, Any], Any]]] = {
    name.removeprefix("visit_"): getattr(Interpreter, name)
    for name in dir(Interpreter)
    if name.startswith("visit_")
}
