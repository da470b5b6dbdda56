"""Templates in URLs: what values become there, and that none changes where the request goes."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given

from tenantry.language.templates import Scope, TemplateError, TemplateSyntaxError, compile_url
from tests.support.json_values import TEXTS


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h", "https://h"),
        ("https://h/", "https://h/"),
        ("http://h:8080/a/b?c=d&e", "http://h:8080/a/b?c=d&e"),
        ("HTTPS://[::1]:80/a", "HTTPS://[::1]:80/a"),
        ("https://h/users/{{input.id}}", "https://h/users/7"),
        ("https://h/{{input.path}}/x", "https://h/a%2Fb%20%C3%A9/x"),
        ("https://h/v{{input.id}}.json", "https://h/v7.json"),
        ("https://h/{{input.dots}}x", "https://h/..x"),
        ("https://h/a?q={{input.path}}", "https://h/a?q=a%2Fb%20%C3%A9"),
        ("https://h?q={{input.dots}}", "https://h?q=.."),
        ("https://h/{{input.id}}?a={{input.id}}&b=?", "https://h/7?a=7&b=?"),
        ("https://h/{{input.mark}}", "https://h/%3Fx%23y%26"),
        ("https://h/a b/é?x=ü", "https://h/a%20b/%C3%A9?x=%C3%BC"),
        ("https://h/100%/%41/%4", "https://h/100%25/%41/%254"),
        ("https://h/a//b/../{{input.id}}", "https://h/a//b/../7"),
        ("https://h/{{input.missing ?? 'none'}}", "https://h/none"),
    ],
)
def test_values_are_percent_encoded_where_they_stand(url: str, expected: str) -> None:
    scope = Scope(input={"id": 7, "path": "a/b é", "dots": "..", "mark": "?x#y&"})

    assert compile_url(url)(scope) == expected


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("https://h/{{input}}", ""),
        ("https://h/{{input}}", None),
        ("https://h/{{input}}", "."),
        ("https://h/{{input}}/x", ".."),
        ("https://h/.{{input}}", "."),
        ("https://h/%2e{{input}}", "."),
        ("https://h/%2E{{input}}?q", ""),
        ("https://h/{{input}}{{input}}", "."),
    ],
)
def test_a_value_that_makes_the_path_another_is_refused(url: str, value: object) -> None:
    with pytest.raises(TemplateError, match="another resource"):
        compile_url(url)(Scope(input=value))  # type: ignore[arg-type]  # the parameters are JSON


def test_a_value_cannot_finish_a_percent_escape() -> None:
    assert compile_url("https://h/%{{input}}")(Scope(input="2e")) == "https://h/%252e"
    assert compile_url("https://h/%2{{input}}")(Scope(input="f")) == "https://h/%252f"


@given(TEXTS, TEXTS)
def test_no_value_changes_the_structure_of_a_url(segment: str, query: str) -> None:
    url = compile_url("https://example.com:8443/users/{{input.segment}}/orders?q={{input.query}}&limit=1")
    try:
        sent = url(Scope(input={"segment": segment, "query": query}))
    except TemplateError:
        assert segment in {"", ".", ".."}
        return
    parts = urlsplit(sent)

    assert sent.isascii()
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "example.com:8443", "")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "users", segment, "orders"]
    assert [unquote(part) for part in parts.query.split("&")] == [f"q={query}", "limit=1"]


@pytest.mark.parametrize(
    ("url", "offset", "message"),
    [
        ("", 0, "begins with http"),
        ("{{input.url}}", 0, "begins with http"),
        ("/users", 0, "begins with http"),
        ("ftp://h/", 0, "begins with http"),
        ("http{{input.s}}://h/", 0, "begins with http"),
        ("https://{{input.host}}/", 8, "the host is literal"),
        ("https://h{{input.x}}/", 9, "the host is literal"),
        ("https://h:{{input.port}}/", 10, "the host is literal"),
        ("https:///x", 8, "expected a host"),
        ("https://user:pass@h/", 8, "expected a host"),
        ("https://h:99999/", 8, "expected a host"),
        ("https://h\\@evil/", 8, "expected a host"),
        ("https://h\n/", 8, "expected a host"),
        ("https://h/a#b", 11, "a fragment is never sent"),
        ("https://h#b", 9, "a fragment is never sent"),
        ("https://h/{{inptu.x}}", 12, "a path begins with"),
    ],
)
def test_a_url_that_is_none_or_leaves_the_host_open_is_refused(url: str, offset: int, message: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_url(url)

    assert message in caught.value.message
    assert caught.value.offset == offset
