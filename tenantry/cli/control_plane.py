"""The control plane's GraphQL as `tenantry run` uses it, with the platform's token."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx

from tenantry.cli.failures import FrontDoorError
from tenantry.cli.ports import address

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_CREATE_TENANT: Final = """
mutation ($text: String!) {
  createTenant(text: $text) { userErrors { message code } findings { code message document line column } }
}"""
_UPDATE_TENANT: Final = """
mutation ($text: String!) {
  updateTenant(text: $text) { userErrors { message code } findings { code message document line column } }
}"""
_APPLY: Final = """
mutation ($tenant: String!, $text: String!) {
  applyDefinitions(tenant: $tenant, text: $text) {
    definitions { kind name version }
    userErrors { message code }
    findings { code message document line column }
  }
}"""
_KEYS: Final = """
query ($tenant: String!, $after: String) {
  apiKeys(tenant: $tenant, first: 100, after: $after) {
    edges { node { id name revokedAt } }
    pageInfo { hasNextPage endCursor }
  }
}"""
_ISSUE_KEY: Final = """
mutation ($tenant: String!, $role: Role!, $name: String!) {
  issueApiKey(tenant: $tenant, role: $role, name: $name) { token userErrors { message code } }
}"""
_REVOKE_KEY: Final = """
mutation ($tenant: String!, $id: ID!) {
  revokeApiKey(tenant: $tenant, id: $id) { userErrors { message code } }
}"""
_READ_SOMETHING: Final = """
query ($tenant: String!) {
  definitions(tenant: $tenant, first: 1) { pageInfo { hasNextPage } }
}"""


class ControlPlaneError(FrontDoorError):
    """The control plane refused, or did not answer as expected."""


class ControlPlane:
    """A GraphQL client. A context manager: leaving it closes the connections."""

    def __init__(self, port: int, token: str) -> None:
        self._client = httpx.Client(base_url=address(port), timeout=60.0, trust_env=False)
        self._token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def put_tenant(self, text: str) -> None:
        """Creates the tenant that a document describes, or updates it to that."""
        created = self._ask(_CREATE_TENANT, text=text)["createTenant"]
        if [error["code"] for error in created["userErrors"]] == ["tenant.already_exists"]:
            _check(self._ask(_UPDATE_TENANT, text=text)["updateTenant"], "a tenant")
        else:
            _check(created, "a tenant")

    def apply_definitions(self, tenant: str, text: str) -> dict[tuple[str, str], int]:
        """Applies workflows and tasks; gives the current version of each of them, by kind and name."""
        applied = self._ask(_APPLY, tenant=tenant, text=text)["applyDefinitions"]
        _check(applied, f"the definitions of {tenant}")
        return {(one["kind"], one["name"]): one["version"] for one in applied["definitions"]}

    def issue_key(self, tenant: str, role: str, name: str) -> str:
        """A new token; a key of that name that is in force, whose token is lost, is revoked first."""
        for key in self._keys(tenant):
            if key["name"] == name and key["revokedAt"] is None:
                _check(self._ask(_REVOKE_KEY, tenant=tenant, id=key["id"])["revokeApiKey"], f"key {name}")
        issued = self._ask(_ISSUE_KEY, tenant=tenant, role=role, name=name)["issueApiKey"]
        _check(issued, f"key {name}")
        return str(issued["token"])

    def accepts(self, token: str, tenant: str) -> bool:
        """Whether the token is one of the tenant's, in force."""
        response = self._post(_READ_SOMETHING, {"tenant": tenant}, token)
        return response.status_code == HTTPStatus.OK and "errors" not in response.json()

    def _keys(self, tenant: str) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = []
        page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            connection = self._ask(_KEYS, tenant=tenant, after=page["endCursor"])["apiKeys"]
            keys += [edge["node"] for edge in connection["edges"]]
            page = connection["pageInfo"]
        return keys

    def _ask(self, query: str, **variables: Any) -> Any:
        response = self._post(query, variables, self._token)
        if response.status_code != HTTPStatus.OK or "errors" in response.json():
            raise ControlPlaneError(
                f"The control plane answered {response.status_code} with an error.", evidence=response.text
            )
        return response.json()["data"]

    def _post(self, query: str, variables: dict[str, Any], token: str) -> httpx.Response:
        try:
            return self._client.post(
                "/graphql",
                json={"query": query, "variables": variables},
                headers={"Authorization": f"Bearer {token}"},
            )
        except httpx.TransportError as error:
            raise ControlPlaneError(f"The control plane does not answer: {error}.") from None


def _check(payload: dict[str, Any], what: str) -> None:
    """Refusals are in the payload, with what validation found where that is the reason."""
    if payload["userErrors"]:
        found = [
            "{document} {line}:{column} {code}: {message}".format_map(finding)
            for finding in payload.get("findings", ())
        ]
        reasons = "; ".join(error["message"] for error in payload["userErrors"])
        raise ControlPlaneError(f"The control plane refused {what}: {reasons}.", evidence="\n".join(found))
