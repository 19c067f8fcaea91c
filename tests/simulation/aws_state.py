"""The present state of AWS, read from moto's memory without calls: a check takes no virtual time and adds no entry to
the journal. The oracle reads AWS's APIs instead, at the end of the case.
"""

from __future__ import annotations

from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from simulator import Simulator

Document = dict[str, Any]


def plain(attribute: Any) -> Any:
    """moto's attribute value as plain JSON; numbers are whole ones here."""
    match attribute.type:
        case "M":
            return {name: plain(value) for name, value in attribute.value.items()}
        case "L":
            return [plain(value) for value in attribute.value]
        case "N":
            return int(attribute.value)
        case _:
            return attribute.value


def items(aws: Simulator, table: str) -> dict[str, dict[str, Document]]:
    """Every item of a table, by partition and sort key."""
    kept = dynamodb_backends[aws.account][aws.region].tables[table].items
    return {
        key.value: {
            sort.value: {name: plain(value) for name, value in item.attrs.items()} for sort, item in under.items()
        }
        for key, under in kept.items()
    }


def state_machine_runs(aws: Simulator) -> list[Document]:
    """Every run of a state machine: {name, status, stopped, cause}, in the order of their starts."""
    backend = stepfunctions_parser_backends[aws.account][aws.region]
    return [
        {"name": run.name, "status": str(run.status), "stopped": run.stop_date, "cause": run.cause}
        for run in backend._get_executions()
    ]
