"""The templates and conditions of one document, each text parsed once: the graph and the types both ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.templates.conditions import Condition, parse_condition
from tenantry.language.templates.errors import TemplateSyntaxError
from tenantry.language.templates.parser import parse_template, scan, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.templates.model import Reference, Template
    from tenantry.language.templates.parser import Scan
    from tenantry.language.values import Json


class Texts:
    """What the texts of a document say."""

    def __init__(self) -> None:
        self._templates: dict[str, Template | Scan] = {}
        self._conditions: dict[str, Condition | TemplateSyntaxError] = {}

    def template(self, text: str) -> Template | Scan:
        """The template that a text is, or what there is in one with mistakes."""
        if text not in self._templates:
            try:
                self._templates[text] = parse_template(text)
            except TemplateSyntaxError:
                self._templates[text] = scan(text)
        return self._templates[text]

    def condition(self, text: str) -> Condition | TemplateSyntaxError:
        """The condition that a text is, or its first mistake."""
        if text not in self._conditions:
            try:
                self._conditions[text] = parse_condition(text)
            except TemplateSyntaxError as error:
                self._conditions[text] = error
        return self._conditions[text]

    def references(self, value: Json, pointer: str) -> Iterator[tuple[str, Reference]]:
        """Every reference in a value, with the JSON pointer of the string it stands in."""
        for place, text in texts(value, pointer):
            if "{{" in text:
                template = self.template(text)
                found = (
                    (reference for _, reference in template.references)
                    if isinstance(template, tuple)
                    else template.references
                )
                yield from ((place, reference) for reference in found)

    def condition_references(self, text: str, pointer: str) -> Iterator[tuple[str, Reference]]:
        """Every reference in a condition, with the JSON pointer it stands at."""
        condition = self.condition(text)
        if isinstance(condition, Condition):
            yield from ((pointer, reference) for reference in condition.references)
