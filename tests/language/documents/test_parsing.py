from __future__ import annotations

from typing import Any

import pytest

from tenantry.language.codes import Code
from tenantry.language.documents.document import Document
from tenantry.language.documents.parsing import MAX_DOCUMENTS, load_document, parse_documents
from tenantry.language.findings import Position

ENVELOPE = "apiVersion: workflow.io/v1\nkind: Workflow\nmetadata: {name: w}\n"


def spec_of(text: str) -> Any:
    parsed = parse_documents(ENVELOPE + "spec:\n" + text)
    assert parsed.findings == ()
    return parsed.documents[0].raw["spec"]


def finding_of(text: str) -> tuple[str, str, Position | None]:
    (finding,) = parse_documents(text).findings
    return finding.code, finding.message, finding.position


def test_a_document_carries_its_kind_name_and_content() -> None:
    parsed = parse_documents(ENVELOPE + "spec: {tasks: []}", "flows/w.yaml")

    (document,) = parsed.documents
    assert parsed.findings == ()
    assert (document.kind, document.name, document.source) == ("Workflow", "w", "flows/w.yaml")
    assert document.label == "Workflow/w"
    assert document.raw == {
        "apiVersion": "workflow.io/v1",
        "kind": "Workflow",
        "metadata": {"name": "w"},
        "spec": {"tasks": []},
    }


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("-17", -17),
        ("+3", 3),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("-.5e1", -5.0),
        ("1e3", 1000.0),
        ("1.", 1.0),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("NO", "NO"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("-", None),
        ("0b1", "0b1"),
        ("1.2.3", "1.2.3"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 1", "1"),
        ("! 1", "1"),
        ("5m", "5m"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, value: object) -> None:
    expected = [None] if written == "-" else value
    assert spec_of(f"  a: {written}\n" if written != "-" else "  a:\n  -\n")["a"] == expected


def test_a_merge_key_is_a_key_like_any_other() -> None:
    assert spec_of("  base: &base {a: 1}\n  other: {<<: *base, b: 2}\n")["other"] == {"<<": {"a": 1}, "b": 2}


def test_an_alias_gives_the_value_of_its_anchor() -> None:
    assert spec_of("  a: &x [1, {b: 2}]\n  c: *x\n  &k d: *k\n") == {
        "a": [1, {"b": 2}],
        "c": [1, {"b": 2}],
        "d": "d",
    }


def test_tags_of_mappings_and_lists_are_taken() -> None:
    assert spec_of("  a: !!map {b: 1}\n  c: !!seq [1]\n") == {"a": {"b": 1}, "c": [1]}


def test_json_is_read_by_its_own_rules() -> None:
    text = (
        '{\n\t"apiVersion": "workflow.io\\/v1", "kind": "Workflow",'
        '\n\t"spec": {"a": "\\ud83d\\ude00", "n": [-1.5e2, null, true]}}'
    )
    (document,) = parse_documents(text).documents

    assert document.raw["apiVersion"] == "workflow.io/v1"
    assert document.raw["spec"] == {"a": "\U0001f600", "n": [-150.0, None, True]}
    assert document.locate("/spec/n/2") == Position(line=3, column=52)


def test_a_mapping_in_braces_that_is_no_json_is_yaml() -> None:
    (document,) = parse_documents("{kind: Workflow, metadata: {name: a}}").documents

    assert document.name == "a"


def test_a_byte_order_mark_is_ignored() -> None:
    (document,) = parse_documents("\ufeffkind: Workflow").documents

    assert document.locate("/kind") == Position(line=1, column=7)


def test_several_documents_stand_in_one_text_and_empty_ones_do_not_count() -> None:
    parsed = parse_documents("---\nkind: Workflow\n---\n---\n# nothing\n---\nkind: WorkflowTask\n...\n")

    assert [document.kind for document in parsed.documents] == ["Workflow", "WorkflowTask"]
    assert parsed.findings == ()


def test_a_document_that_is_no_yaml_does_not_hide_the_ones_after_it() -> None:
    parsed = parse_documents(
        "kind: Workflow\n---\na: [1\n---\nkind: WorkflowTask\n---\n\tx\n---\nkind: Workfow\n"
    )

    assert [document.kind for document in parsed.documents] == ["Workflow", "WorkflowTask"]
    assert [(str(f.code), f.position and f.position.line) for f in parsed.findings] == [
        ("WF001", 4),
        ("WF001", 7),
        ("WF013", 9),
    ]


def test_an_anchor_of_one_document_is_unknown_in_the_next() -> None:
    code, message, position = finding_of("kind: Workflow\na: &x 1\n---\nkind: Workflow\nb: *x\n")

    assert code == Code.SYNTAX
    assert message == "there is no anchor &x before *x"
    assert position == Position(line=5, column=4)


@pytest.mark.parametrize(
    ("text", "code", "message", "line", "column"),
    [
        ("", "WF012", "the text holds no document", 1, 1),
        ("# only a comment\n", "WF012", "the text holds no document", 1, 1),
        ("- a\n", "WF012", "a document is a mapping with apiVersion, kind, metadata and spec", 1, 1),
        ("just text", "WF012", "a document is a mapping with apiVersion, kind, metadata and spec", 1, 1),
        ("spec: {}", "WF013", 'the document has no "kind"', 1, 1),
        ("kind: [a]", "WF013", "the kind must be text", 1, 7),
        ("kind: workflow", "WF013", 'there is no kind "workflow"', 1, 7),
        ("kind: Workflow\na: 1\nb: 2\na: 3\n", "WF006", 'the key "a" is already given on line 2', 4, 1),
        ('{"kind": "Workflow", "a": 1, "a": 2}', "WF006", 'the key "a" is already given on line 1', 1, 30),
        ("kind: Workflow\n404: a\n", "WF007", "the key 404 is not text", 2, 1),
        ("kind: Workflow\ntrue: a\n", "WF007", "the key true is not text", 2, 1),
        ("kind: Workflow\n1: a\n", "WF007", "the key 1 is not text", 2, 1),
        ("kind: Workflow\n~: a\n", "WF007", "the key null is not text", 2, 1),
        ("kind: Workflow\n? [a, b]\n: c\n", "WF007", "a key must be text, not a collection", 2, 3),
        ("kind: Workflow\na: .nan\n", "WF009", "the number .nan is not a finite number", 2, 4),
        ("kind: Workflow\na: -.inf\n", "WF009", "the number -.inf is not a finite number", 2, 4),
        ("kind: Workflow\na: 1e999\n", "WF009", "the number 1e999 overflows a double", 2, 4),
        (
            "kind: Workflow\na: 9223372036854775808\n",
            "WF009",
            "the number 9223372036854775808 does not fit in 64 bits",
            2,
            4,
        ),
        (
            '{"kind": "Workflow", "a": -9223372036854775809}',
            "WF009",
            "the number -9223372036854775809 does not fit in 64 bits",
            1,
            27,
        ),
        (
            "kind: Workflow\na: " + "9" * 5000,
            "WF009",
            "the number " + "9" * 40 + "… does not fit in 64 bits",
            2,
            4,
        ),
        (
            "kind: Workflow\na: 0." + "9" * 5000,
            "WF009",
            "the number 0." + "9" * 38 + "… overflows a double",
            2,
            4,
        ),
        ('kind: Workflow\na: "x\\0"', "WF010", "this text holds U+0000, which cannot be stored", 2, 4),
        (
            'kind: Workflow\na: "\\ud800"',
            "WF010",
            "this text holds the lone surrogate U+D800, which cannot be stored",
            2,
            4,
        ),
        ("kind: Workflow\na: x\0y", "WF010", "the text holds U+0000, which cannot be stored", 2, 5),
        ("kind: Workflow\na: \x07", "WF001", "the character U+0007 is not allowed in YAML", 2, 4),
        (
            "kind: Workflow\na: !!python/name:os.system x",
            "WF011",
            "the tag !!python/name:os.system is not supported",
            2,
            4,
        ),
        ("kind: Workflow\na: !!set {b}", "WF011", "the tag !!set is not supported", 2, 4),
        ("kind: Workflow\na: !!binary aGk=", "WF011", "the tag !!binary is not supported", 2, 4),
        ("kind: Workflow\na: !local [x]", "WF011", "the tag !local is not supported", 2, 4),
        ("kind: Workflow\na: &x [*x]", "WF005", "*x stands inside &x: the value never ends", 2, 8),
        ("kind: Workflow\na: *x", "WF001", "there is no anchor &x before *x", 2, 4),
        ("kind: Workflow\na: {{input.x}}\n", "WF008", "YAML reads an unquoted {{ as a mapping", 2, 4),
        ("kind: Workflow\na: {{input.x}} and\n", "WF008", "YAML reads an unquoted {{ as a mapping", 2, 4),
        ("kind: Workflow\na: {u: x/{{input.x}}}\n", "WF008", "YAML reads an unquoted {{ as a mapping", 2, 10),
        ("kind: Workflow\na:\n  - {{input.x[0]}}\n", "WF008", "YAML reads an unquoted {{ as a mapping", 3, 5),
        (
            "kind: Workflow\nmetadata: {name: a}\n---\nkind: Workflow\nmetadata: {name: a}\n",
            "WF014",
            "Workflow/a is already in this text",
            4,
            1,
        ),
    ],
)
def test_what_cannot_be_taken_is_named_with_its_place(
    text: str, code: str, message: str, line: int, column: int
) -> None:
    assert finding_of(text) == (code, message, Position(line=line, column=column))


_INDENTATION = "check the indentation: the entries of one mapping or list start in one column"


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("a:\n\tb: 1", "indent with spaces, not with tabs"),
        ("a: b: c", 'quote a value that holds ": ", or check the indentation'),
        ("a: [1, 2", "close the bracket, or separate the entries with commas"),
        ("a: @b", "quote a value that begins with @"),
        ("a: `b`", "quote a value that begins with a backtick"),
        ("a: %b", "quote a value that begins with %"),
        ('a: "b', "close the quote"),
        ('a: "\\q"', "double quotes read a backslash as an escape: write two, or use single quotes"),
        ("a: * b", "quote a value that begins with *"),
        ("a: 1\n b: 2", 'quote a value that holds ": ", or check the indentation'),
        ("a:\n  - 1\n b: 2", _INDENTATION),
        ("a: 1\nb\nc: 2", 'a key is followed by ":" and a space'),
        ("kind: Workfow", 'did you mean "Workflow"?'),
        ("kind: Pod", "known here: Workflow, WorkflowTask, WorkflowTenant"),
        ("a: 'b' c", "put the whole value in quotes"),
        ("a: - b", 'begin the list on a line of its own, or quote a value that begins with "- "'),
        ("a: & b", "quote a value that begins with &"),
        ("a: |9x\n b", "after | or > stand at most a digit and + or -, then a new line"),
        ('a: "\\xg"', "write all digits of the character's number: \\x41, \\u0041, \\U00000041"),
        ('a: "\\U99999999"', "write the character itself"),
        ("a: !x!y z", "remove it"),
        ("%YAML 1.3\n--- a", "remove the directive"),
        ("%YAMLX\n--- a", "remove it"),
        ("a: [:b]", "quote it, or close what was opened before"),
        ("a: [b:]", "put the whole value in quotes"),
        ("- a\nb: 1", _INDENTATION),
        ("{a: b} c", f"{_INDENTATION}; documents are separated by ---"),
        ("a:\n  - [?b]", "quote a value that begins with ?"),
        ("a: b\u2028c", 'write it in double quotes as "\\u2028"'),
        ("%TAG !a! b\n" * 101 + "--- c", "remove them"),
        ("a: {{x}} y", 'put the whole value in quotes: "{{...}}"'),
        ("a: 99999999999999999999", "quote it to keep it as text"),
        ("a: b\x01c", "remove or escape it"),
        ('a: "\\ud800"', "remove it"),
        ("kind: Workflow\n?\n: 1", "write the key before the colon"),
    ],
)
def test_a_broken_text_says_what_to_do(text: str, suggestion: str) -> None:
    assert suggestion in [finding.suggestion for finding in parse_documents(text).findings]


def test_an_unquoted_template_is_read_as_if_it_were_quoted_so_that_nothing_follows_from_it() -> None:
    (document,) = parse_documents("kind: Workflow\na: {{ input.x ?? 'y' }}\nb: 2").documents

    assert document.raw["a"] == "{{ input.x ?? 'y' }}"
    assert document.raw["b"] == 2


def test_the_first_of_two_values_for_a_key_is_kept() -> None:
    (document,) = parse_documents("kind: Workflow\na: {b: 1}\na: {c: 2}\nd: 3").documents

    assert document.raw == {"kind": "Workflow", "a": {"b": 1}, "d": 3}


def test_all_mistakes_of_a_text_are_found_at_once() -> None:
    parsed = parse_documents("kind: Workflow\na: 1\na: 2\nb: .inf\n1: x\nc: !!set {}\n")

    assert [str(finding.code) for finding in parsed.findings] == ["WF006", "WF009", "WF007", "WF011"]


def test_a_text_over_one_mebibyte_is_refused_by_its_bytes() -> None:
    fits = "kind: Workflow\n#" + "é" * (512 * 1024 - 8)
    assert parse_documents(fits).findings == ()
    assert finding_of(fits + "é")[0] == Code.TOO_LARGE


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", '{"a":'])
def test_nesting_is_bounded(opening: str) -> None:
    code, _, position = finding_of("kind: Workflow\na:\n  " + opening * 5000)

    assert code == Code.TOO_DEEP
    assert position is not None
    assert position.line == 3


def test_sixty_four_levels_are_taken_and_one_more_is_not() -> None:
    assert parse_documents("kind: Workflow\na: " + "[" * 63 + "]" * 63).findings == ()
    assert finding_of("kind: Workflow\na: " + "[" * 64 + "]" * 64)[0] == Code.TOO_DEEP
    deep_json = '{"kind": "Workflow", "a": ' + "[" * 64 + "]" * 64 + "}"
    assert finding_of(deep_json)[0] == Code.TOO_DEEP


def test_aliases_do_not_nest_deeper_either() -> None:
    text = "kind: Workflow\na: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 30 + "*a" + "]" * 30

    assert finding_of(text)[0] == Code.TOO_DEEP


def test_a_billion_laughs_are_refused() -> None:
    laughs = ["kind: Workflow", "l0: &l0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    laughs += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]

    code, message, _ = finding_of("\n".join(laughs))

    assert code == Code.ALIAS_EXPANSION
    assert message == "the document holds more than 2 MiB when its aliases are written out"


def test_a_document_of_too_many_values_is_refused_for_what_it_is() -> None:
    text = '{"kind": "Workflow", "a": [' + ",".join(["1"] * 150_000) + "]}"

    code, message, _ = finding_of(text)

    assert code == Code.TOO_LARGE
    assert message == (
        "the document holds too many values: more than 2 MiB, each counted as 16 bytes and its text"
    )


def test_the_keys_and_values_of_a_text_are_bounded_whatever_its_documents() -> None:
    text = ("kind: Workflow\na: [" + "1, " * 1000 + "1]\n---\n") * 160

    parsed = parse_documents(text)

    assert [finding.message for finding in parsed.findings] == [
        "the text holds more than 150,000 keys and values"
    ]
    assert len(parsed.documents) == 149


def test_a_value_without_a_key_is_refused() -> None:
    assert finding_of("kind: Workflow\n?\n: 1")[1] == "a value stands here without a key"


def test_one_long_text_repeated_by_aliases_is_refused_as_well() -> None:
    text = "kind: Workflow\na: &a " + "x" * 100_000 + "\nb: [" + ", ".join(["*a"] * 50) + "]"

    assert finding_of(text)[0] == Code.ALIAS_EXPANSION


def test_the_number_of_documents_is_bounded() -> None:
    fits = "---\nkind: Workflow\n" * MAX_DOCUMENTS
    assert parse_documents(fits).findings == ()

    parsed = parse_documents(fits + "---\nkind: Workflow\n---\nkind: Workflow\n")
    assert len(parsed.documents) == MAX_DOCUMENTS
    assert [finding.code for finding in parsed.findings] == [Code.TOO_MANY_DOCUMENTS]


def test_a_text_of_nothing_but_mistakes_gives_a_bounded_number_of_findings() -> None:
    assert len(parse_documents("---\n[\n" * 10_000).findings) == 10
    findings = parse_documents("kind: Workflow\n" + "a: 1\n" * 10_000).findings
    assert len(findings) == 101
    assert (findings[-1].code, findings[-1].message) == (
        "WF016",
        "at least 1,000 more findings are not listed",
    )


def test_a_message_is_short_whatever_it_is_about() -> None:
    (finding,) = parse_documents("kind: Workflow\na: *" + "x" * 100_000).findings

    assert finding.message == "there is no anchor &" + "x" * 379 + "…"


def test_documents_without_a_name_are_not_duplicates() -> None:
    assert parse_documents("kind: Workflow\n---\nkind: Workflow\n").findings == ()


@pytest.mark.parametrize("metadata", [None, [], {"name": 5}, {}])
def test_a_document_whose_name_is_no_text_has_an_empty_one(metadata: object) -> None:
    assert load_document({"kind": "Workflow", "metadata": metadata}).name == ""


def test_a_document_from_json_has_no_positions() -> None:
    document = load_document({"kind": "Workflow", "metadata": {"name": "w"}}, "stored")

    assert document == Document(kind="Workflow", name="w", raw=document.raw, source="stored")
    assert document.locate("/metadata/name") is None
    assert document.locate_key("/metadata") is None


@pytest.mark.parametrize(
    ("kind", "metadata", "name"),
    [
        ("Workflow", {"name": "invoice", "namespace": "billing"}, "billing/invoice"),
        ("Workflow", {"name": "invoice"}, "invoice"),
        ("Workflow", {"name": "invoice", "namespace": 7}, "invoice"),
        ("Workflow", {"namespace": "billing"}, ""),
        ("Workflow", {"name": 7, "namespace": "billing"}, ""),
        ("WorkflowTask", {"name": "send", "namespace": "billing"}, "send"),
    ],
)
def test_a_workflow_is_called_by_its_namespace_and_name(
    kind: str, metadata: dict[str, Any], name: str
) -> None:
    assert load_document({"kind": kind, "metadata": metadata}).name == name
