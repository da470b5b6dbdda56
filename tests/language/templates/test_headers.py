"""Templates in headers: no value gets a line break or another control character in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.templates import Scope, TemplateError, TemplateSyntaxError, compile_header


def test_a_header_is_text_with_values_as_they_are() -> None:
    header = compile_header("Bearer {{secrets.TOKEN}}\t{{input}}")

    assert header(Scope(input=["a b"], secrets={"TOKEN": "t%0a"})) == 'Bearer t%0a\t["a b"]'


@given(st.text())
def test_a_value_with_a_control_character_is_refused(value: str) -> None:
    header = compile_header("a {{input}}")
    is_control = any((character < " " and character != "\t") or character == "\x7f" for character in value)
    if not is_control:
        assert header(Scope(input=value)) == f"a {value}"
        return
    with pytest.raises(TemplateError, match="a header cannot hold") as caught:
        header(Scope(input=value))
    assert caught.value.path == "a {{input}}"


@pytest.mark.parametrize(
    ("text", "offset"), [("a\r\nb: c", 1), ("x {{input}}\n", 11), ("{{'\\n'}}", 0), ("\0", 0)]
)
def test_a_control_character_in_the_text_itself_is_refused_at_once(text: str, offset: int) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_header(text)
    assert caught.value.offset == offset


def test_a_line_break_inside_the_braces_is_only_space() -> None:
    assert compile_header("{{\n  input\n}}")(Scope(input="x")) == "x"
