"""Loops: what is gone through, what an item is, and what is known of the whole once all items are done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.language.codes import Code
from tenantry.language.findings import Severity
from tenantry.language.schemas.structure import inline
from tenantry.language.schemas.subtyping import Refuted
from tenantry.language.schemas.untyped import UNTYPED, is_untyped
from tenantry.language.validation.inference import infer, object_schema
from tenantry.language.validation.kinds import kinds_of, nullable, union, values_of
from tenantry.language.validation.readable import Loop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.documents.model import ForEach
    from tenantry.language.validation.references import References

_LIST: Final[dict[str, Any]] = {"type": "array"}
_TEXT: Final[dict[str, Any]] = {"type": "string"}


def enter_loop(loop: ForEach, pointer: str, around: References, max_depth: int) -> References:
    """Checks a loop.

    Args:
        loop: the loop.
        pointer: of its `forEach`.
        around: follows references outside of it.
        max_depth: loops inside loops.

    Returns:
        What follows references for each item.
    """
    items = infer(loop.items, f"{pointer}/items", around)
    _check_list(items, f"{pointer}/items", around)
    report, loops = around.report, around.readable.loops
    if any(other.name == loop.item_var for other in loops):
        message = f'the loop calls its item "{loop.item_var}", like a loop around it'
        place = f"{pointer}/itemVar" if "item_var" in loop.model_fields_set else pointer
        hint = "give one of them another itemVar"
        report.add(Code.SHADOWED_ITEM, message, place, suggestion=hint, severity=Severity.WARNING)
    if len(loops) == max_depth:
        message = f"this is loop {max_depth + 1} inside loops, and there may be {max_depth}"
        hint = "move the inner loops into a workflow of their own"
        report.add(Code.LOOP_DEPTH, message, pointer, suggestion=hint)
    return around.at(around.readable.of_item(Loop(loop.item_var, item_of(items))))


def outputs_of(item: Any, loop: ForEach) -> Any:
    """The schema of the outputs of a loop's items."""
    return {"type": "array", "items": inline(item, item), "maxItems": loop.max_items}


def results_of(item: Any, loop: ForEach) -> Any:
    """The schema of `tasks.<id>.forEach`."""
    count = {"type": "integer", "minimum": 0, "maximum": loop.max_items}
    item = inline(item, item)
    result = object_schema(
        {
            "index": {"type": "integer", "minimum": 0},
            "status": {"enum": ["completed", "skipped", "failed"]},
            "output": nullable(item),
            "error": object_schema({"code": _TEXT, "message": _TEXT}),
        }
    )
    result["required"] = ["index", "status", "output"]
    return object_schema(
        {
            "outputs": outputs_of(item, loop),
            "itemCount": count,
            "successCount": count,
            "failureCount": count,
            "itemResults": {"type": "array", "items": result, "maxItems": loop.max_items},
        }
    )


def item_of(schema: Any) -> Any:
    """The schema of an item of a list."""
    values = values_of(schema)
    if values is not None:
        items = [{"const": item} for value in values if isinstance(value, list) for item in value]
        return union(items) if items else UNTYPED
    known = [part for part in _items(schema) if not is_untyped(part)] if isinstance(schema, dict) else []
    if not known:
        return UNTYPED
    return known[0] if len(known) == 1 else {"allOf": known}


def _items(schema: dict[str, Any]) -> Iterator[Any]:
    """What the keywords of a schema say of every item, one by one."""
    if "items" in schema or "prefixItems" in schema:
        rest = schema.get("items", UNTYPED)
        parts = [*schema.get("prefixItems", ()), *([] if rest is False else [rest])]
        if parts:
            yield union(parts)
    for keyword in ("anyOf", "oneOf"):
        members = [item_of(member) for member in schema.get(keyword, ()) if "array" in kinds_of(member)]
        if members:
            yield union(members)
    yield from (item_of(member) for member in schema.get("allOf", ()))


def _check_list(items: Any, pointer: str, references: References) -> None:
    verdict = references.comparisons.compare(items, _LIST)
    if isinstance(verdict, Refuted) and not is_untyped(items):
        value = verdict.counterexample
        others = kinds_of(items) - {"array"}
        hint = "give a default with ?? []" if others == {"null"} else ""
        message = f"what is gone through must be a list, and this may be {' or '.join(sorted(others))}"
        references.report.add(Code.ITEMS_TYPE, message, pointer, suggestion=hint, counterexample=value)
