"""The lines about lost, accepted and gained proofs, the same on the terminal, in the matrix and in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from traceability.model import proofs
from traceability.model.catalogue import tag_of
from traceability.model.states import REHEARSAL


def lines(coverage: Mapping[str, Any], gained: Sequence[str]) -> list[str]:
    """Return a line for each lost proof, with the command that accepts it, and one for the criteria in `gained`."""
    option = " --rehearsal" if coverage["target"] == REHEARSAL else ""
    keep = f"python -m traceability keep{option}"
    found = [
        f"Lost proof: {_numbers(one)}; restore the scenario, or accept the loss: "
        f'{keep} --accept-loss {one["criterion"]}="reason"'
        for one in coverage.get("losses", ())
    ]
    found += [
        f"Accepted loss: {_numbers(one)}, since {one['on']}: {one['reason']}"
        for one in coverage.get("accepted_losses", ())
    ]
    if gained:
        shown = ", ".join(map(tag_of, gained[:5])) + (f" and {len(gained) - 5} more" if len(gained) > 5 else "")
        found.append(f"More proofs than features/{proofs.FILE} names ({shown}); keep them: {keep}")
    return found


def _numbers(one: Mapping[str, Any]) -> str:
    before = "1 scenario" if one["before"] == 1 else f"{one['before']} scenarios"
    return f"{one['criterion']} was proven by {before} on {one['target']}, now by {one['now'] or 'none'}"
