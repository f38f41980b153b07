"""The OpenAPI document: nothing in it is untyped, its examples are right, and what it says is what happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import jsonschema
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

from docparse.api.app import create_app
from docparse.api.config import ApiConfig
from tests.api.fake_service import FakeService
from tests.api.loopback import Running, running

Json = dict[str, Any]
WITH_FILES = ("/v1/parse", "/v1/extract", "/v1/ground", "/v1/jobs")
BEYOND = (*WITH_FILES, "/v1/fields/export")
"""What a schema cannot say: whether a file is a document, whether fields are those of the schema beside them."""


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(lambda: FakeService(model=True), ApiConfig(sync_seconds=2, idle_seconds=2)) as it:
        yield it


@pytest.fixture(scope="module")
def document() -> Json:
    found: Json = create_app(FakeService(), ApiConfig()).openapi()  # type: ignore[arg-type]
    return found


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def untyped(schema: Any, where: str) -> Iterator[str]:
    """Places in a schema where anything at all would do."""
    if not isinstance(schema, dict):
        if schema is not False:
            yield where
        return
    if "$ref" in schema or "enum" in schema or "const" in schema:
        return
    for kind in ("anyOf", "oneOf", "allOf"):
        if kind in schema and "type" not in schema:
            for number, part in enumerate(schema[kind]):
                yield from untyped(part, f"{where}/{kind}/{number}")
            return
    kinds = schema.get("type")
    if kinds is None:
        yield where
        return
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "array" in kinds:
        items = [schema["items"]] if "items" in schema else schema.get("prefixItems", [None])
        for part in items:
            yield from untyped(part, f"{where}/items")
    if "object" in kinds:
        if "properties" not in schema and "additionalProperties" not in schema:
            yield where
        for name, part in schema.get("properties", {}).items():
            yield from untyped(part, f"{where}/{name}")
        if "additionalProperties" in schema and schema["additionalProperties"] is not False:
            yield from untyped(schema["additionalProperties"], f"{where}/*")


def test_no_answer_is_untyped(document: Json) -> None:
    seen = 0
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            assert status in ("204", "304") or answer["content"], f"{name} {status} has no content"
            for media_type, content in answer.get("content", {}).items():
                seen += 1
                assert not list(untyped(content["schema"], "")), f"{name} {status} {media_type}"
    assert seen > 150
    # What a client of a service that gives JSON Schemas is free to put there is JSON of any kind.
    free = {"JsonValue"}
    for name, schema in document["components"]["schemas"].items():
        if name not in free:
            assert not list(untyped(schema, name)), list(untyped(schema, name))


def test_the_checker_sees_what_is_untyped() -> None:
    for bad in ({}, True, {"type": "object"}, {"type": "array"}, {"anyOf": [{"type": "string"}, {}]}):
        assert list(untyped(bad, "x"))
    assert list(untyped({"type": "object", "properties": {"a": {"title": "A"}}}, "x")) == ["x/a"]
    assert not list(untyped({"type": "array", "items": {"type": "string"}}, "x"))


def test_every_operation_has_errors_of_one_shape(document: Json) -> None:
    for name, operation in operations(document):
        assert operation["summary"]
        assert operation["operationId"]
        faults = {s: a for s, a in operation["responses"].items() if int(s) >= 400}
        assert {"421", "500"} <= set(faults), name
        for status, answer in faults.items():
            if (name, status) == ("GET /readyz", "503"):
                continue
            content = answer["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}, (name, status)
            assert content["example"]["error"]["code"]
    assert "HTTPValidationError" not in str(document)


def test_references_lead_somewhere(document: Json) -> None:
    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(target := part.get("$ref"), str):
                assert target.removeprefix("#/components/schemas/") in document["components"]["schemas"], target
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(document)


def test_examples_keep_to_their_schemas(document: Json) -> None:
    seen = 0
    for name, operation in operations(document):
        contents = [(f"{name} {status}", answer) for status, answer in operation["responses"].items()]
        contents.append((f"{name} body", operation.get("requestBody", {})))
        for where, part in contents:
            for media_type, content in part.get("content", {}).items():
                if "example" in content and media_type == "application/json":
                    seen += 1
                    schema = {**content["schema"], "components": document["components"]}
                    problems = list(jsonschema.Draft202012Validator(schema).iter_errors(content["example"]))
                    assert not problems, f"{where}: {problems[0].message}"
    assert seen > 100


def test_what_is_sent_is_what_is_said(server: Running, document: Json) -> None:
    """Real answers, held to the schemas."""

    def fits(answer: Any, schema: str) -> None:
        definition = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
        jsonschema.Draft202012Validator(definition).validate(answer.json())

    fits(server.parse(), "Document")
    fits(server.client.post("/v1/extract", files={"file": ("a", b"%PDF-")}), "Fields")
    job = server.job()
    fits(job, "JobAnswer")
    fits(server.client.get("/v1/jobs"), "JobList")
    fits(server.client.get(f"/v1/jobs/{job.json()['id']}/pages"), "PageList")
    fits(server.client.get(f"/v1/jobs/{job.json()['id']}/pages/1/evidence"), "EvidenceAnswer")
    fits(server.client.get(f"/v1/jobs/{job.json()['id']}/pages/1/text"), "PageText")
    fits(server.client.get("/v1/engines"), "EngineList")
    fits(server.client.get("/v1/schemas"), "SchemaList")
    for name in ("invoice", "receipt", "document", "fields"):
        fits(server.client.get(f"/v1/schemas/{name}"), "JsonSchema")
        jsonschema.Draft202012Validator.check_schema(server.client.get(f"/v1/schemas/{name}").json())
    fits(server.client.get("/v1/jobs/x"), "ErrorAnswer")
    assert server.client.get("/openapi.json").json() == document


def test_the_page_for_people(server: Running, document: Json) -> None:
    answer = server.client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "script" not in answer.headers["content-security-policy"]
    assert "sha256-" in answer.headers["content-security-policy"]
    for path in document["paths"]:
        assert f"<code>{path}</code>" in answer.text
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in answer.text
    for bad in ("<script", "http://", "https://cdn", " style=", "onclick"):
        assert bad not in answer.text


schema = schemathesis.openapi.from_dict(create_app(FakeService(), ApiConfig()).openapi())  # type: ignore[arg-type]
schema.config.seed = 7
# Too much of something is 413 here, which schemathesis does not take for a refusal by itself.
schema.config.checks.negative_data_rejection.expected_statuses = ["4xx"]


@schema.parametrize()
@hypothesis.settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_requests_by_the_document(case: Any, server: Running) -> None:
    """schemathesis: whatever is sent, the answer is one that the document speaks of, and never a fault of ours."""
    # Nor whether two options go together.
    beyond = [positive_data_acceptance] if case.path in BEYOND else []
    case.call_and_validate(base_url=server.url, timeout=15, excluded_checks=beyond)
