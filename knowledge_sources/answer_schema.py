"""What a person's free answer must look like: the JSON Schema that an ``Escalate`` declares.

Nothing is fetched: a reference leads inside the schema or to a published draft, else the schema is refused.
A ``pattern`` is run as it stands, because agents are trusted code; what it runs on is a record's value at most.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from referencing import Resource
    from referencing._core import Resolver

MAX_TOLD: Final = 300
"""characters of a reason: it quotes the answer or the schema"""


def schema_fault(schema: object) -> str:
    """Why ``schema`` is no JSON Schema that an answer can be held to, ``""`` where it is one."""
    # Here, because only who asks with a schema needs the library.
    from jsonschema import SchemaError  # noqa: PLC0415
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]  # noqa: PLC0415  # ships no types
    from referencing.exceptions import CannotDetermineSpecification, Unresolvable  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012, UnknownDialect  # noqa: PLC0415

    if not isinstance(schema, dict):
        return f"a JSON Schema is an object, this is {type(schema).__name__}"
    if not isinstance(schema.get("$schema", ""), str):
        return "$.$schema: names no draft"
    try:
        validator = _validator(schema)
        validator.check_schema(schema)
        resource: Resource[Any] = DRAFT202012.create_resource(schema)
        if "$schema" in schema:
            resource = type(resource).from_contents(schema)
        _look_up(resource, REGISTRY.with_resource("", resource).resolver())
        validator.is_valid(None)
    except SchemaError as error:
        return _told(error.json_path, error.message)
    except (UnknownDialect, CannotDetermineSpecification):
        return f"$.$schema: {schema['$schema'][:MAX_TOLD]!r} is no draft that is known here"
    except Unresolvable as error:
        return f"{error.ref[:MAX_TOLD]!r} leads nowhere; a reference leads inside the schema, nothing is fetched"
    except RecursionError:
        return "it refers to itself without end"
    return ""


def answer_fault(schema: dict[str, Any], answer: Any) -> str:
    """Where and why ``answer`` does not fit ``schema``, ``""`` where it does."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415  # as above
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    try:
        found = best_match(_validator(schema).iter_errors(answer))
    except (RecursionError, re.error, Unresolvable) as error:
        return f"the schema of the question cannot be followed: {type(error).__name__}"
    return _told(found.json_path, found.message) if found is not None else ""


def _validator(schema: dict[str, Any]) -> Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415
    from jsonschema.validators import validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    # A registry of one's own, because the default one fetches what it does not hold.
    return validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())


def _look_up(resource: Resource[Any], resolver: Resolver[Any]) -> None:
    """Follow every reference of a schema once; raises ``Unresolvable``."""
    if isinstance(resource.contents, dict):
        for keyword in ("$ref", "$dynamicRef"):
            reference = resource.contents.get(keyword)
            if isinstance(reference, str):
                resolver.lookup(reference)
    for part in resource.subresources():
        _look_up(part, resolver.in_subresource(part))


def _told(place: str, reason: str) -> str:
    return f"{place}: {reason if len(reason) <= MAX_TOLD else reason[:MAX_TOLD] + '…'}"
