"""A cursor over a text: reads the paths and literals that templates and conditions are parsed from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from tenantry.language.templates.errors import TemplateSyntaxError
from tenantry.language.templates.model import NAME, STEP, Reference
from tenantry.language.templates.roots import check_shape
from tenantry.language.values import MAX_DEPTH, Json, JsonError, parse_json

_SPACE: Final = re.compile(r"\s*")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING: Final = re.compile(r"'[^'\\]*+(?:\\.[^'\\]*+)*+'|\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\"", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}


@dataclass(slots=True)
class Cursor:
    """A place in a text that moves forward.

    Attributes:
        text: what is read.
        at: how many characters of it are read.
    """

    text: str
    at: int = 0

    def fail(self, message: str, at: int | None = None, suggestion: str = "") -> NoReturn:
        """Refuses the text here, or at the given place."""
        raise TemplateSyntaxError(message, self.at if at is None else at, suggestion)

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """What the pattern matches here, or nothing; the cursor stays."""
        match = pattern.match(self.text, self.at)
        return match.group() if match else None

    def skip_space(self) -> None:
        """Moves over white space."""
        self.at += len(self.match(_SPACE) or "")

    def take(self, token: str) -> bool:
        """Moves over the token if it stands here."""
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def expect(self, token: str, purpose: str) -> None:
        """Moves over the token, which must stand here."""
        if not self.take(token):
            self.fail(f"expected '{token}' {purpose}")

    def read_reference(self) -> Reference:
        """Reads a template whose `{{` is behind the cursor, its `}}` included."""
        self.skip_space()
        start = self.at
        root = self._read_name("a path")
        path, places = self._read_steps()
        length = self.at - start
        check_shape(root, path, [start, *places])
        self.skip_space()
        if not self.take("??"):
            self._close()
            return Reference(root=root, path=path, offset=start, length=length)
        self.skip_space()
        default = self.read_literal()
        self._close()
        return Reference(root=root, path=path, default=default, offset=start, length=length)

    def read_text_literal(self) -> str | None:
        """Reads a string and its `}}` if one stands here, behind a `{{`: how a text says `{{` itself."""
        start = self.at
        self.skip_space()
        if self.text[self.at : self.at + 1] not in {"'", '"'}:
            self.at = start
            return None
        text = self._read_string()
        self._close()
        return text

    def read_literal(self, depth: int = 0) -> Json:
        """Reads a JSON value; strings may be in single quotes."""
        if depth > MAX_DEPTH:
            self.fail(f"a literal nested deeper than {MAX_DEPTH} levels")
        match self.text[self.at : self.at + 1]:
            case "'" | '"':
                return self._read_string()
            case "[":
                return self._read_list(depth)
            case "{":
                return self._read_object(depth)
        if number := self.match(_NUMBER):
            return self._read_number(number)
        word = self.match(NAME) or ""
        if word not in _WORDS:
            found = f", not '{word}'; a path stands in {{{{ }}}}" if word else ""
            self.fail(f"expected a text in quotes, a number, true, false, null, a list or an object{found}")
        self.at += len(word)
        return _WORDS[word]

    def _close(self) -> None:
        self.skip_space()
        self.expect("}}", "to close the template")

    def _read_name(self, purpose: str, pattern: re.Pattern[str] = NAME) -> str:
        name = self.match(pattern)
        if name is None:
            self.fail(f"expected {purpose}: a name of letters, digits, '_' and '-', beginning with a letter")
        self.at += len(name)
        return name

    def _read_steps(self) -> tuple[tuple[str | int, ...], list[int]]:
        steps: list[str | int] = []
        places: list[int] = []
        while True:
            place = self.at
            if self.take("."):
                place = self.at
                steps.append(self._read_name("a field after '.'", STEP))
            elif self.take("["):
                steps.append(self._read_key())
                self.expect("]", "after the key")
            else:
                return tuple(steps), places
            places.append(place)

    def _read_key(self) -> str | int:
        if self.text[self.at : self.at + 1] in {"'", '"'}:
            return self._read_string()
        index = self.match(_INDEX)
        if index is None:
            self.fail("expected a field in quotes or an index from 0, such as ['name'] or [0]")
        self.at += len(index)
        return int(index)

    def _read_string(self) -> str:
        literal = self.match(_STRING)
        if literal is None:
            self.fail("the string is not closed")
        body = literal[1:-1]
        for escape in _ESCAPE.finditer(body):
            if escape[1] not in _ESCAPES:
                self.fail(
                    "unknown escape; a string knows \\\\ \\' \\\" \\n \\r \\t", self.at + 1 + escape.start()
                )
        self.at += len(literal)
        return _ESCAPE.sub(lambda escape: _ESCAPES[escape[1]], body)

    def _read_number(self, number: str) -> Json:
        try:
            value = parse_json(number.encode())
        except JsonError as error:
            self.fail(error.reason)
        self.at += len(number)
        return value

    def _read_list(self, depth: int) -> list[Json]:
        self.at += 1
        items: list[Json] = []
        self.skip_space()
        while not self.take("]"):
            if items:
                self.expect(",", "or ']' in the list")
                self.skip_space()
            items.append(self.read_literal(depth + 1))
            self.skip_space()
        return items

    def _read_object(self, depth: int) -> dict[str, Json]:
        self.at += 1
        fields: dict[str, Json] = {}
        self.skip_space()
        while not self.take("}"):
            if fields:
                self.expect(",", "or '}' in the object")
                self.skip_space()
            if self.text[self.at : self.at + 1] not in {"'", '"'}:
                self.fail("expected a field in quotes")
            key = self._read_string()
            self.skip_space()
            self.expect(":", "after the field")
            self.skip_space()
            fields[key] = self.read_literal(depth + 1)
            self.skip_space()
        return fields
