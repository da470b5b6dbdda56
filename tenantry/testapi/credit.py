"""Credit bureaus: what each of them thinks of a customer. They do not agree, and one knows few people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi.problems import not_found
from tenantry.testapi.seed import USERS

if TYPE_CHECKING:
    from starlette.requests import Request

_BASES: Final = {"north": 610, "south": 580, "coast": 640}
_TIERS: Final = {"free": 0, "pro": 70, "enterprise": 140}
_LAST_ON_THE_COAST: Final = 8


async def get_score(request: Request) -> Response:
    """GET /credit/{bureau}/{userId}: 300 to 850."""
    bureau: str = request.path_params["bureau"]
    user_id: int = request.path_params["userId"]
    if bureau not in _BASES:
        raise not_found("bureau", bureau[:40])
    if user_id not in USERS or (bureau == "coast" and user_id > _LAST_ON_THE_COAST):
        raise not_found("credit file", user_id)
    score = _BASES[bureau] + _TIERS[USERS[user_id]["tier"]] + user_id
    return JSONResponse({"bureau": bureau, "userId": user_id, "score": score})


ROUTES = (Route("/credit/{bureau}/{userId:int}", get_score),)
