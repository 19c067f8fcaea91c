"""Matchers for the form of documents: schema, spelling of field names, nulls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

from features import testdata

PASCAL_CASE = re.compile(r"^([A-Z][a-z0-9]*)+$")
# Keys that are data, not field names: server ids (RecoverySnapshots) carry AWS's own spelling.
DATA_KEY = re.compile(r"^s-[0-9A-Za-z]{17}$")


def fields(document: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every field of a document as (path, name, value), however deep."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield f"{path}{name}", name, value
            yield from fields(value, f"{path}{name}.")
    elif isinstance(document, list | tuple | set | frozenset):
        for index, value in enumerate(document):
            yield from fields(value, f"{path}{index}.")


class HasNoMistake(BaseMatcher[Any]):
    """A document without a mistake of one kind."""

    def __init__(self, promise: str) -> None:
        self.promise = promise

    def mistakes(self, item: Any) -> list[str]:
        raise NotImplementedError

    def _matches(self, item: Any) -> bool:
        return not self.mistakes(item)

    def describe_to(self, description: Description) -> None:
        description.append_text(self.promise)

    def describe_mismatch(self, item: Any, mismatch_description: Description) -> None:
        mismatch_description.append_text("; ".join(self.mistakes(item)))


class FollowsSchema(HasNoMistake):
    def __init__(self, schema: str) -> None:
        super().__init__(f"a document that follows testdata/schemas/{schema}.schema.json")
        self.schema = schema

    def mistakes(self, item: Any) -> list[str]:
        return testdata.schema_problems(item, self.schema)


class HasNoNull(HasNoMistake):
    def mistakes(self, item: Any) -> list[str]:
        return [f"{path} is null" for path, _, value in fields(item) if value is None]


class HasOnlyPascalCase(HasNoMistake):
    def mistakes(self, item: Any) -> list[str]:
        return [
            f"{path} is not PascalCase"
            for path, name, _ in fields(item)
            if not PASCAL_CASE.match(name) and not DATA_KEY.match(name)
        ]


def follows_schema(schema: str) -> FollowsSchema:
    return FollowsSchema(schema)


def has_no_null() -> HasNoNull:
    return HasNoNull("no field that is null")


def has_only_pascal_case() -> HasOnlyPascalCase:
    return HasOnlyPascalCase("field names in PascalCase only")
