"""The data plane's REST as `tenantry run` uses it, with one tenant's token."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx

from tenantry.cli.failures import FrontDoorError
from tenantry.cli.ports import address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

_POLL_SECONDS: Final = 0.05
_LISTS: Final = {"Workflow": "workflows", "WorkflowTask": "tasks"}
"""Where definitions of each kind are listed, and under which name."""


class DataPlaneError(FrontDoorError):
    """The data plane did not do what it was asked."""


class DataPlane:
    """A tenant's endpoints. A context manager: leaving it closes the connections."""

    def __init__(self, port: int, tenant: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{address(port)}/tenants/{tenant}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60.0,
            trust_env=False,
        )
        self._tenant = tenant

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def execute_url(self, workflow: str) -> str:
        """The public endpoint of a workflow."""
        return str(self._client.base_url.join(f"workflows/{workflow}/execute"))

    def wait_served(self, versions: Mapping[tuple[str, str], int], timeout_seconds: float) -> None:
        """Returns when this token is known and the definitions are served in these versions or later ones.

        Raises:
            DataPlaneError: they are not, after the timeout.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self._serves(versions):
            if time.monotonic() > deadline:
                raise DataPlaneError(f"The data plane does not serve {self._tenant} as it was applied.")
            time.sleep(_POLL_SECONDS)

    def execute(self, workflow: str, value: Any) -> httpx.Response:
        """Executes a workflow; any status is an answer."""
        return self._client.post(self.execute_url(workflow), json=value)

    def get(self, path: str, timeout_seconds: float) -> Any:
        """A resource of the tenant; one that is not there yet is waited for.

        An execution with `durability: none` is answered before it is recorded, and found a moment later.

        Raises:
            DataPlaneError: the answer is not the resource.
        """
        deadline = time.monotonic() + timeout_seconds
        while (response := self._client.get(path)).status_code == HTTPStatus.NOT_FOUND:
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_SECONDS)
        if response.status_code != HTTPStatus.OK:
            raise DataPlaneError(
                f"The data plane answered {response.status_code} to GET {path}.", evidence=response.text
            )
        return response.json()

    def _serves(self, versions: Mapping[tuple[str, str], int]) -> bool:
        served: dict[tuple[str, str], int] = {}
        for kind, listed in _LISTS.items():
            response = self._client.get(listed)
            if response.status_code != HTTPStatus.OK:
                return False
            served |= {(kind, item["name"]): item["version"] for item in response.json()[listed]}
        return all(served.get(key, 0) >= version for key, version in versions.items())
