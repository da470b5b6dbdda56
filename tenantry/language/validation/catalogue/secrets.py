"""WF50x: secrets, and where they may go."""

from __future__ import annotations

from typing import Final

from tenantry.language.codes import Code
from tenantry.language.findings import Severity
from tenantry.language.validation.catalogue.entry import Entry, Frame

SECRETS: Final = {
    Code.SECRET_NOT_DECLARED: Entry(
        title="A secret is not declared",
        cause=(
            "Whoever uses a secret says so: a task in its `secrets`, a step in its own. A step that reads an "
            "output with a secret in it uses that secret as well."
        ),
        fix="Correct the name, or declare the secret where it is used.",
        example="""
            type: http
            request:
              method: GET
              url: https://example.com/
              headers: {Authorization: "Bearer {{secrets.TOKEN}}"}
            """,
        frame=Frame.TASK,
    ),
    Code.DUPLICATE_SECRET: Entry(
        title="A secret is declared twice",
        cause="Templates name a secret, so one task or step cannot have two of one name.",
        fix="Leave one of them out, or give it a name of its own.",
        example="""
            type: http
            secrets:
              - {name: TOKEN, source: vault, path: secret/data/users, key: token}
              - {name: TOKEN, source: vault, path: secret/data/orders, key: token}
            request: {url: "https://example.com/", headers: {Authorization: "Bearer {{secrets.TOKEN}}"}}
            """,
        frame=Frame.TASK,
    ),
    Code.UNUSED_SECRET: Entry(
        title="A declared secret is not used",
        cause="It would be fetched for nothing, and whoever reads the definition thinks it is needed.",
        fix="Leave the declaration out, or use the secret.",
        example="""
            type: http
            secrets: [{name: TOKEN, source: vault, path: secret/data/users, key: token}]
            request: {url: "https://example.com/"}
            """,
        frame=Frame.TASK,
        severity=Severity.WARNING,
    ),
    Code.NO_SECRET_PROVIDER: Entry(
        title="The tenant has no provider for a secret",
        cause="A secret is fetched from the provider that the tenant has for its `source`.",
        fix="Use another source, or have the tenant's `secretProviders` name one for this.",
        example="""
            tasks:
              - id: orders
                taskRef: list-orders
                secrets: [{name: TOKEN, source: aws, secretId: prod/orders}]
                input: {customer: 1, token: "{{secrets.TOKEN}}"}
            """,
    ),
    Code.SECRET_LEAK: Entry(
        title="A secret flows where it must not",
        cause=(
            "A secret may go into the headers, query and body of a request, and into the `input` of a step. "
            "It never reaches an output, a condition, a URL, the key of a cache or another workflow, not "
            "even as a part of something else: the message names the way it takes."
        ),
        fix="Read it only where it is sent; let a task or workflow that needs it declare it itself.",
        example="""
            tasks:
              - id: orders
                taskRef: list-orders
                secrets: [{name: TOKEN, source: vault, path: secret/data/orders, key: token}]
                input: {customer: 1, token: "{{secrets.TOKEN}}"}
            output: {orders: "{{tasks.orders.output.orders}}", token: "{{secrets.TOKEN}}"}
            """,
    ),
}
