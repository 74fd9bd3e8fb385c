"""Makes the schemas of the document from the models."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from services.api.segments.tree import NAMED, NODE, group_schemas, node_schema
from services.api.web.field_types import LEFT_OUT
from services.api.web.queries import QueryModel

Json = dict[str, Any]
Mode = JsonSchemaMode
Wanted = tuple[type[BaseModel], Mode]
References = Mapping[tuple[Any, Mode], Json]
REF = "#/components/schemas/{model}"


class _Untitled(GenerateJsonSchema):
    """Generates schemas without titles of fields, which would only repeat their names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def components(wanted: Iterable[Wanted]) -> tuple[References, Json]:
    """Returns (a reference to each model, all schemas by name)."""
    models = sorted(set(wanted), key=lambda pair: pair[0].__name__)
    references, found = models_json_schema(models, ref_template=REF, schema_generator=_Untitled)
    schemas: Json = {name: _without_stand_ins(schema) for name, schema in sorted(found.get("$defs", {}).items())}
    groups = group_schemas({"$ref": REF.format(model=NODE)})
    schemas |= groups | {NODE: node_schema({"$ref": REF.format(model=name)} for name in groups)}
    return references, {name: _with_references(schema) for name, schema in sorted(schemas.items())}


def _with_references(schema: Any) -> Any:
    """Puts references where a schema of a field can only name another one."""
    match schema:
        case {**keys} if NAMED in keys:
            left = {key: value for key, value in keys.items() if key != NAMED}
            return {"$ref": REF.format(model=keys[NAMED]), **left}
        case {**keys}:
            return {key: _with_references(value) for key, value in keys.items()}
        case list():
            return [_with_references(one) for one in schema]
    return schema


def query_parameters(query: type[QueryModel]) -> list[Json]:
    """Returns the query parameters of a model.

    Null is removed from them: it stands for a parameter that was left out, and cannot be sent.
    """
    schema = query.model_json_schema(schema_generator=_Untitled)
    required = schema.get("required", [])
    return [
        _parameter(name, _without_null(found), required=name in required)
        for name, found in schema.get("properties", {}).items()
    ]


def _parameter(name: str, schema: Json, *, required: bool) -> Json:
    described = {"description": schema.pop("description")} if "description" in schema else {}
    return {"name": name, "in": "query", "required": required, **described, "schema": schema}


def _without_null(schema: Json) -> Json:
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) != 1:
        return schema
    kept = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**options[0], **kept}


def _without_stand_ins(schema: Json) -> Json:
    """Removes defaults that are only stand-ins, and line breaks of docstrings."""
    described = {"description": " ".join(schema["description"].split())} if "description" in schema else {}
    fields = {name: _without_default(found) for name, found in schema.get("properties", {}).items()}
    return {**schema, **described, **({"properties": fields} if fields else {})}


def _without_default(field: Json) -> Json:
    if LEFT_OUT not in field:
        return field
    return {key: value for key, value in field.items() if key not in {LEFT_OUT, "default"}}
