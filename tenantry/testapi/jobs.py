"""Jobs that take a while: started, then asked after. A job ends after so many questions, not by the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi.effects import Command
from tenantry.testapi.problems import RequestProblem, not_found
from tenantry.testapi.queries import shop_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.testapi.seed import Record


class StartJob(Command):
    """Body of POST /jobs: what to count, after how many questions it is done, and how it then ended."""

    text: str = Field(max_length=10_000)
    questions: int = Field(default=2, ge=0, le=20)
    outcome: Literal["succeeded", "failed"] = "succeeded"


async def start(request: Request) -> Response:
    """POST /jobs: counts the words of a text, slowly."""
    shop = shop_of(request)

    def apply(command: StartJob) -> tuple[int, Record]:
        job_id = f"job_{shop.number():06d}"
        shop.jobs.put(job_id, {"id": job_id, **command.model_dump()})
        return 202, {"id": job_id, "status": "running"}

    return await shop.effects.perform(request, StartJob, apply)


async def get_job(request: Request) -> Response:
    """GET /jobs/{id}: 200 with a status, whichever it is."""
    return JSONResponse(_ask(request))


async def get_result(request: Request) -> Response:
    """GET /jobs/{id}/result: 503 until there is one."""
    job = _ask(request)
    if job["status"] == "running":
        raise RequestProblem("not-ready", 503, f"{job['id']} still runs; ask again")
    return JSONResponse(job)


def _ask(request: Request) -> Record:
    """What is known of the job now; every question brings it nearer to its end."""
    shop, job_id = shop_of(request), request.path_params["id"]
    job = shop.jobs.get(job_id)
    if job is None:
        raise not_found("job", job_id[:40])
    shop.jobs.put(job_id, {**job, "questions": job["questions"] - 1})
    if job["questions"] > 0:
        return {"id": job_id, "status": "running"}
    result = {"words": len(job["text"].split())} if job["outcome"] == "succeeded" else {"error": "out of ink"}
    return {"id": job_id, "status": job["outcome"], **result}


ROUTES = (
    Route("/jobs", start, methods=["POST"]),
    Route("/jobs/{id}", get_job),
    Route("/jobs/{id}/result", get_result),
)
