"""Sensors of a house and of a car, with their latest readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi.problems import not_found
from tenantry.testapi.queries import Page, read_query
from tenantry.testapi.seed import SENSORS

if TYPE_CHECKING:
    from starlette.requests import Request


class SensorPage(Page):
    """Filters of the sensor list."""

    place: str | None = Field(default=None, max_length=40)


async def list_sensors(request: Request) -> Response:
    """GET /sensors."""
    page = read_query(request, SensorPage)
    found = [sensor for sensor in SENSORS.values() if page.place in (None, sensor["place"])]
    return JSONResponse(page.cut("sensors", found))


async def get_sensor(request: Request) -> Response:
    """GET /sensors/{id}."""
    sensor_id: str = request.path_params["id"]
    if sensor_id not in SENSORS:
        raise not_found("sensor", sensor_id[:40])
    return JSONResponse(SENSORS[sensor_id])


ROUTES = (
    Route("/sensors", list_sensors),
    Route("/sensors/{id}", get_sensor),
)
