"""WF0xx: a text that is no document, or more than one should be."""

from __future__ import annotations

from typing import Final

from tenantry.language.codes import Code
from tenantry.language.validation.catalogue.entry import Entry, Frame

TEXTS: Final = {
    Code.SYNTAX: Entry(
        title="The text is neither YAML nor JSON",
        cause=(
            "From the place named on, the text follows the grammar of neither. The documents after "
            "the next `---` are read all the same."
        ),
        fix=(
            "Mostly an indentation that is off by one, a bracket or quote that is not closed, or a "
            "value that holds `: ` and needs quotes."
        ),
        example="""
            apiVersion: workflow.io/v1
            kind: Workflow
            metadata: {name: example
            """,
        frame=Frame.TEXT,
    ),
    Code.TOO_LARGE: Entry(
        title="A text or a document is too large",
        cause=(
            "A text may have 1 MiB, and a document 2 MiB, each value counted as 16 bytes and its text. "
            "Definitions are kept, signed and sent whole; larger ones are almost always data in the "
            "wrong place."
        ),
        fix="Split the text into several, and move data out of the definition.",
        example="# a line of a very long text",
        frame=Frame.TEXT,
        repeat=40_000,
    ),
    Code.TOO_DEEP: Entry(
        title="Values are nested deeper than 64 levels",
        cause="Deep nesting is how hostile texts exhaust parsers.",
        fix="Flatten the value.",
        example="kind: Workflow\nspec: " + "[" * 70 + "]" * 70,
        frame=Frame.TEXT,
    ),
    Code.ALIAS_EXPANSION: Entry(
        title="Aliases write out to too much",
        cause=(
            "An alias stands for its anchor's value wherever it is used, and a few lines of aliases "
            'of aliases write out to gigabytes (the "billion laughs"). A document may hold 2 MiB, '
            "each value counted with 16 bytes."
        ),
        fix="Use fewer aliases.",
        example="""
            kind: Workflow
            a: &a [laugh, laugh, laugh, laugh, laugh, laugh, laugh, laugh, laugh, laugh]
            b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
            c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
            d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
            e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
            f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
            """,
        frame=Frame.TEXT,
    ),
    Code.ALIAS_CYCLE: Entry(
        title="An alias stands inside its own anchor",
        cause="Such a value never ends.",
        fix="Write out what was meant.",
        example="""
            kind: Workflow
            spec: &spec {tasks: [*spec]}
            """,
        frame=Frame.TEXT,
    ),
    Code.DUPLICATE_KEY: Entry(
        title="A key is given twice",
        cause="Only one of the values could count, and which one differs between parsers.",
        fix="Keep one of them.",
        example="""
            maxParallel: 4
            tasks: [{id: user, taskRef: fetch-user, input: {userId: 1}}]
            maxParallel: 8
            """,
    ),
    Code.KEY_NOT_TEXT: Entry(
        title="A key is not text",
        cause=(
            "Documents are JSON, whose keys are strings. YAML reads `404`, `true` and `null` as other things."
        ),
        fix="Quote the key.",
        example="""
            tasks: [{id: user, taskRef: fetch-user, input: {userId: 1}}]
            output: {404: not found}
            """,
    ),
    Code.UNQUOTED_TEMPLATE: Entry(
        title="A template is not quoted",
        cause=(
            "In YAML, `{` begins a mapping, so a value that begins with `{{` is not the template it "
            "looks like."
        ),
        fix="Put the whole value in quotes.",
        example="""
            tasks:
              - id: user
                taskRef: fetch-user
                input: {userId: {{input.userId}}}
            """,
    ),
    Code.NUMBER_OUT_OF_RANGE: Entry(
        title="A number cannot be kept exactly",
        cause=(
            "Whole numbers have 64 bits, others are doubles; infinity and NaN are not JSON. Rounding "
            "silently would change an id into another one."
        ),
        fix="Quote it to keep it as text.",
        example="tasks: [{id: user, taskRef: fetch-user, input: {userId: 92233720368547758070}}]",
    ),
    Code.UNSTORABLE_TEXT: Entry(
        title="A text cannot be stored",
        cause="U+0000 and lone surrogates are refused by the database, and cut texts short elsewhere.",
        fix="Remove the character.",
        example=r"""
            description: "ends here\0 or here"
            tasks: [{id: user, taskRef: fetch-user, input: {userId: 1}}]
            """,
    ),
    Code.UNSUPPORTED_TAG: Entry(
        title="A YAML tag is not supported",
        cause=(
            "Documents hold plain data. Tags that make objects of it are how YAML parsers are made to"
            " run code."
        ),
        fix="Remove the tag. `!!str`, `!!map` and `!!seq` may stand where they say what is there anyway.",
        example="""
            description: !!python/name:os.system ""
            tasks: [{id: user, taskRef: fetch-user, input: {userId: 1}}]
            """,
    ),
    Code.NOT_A_DOCUMENT: Entry(
        title="There is no document",
        cause="The text is empty, or holds a list or a scalar where a document should be.",
        fix="A document is a mapping with `apiVersion`, `kind`, `metadata` and `spec`.",
        example="- id: user",
        frame=Frame.TEXT,
    ),
    Code.UNKNOWN_KIND: Entry(
        title="There is no such kind of document",
        cause="`kind` says how the rest is read; it is `Workflow`, `WorkflowTask` or `WorkflowTenant`.",
        fix="Correct the kind.",
        example="""
            apiVersion: workflow.io/v1
            kind: Workfow
            """,
        frame=Frame.TEXT,
    ),
    Code.DUPLICATE_DOCUMENT: Entry(
        title="Two documents have the same kind and name",
        cause="The second would silently replace the first.",
        fix="Rename one, or remove it.",
        example="""
            apiVersion: workflow.io/v1
            kind: WorkflowTask
            metadata: {name: greet}
            spec: {type: transform, value: hello}
            ---
            apiVersion: workflow.io/v1
            kind: WorkflowTask
            metadata: {name: greet}
            spec: {type: transform, value: goodbye}
            """,
        frame=Frame.TEXT,
    ),
    Code.TOO_MANY_DOCUMENTS: Entry(
        title="A text holds more than 1,000 documents",
        cause="All documents of a text are applied together, and that has to stay quick.",
        fix="Split the text into several.",
        example="""
            ---
            {apiVersion: workflow.io/v1, kind: WorkflowTenant}
            """,
        frame=Frame.TEXT,
        repeat=1_001,
    ),
    Code.TOO_MANY_FINDINGS: Entry(
        title="There are more findings than are listed",
        cause="At most 100 findings are listed for a text and for each of its documents.",
        fix="Mend the ones that are listed first; many of the others may follow from them.",
        example="""
            ---
            - not a document
            """,
        frame=Frame.TEXT,
        repeat=101,
    ),
}
