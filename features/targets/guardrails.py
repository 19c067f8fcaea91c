"""The permissions of a run on real AWS. They have no default, so that no such run happens by accident."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from features.targets.base import TargetRefused

VARIABLES = {
    "account": "ACCEPTANCE_ACCOUNT",
    "region": "ACCEPTANCE_REGION",
    "budget": "ACCEPTANCE_BUDGET",
}
_MEANING = {
    "account": "the account ids the suite may run in, separated by commas",
    "region": "the Region whose DRS has the six known servers",
    "budget": "the servers that the whole run may launch at most",
}


@dataclass(frozen=True)
class Allowance:
    """`budget` is in launched servers, over the whole run; `sweeps`: remove the resources of earlier runs first."""

    accounts: frozenset[str]
    region: str
    budget: int
    sweeps: bool = False


def read(settings: Mapping[str, str], environment: Mapping[str, str]) -> Allowance:
    """Read -D name=value or the environment. Raises TargetRefused with all missing and wrong values."""
    values = {name: str(settings.get(name) or environment.get(VARIABLES[name], "")) for name in VARIABLES}
    problems = [
        f"-D {name}=… (or {VARIABLES[name]}) must say {_MEANING[name]}" for name, value in values.items() if not value
    ]
    accounts = [one.strip() for one in values["account"].split(",") if one.strip()]
    problems += [
        f"account {one!r}: an account id has 12 digits" for one in accounts if not re.fullmatch(r"\d{12}", one)
    ]
    if values["budget"] and not values["budget"].isdigit():
        problems.append(f"budget {values['budget']!r}: must be a whole number of servers")
    if problems:
        raise TargetRefused(f"no call of AWS was made: {'; '.join(problems)}")
    sweeps = str(settings.get("sweep", "no")).lower() in ("yes", "true", "1")
    return Allowance(frozenset(accounts), values["region"], int(values["budget"]), sweeps)
