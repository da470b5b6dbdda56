"""Dry runs: what a plan would do with an input, as far as it can be known without calling anything. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tenantry.language.plan.model import HttpRequestPlan
from tenantry.language.templates import Scope, TemplateError, parse_template
from tenantry.language.templates.model import Reference
from tenantry.language.templates.paths import compile_reference
from tenantry.language.templates.rendering import MAX_RENDERED, render
from tenantry.language.values import Json, dump_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.documents.model import HttpRequest
    from tenantry.language.plan.model import Plan, StepPlan

MASK: Final = "***"

_SECRET_HEADERS: Final = frozenset(("authorization", "cookie", "proxy-authorization", "x-api-key"))
_UNKNOWN_ROOTS: Final = frozenset(("execution", "tasks"))


def preview(plan: Plan, value: Json, *, tenant: str) -> dict[str, Any]:
    """What an execution of the plan would do.

    Args:
        plan: the compiled workflow.
        value: the input, already valid.
        tenant: name of the tenant.

    Returns:
        A JSON object: `steps`, each with `id`, `task`, `type`, `group` (number of its wave, from 0),
        `dependencies`, `condition`, `input` and, for HTTP, `request` (`method`, `url`, `headers`, `query`,
        `body`); `edges` between steps, `groups` of ids that may run together, and `order`. What cannot be
        known yet is shown as the template it is written as, and secrets as `***`.
    """
    group_of = {step: number for number, group in enumerate(plan.groups) for step in group}
    resolver = _Resolver(Scope(input=value, workflow_name=plan.workflow, tenant_name=tenant), _Budget())
    return {
        "steps": [_plain(_preview_step(plan, step, group_of[step.id], resolver)) for step in plan.steps],
        "edges": [
            {"from": plan.steps[before].id, "to": step.id}
            for step in plan.steps
            for before in step.dependencies
        ],
        "groups": [list(group) for group in plan.groups],
        "order": [step for group in plan.groups for step in group],
    }


class _Shown(str):
    """A text that stands for a value that is not known or is secret: shown as it is, encoded nowhere."""

    __slots__ = ()


def _plain(value: Any) -> Any:
    """The value with every shown text as an ordinary one: encoders take no subclass of `str`."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, _Shown) else value


@dataclass(slots=True)
class _Budget:
    """How many bytes of values the preview still shows; beyond that it shows templates."""

    left: int = MAX_RENDERED


def _preview_step(plan: Plan, step: StepPlan, group: int, resolver: _Resolver) -> dict[str, Any]:
    given = resolver.resolve(step.input)
    action = step.task.action
    shown: dict[str, Any] = {
        "id": step.id,
        "task": step.task.name,
        "type": "http" if isinstance(action, HttpRequestPlan) else "transform",
        "group": group,
        "dependencies": [plan.steps[before].id for before in step.dependencies],
        "condition": step.condition_text or None,
        "input": given,
    }
    if isinstance(action, HttpRequestPlan) and action.source is not None:
        shown["request"] = resolver.inside(given).request(action.source)
    return shown


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Evaluates templates one by one, and shows those that have no value as they are written."""

    scope: Scope
    budget: _Budget

    def inside(self, given: Json) -> _Resolver:
        """The resolver of a task's own request, whose input is the step's."""
        scope = Scope(input=given, workflow_name=self.scope.workflow_name, tenant_name=self.scope.tenant_name)
        return _Resolver(scope, self.budget)

    def request(self, source: HttpRequest) -> dict[str, Any]:
        """The request as it would be sent."""
        return {
            "method": source.method,
            "url": self._text(source.url, lambda text: quote(text, safe="")),
            "headers": {
                name: MASK if name.lower() in _SECRET_HEADERS else self._text(value)
                for name, value in source.headers.items()
            },
            "query": {name: self.resolve(value) for name, value in source.query.items()},
            "body": self.resolve(source.body),
        }

    def resolve(self, value: Json) -> Json:
        """The value with what is known of its templates."""
        if isinstance(value, str):
            whole = parse_template(value).whole
            return self._value(whole) if whole else self._text(value)
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if isinstance(value, dict):
            return {name: self.resolve(item) for name, item in value.items()}
        return value

    def _text(self, text: str, encode: Callable[[str], str] = str) -> str:
        """A text with what is known of its templates: shown, as a whole, as soon as one of them is."""
        shown = [self._part(part, encode) for part in parse_template(text).parts]
        joined = "".join(shown)
        return _Shown(joined) if any(isinstance(part, _Shown) for part in shown) else joined

    def _part(self, part: str | Reference, encode: Callable[[str], str]) -> str:
        if isinstance(part, str):
            return part
        value = self._value(part)
        return value if isinstance(value, _Shown) else encode(render(value))

    def _value(self, reference: Reference) -> Json:
        if reference.root == "secrets":
            return _Shown(MASK)
        if reference.root in _UNKNOWN_ROOTS or self._passes_shown(reference):
            return _Shown(reference)
        try:
            value = compile_reference(reference)(self.scope)
        except TemplateError:
            return _Shown(reference)
        self.budget.left -= len(dump_json(value))
        return value if self.budget.left >= 0 else _Shown(reference)

    def _passes_shown(self, reference: Reference) -> bool:
        """Whether the path goes on behind something that is only shown: even a default is not known then."""
        if reference.root != "input":
            return False
        prefixes = (reference.path[:end] for end in range(len(reference.path)))
        values = (compile_reference(Reference(root="input", path=path, default=None)) for path in prefixes)
        return any(isinstance(read(self.scope), _Shown) for read in values)
