"""Secrets a task or step declares: what templates may name, and where each comes from at run time."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from tenantry.language.documents.model.envelope import Model
from tenantry.language.documents.words import SecretName

_Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=1024)]


class _Secret(Model):
    name: SecretName


class VaultSecret(_Secret):
    """A key of a HashiCorp Vault KV v2 secret."""

    source: Literal["vault"]
    path: _Text
    key: _Text


class KubernetesSecret(_Secret):
    """A key of a Kubernetes Secret."""

    source: Literal["kubernetes"]
    secret_ref: _Text
    key: _Text


class AwsSecret(_Secret):
    """A secret of AWS Secrets Manager, or one key of its JSON."""

    source: Literal["aws"]
    secret_id: _Text
    key: _Text | None = None
    version_stage: _Text = "AWSCURRENT"


class AzureSecret(_Secret):
    """A secret of an Azure Key Vault."""

    source: Literal["azure"]
    vault: _Text
    secret: _Text


class EnvironmentSecret(_Secret):
    """An environment variable of the executor that the tenant may read."""

    source: Literal["env"]
    env_var: _Text


SecretUse: TypeAlias = Annotated[
    VaultSecret | KubernetesSecret | AwsSecret | AzureSecret | EnvironmentSecret,
    Field(discriminator="source"),
]
"""A secret that a task or a step uses: the name templates call it by, and its source."""
