"""Renders the templates beside this module; every value is escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, Undefined


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("engine.report", "templates"),
        autoescape=True,
        undefined=Undefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: Any) -> str:
    """The text of `templates/<template>.j2`."""
    return _environment().get_template(f"{template}.j2").render(**values)
