"""What the service can do, and how it is: engines, schemas, health, metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from docparse import __version__
from docparse.api.answered import engine_answer
from docparse.api.answers import EngineList, Health, JsonSchema, Readiness, SchemaList, SchemaSummary
from docparse.api.desk import AtDesk, Owner
from docparse.api.logs import note
from docparse.api.metrics import MEDIA_TYPE
from docparse.api.openapi import errors
from docparse.errors import RouteNotFound
from docparse.extract.output.schema import built_in_schema, fields_schema
from docparse.extract.schemas import BUILT_IN
from docparse.schema import document_schema

router = APIRouter(tags=["service"])
OURS = errors(401, 421, 429, 500, 503)
_OWN = {"document": document_schema, "fields": fields_schema}


@router.get("/v1/engines", summary="List engines", responses=OURS)
async def engines(desk: AtDesk, owner: Owner) -> EngineList:
    """Each engine, whether it can be had here, and why not."""
    return EngineList(engines=[engine_answer(engine) for engine in await desk.service.engines()])


@router.get("/v1/schemas", summary="List schemas", responses=OURS)
async def schemas(desk: AtDesk, owner: Owner) -> SchemaList:
    found = [_summary(name, "extract", built_in_schema(name)) for name in BUILT_IN]
    found += [_summary(name, "extract", definition) for name, definition in desk.config.schemas.items()]
    found += [_summary(name, "answer", make()) for name, make in _OWN.items()]
    return SchemaList(schemas=found)


def _summary(name: str, use: str, definition: dict[str, object]) -> SchemaSummary:
    return SchemaSummary.model_validate(
        {
            "name": name,
            "use": use,
            "title": str(definition.get("title") or name),
            "description": str(definition.get("description") or ""),
        }
    )


@router.get(
    "/v1/schemas/{name}",
    summary="Fetch a schema",
    response_model_exclude_none=True,
    responses={**OURS, **errors(404, 422)},
)
async def schema(
    desk: AtDesk, owner: Owner, name: Annotated[str, Path(max_length=100, examples=["invoice"])]
) -> JsonSchema:
    if name in BUILT_IN:
        return JsonSchema.model_validate(built_in_schema(name))
    if name in desk.config.schemas:
        return JsonSchema.model_validate(desk.config.schemas[name])
    if name in _OWN:
        return JsonSchema.model_validate(_OWN[name]())
    raise RouteNotFound("there is no schema of that name.", hint="See /v1/schemas.")


@router.get("/healthz", summary="Is the process there?", responses=errors(421, 500))
async def healthz() -> Health:
    """For a supervisor: asks nothing of the store or the disk."""
    return Health(version=__version__)


@router.get("/readyz", summary="Can it serve?", responses={503: {"model": Readiness}, **errors(421, 500)})
async def readyz(request: Request, desk: AtDesk) -> Readiness:
    """For a load balancer: 503 where a part does not work, or the service ends. What is wrong is in the log."""
    found = dict(await desk.service.ready())
    wrong = {name: reason for name, reason in found.items() if reason}
    if wrong:
        note("not ready", request_id=request.scope["state"]["request_id"], parts=wrong)
    if desk.ending.is_set():
        wrong["service"] = found["service"] = "it ends"
    answer = Readiness(ready=not wrong, parts={name: "failed" if name in wrong else "ok" for name in found})
    if wrong:
        return Response(answer.model_dump_json(), 503, media_type="application/json")  # type: ignore[return-value]
    return answer


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": 'docparse_jobs{state="queued"} 3.0\n'}},
        },
        **OURS,
    },
)
async def metrics(desk: AtDesk) -> Response:
    return Response(desk.metrics.text(await desk.service.figures()), headers={"Content-Type": MEDIA_TYPE})
