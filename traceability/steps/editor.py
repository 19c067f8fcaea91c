"""The settings with which an editor's Cucumber extension finds behave's steps: one parameter type for each gap.

The extension reads `{seconds:Duration}` as a parameter type of that name, and knows no type. The settings list all
types with the texts that they accept; `phrases --write` keeps settings and phrase book current.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from behave.matchers import ParseMatcher

from traceability.steps.step_definitions import Parameter, Phrase

SETTINGS = ".vscode/settings.json"


def settings(phrases: Iterable[Phrase], features: str) -> str:
    """Return the settings file for Visual Studio Code."""
    gaps = {_name(gap): gap for phrase in phrases for gap in phrase.parameters}
    content: dict[str, Any] = {
        "cucumber.features": [f"{features}/*.feature"],
        "cucumber.glue": [f"{features}/steps/*.py"],
        "cucumber.parameterTypes": [{"name": name, "regexp": _regexp(gaps[name])} for name in sorted(gaps)],
        "files.trimTrailingWhitespace": True,
        "python.defaultInterpreterPath": "${workspaceFolder}/.venv/bin/python",
    }
    return json.dumps(content, indent=2) + "\n"


def _name(gap: Parameter) -> str:
    return f"{gap.name}:{gap.type}" if gap.type else gap.name


def _regexp(gap: Parameter) -> str:
    if gap.type == "d":
        return r"\d+"
    known = ParseMatcher.TYPE_REGISTRY.get(gap.type)
    # Any text stands in quotes or ends at the next word of its sentence.
    return str(known.pattern) if known else '[^"]+'
