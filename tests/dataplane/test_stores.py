"""The stores as the settings want them: this process's own, shared, or shared when Redis comes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.dataplane.clock import SteadyClock
from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.dataplane.settings import RedisDown, Settings, SettingsError
from tenantry.dataplane.stores import open_stores
from tenantry.tenants.identity import Instant, TenantId
from tenantry.tenants.limits import Admitted, Limits, WindowPolicy
from tests.support.tenants import SIGNING_KEY

if TYPE_CHECKING:
    from tests.support.redis import RedisServer


def settings(**redis: Any) -> Settings:
    return Settings(
        name="eu-1",
        database_url="postgresql://localhost/dataplane",
        control_plane_url="",
        data_plane_token="",
        bundle_key=SIGNING_KEY.public_key(),
        bundle_directory=Path(),
        **redis,
    )


async def test_without_a_redis_everything_is_in_this_process() -> None:
    async with open_stores(settings(), SteadyClock()) as stores:
        assert isinstance(stores.limits, MemoryLimitStore)
        assert isinstance(stores.circuits, MemoryCircuits)
        assert stores.sharing is None


@pytest.mark.parametrize(("redis_down", "required"), [(RedisDown.LOCAL, False), (RedisDown.CLOSED, True)])
async def test_with_a_redis_it_is_shared(
    redis_server: RedisServer, redis_down: RedisDown, *, required: bool
) -> None:
    wanted = settings(redis_url=redis_server.url, redis_down=redis_down)
    async with open_stores(wanted, SteadyClock()) as stores:
        assert stores.sharing is not None
        assert stores.sharing.link.available
        assert (stores.sharing.replicas.count, stores.sharing.required) == (1, required)


async def test_a_redis_that_is_away_at_the_start_stops_nothing(redis_server: RedisServer) -> None:
    redis_server.stop()
    one = Limits(windows=(WindowPolicy("rate-limit", 1, 60.0),))
    async with open_stores(settings(redis_url=redis_server.url), SteadyClock()) as stores:
        assert isinstance(await stores.limits.admit(TenantId("acme"), one, "e1", Instant(0.0)), Admitted)


async def test_an_address_with_a_wrong_parameter_is_refused_without_its_password() -> None:
    wrong = settings(redis_url="redis://:secret@localhost?colour=red")
    with pytest.raises(SettingsError, match=r"TENANTRY_REDIS_URL: .*colour") as caught:
        async with open_stores(wrong, SteadyClock()):
            pass
    assert "secret" not in str(caught.value)
