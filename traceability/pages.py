"""Renders the templates beside this module; every value is escaped."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("traceability", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["compact"] = _compact
    return environment


def render(template: str, **values: Any) -> str:
    """Return the text of `templates/<template>.j2`."""
    return _environment().get_template(f"{template}.j2").render(**values)


def _compact(value: Any, limit: int = 600) -> str:
    """JSON on one line, cut at `limit` characters with a word about it: the JSON attachment has the whole."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    return line if len(line) <= limit else f"{line[:limit]} … ({len(line) - limit} more characters)"
