"""Users and their risk score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi.problems import not_found
from tenantry.testapi.queries import Page, Query, read_query
from tenantry.testapi.seed import USERS, Record

if TYPE_CHECKING:
    from starlette.requests import Request

_REVIEW_FROM_SCORE: Final = 60


class UserPage(Page):
    """Filters of the user list."""

    tier: Literal["free", "pro", "enterprise"] | None = None


class RiskQuery(Query):
    """What is to be judged."""

    amount_cents: int = Field(ge=0, le=100_000_000)


async def list_users(request: Request) -> Response:
    """GET /users."""
    page = read_query(request, UserPage)
    users = [user for user in USERS.values() if page.tier in (None, user["tier"])]
    return JSONResponse(page.cut("users", users))


async def get_user(request: Request) -> Response:
    """GET /users/{id}."""
    return JSONResponse(_find(request))


async def get_risk(request: Request) -> Response:
    """GET /users/{id}/risk: large amounts and free accounts score higher, 0 to 100."""
    user = _find(request)
    query = read_query(request, RiskQuery)
    score = min(100, query.amount_cents // 1000 + (25 if user["tier"] == "free" else 5))
    decision = "review" if score >= _REVIEW_FROM_SCORE else "approve"
    return JSONResponse({"userId": user["id"], "score": score, "decision": decision})


def _find(request: Request) -> Record:
    user_id: int = request.path_params["id"]
    user = USERS.get(user_id)
    if user is None:
        raise not_found("user", user_id)
    return user


ROUTES = (
    Route("/users", list_users),
    Route("/users/{id:int}", get_user),
    Route("/users/{id:int}/risk", get_risk),
)
