"""docs/faults.md describes the present engine: it has a cell for each operation and fault; a sample runs again."""

from __future__ import annotations

import pytest

from tests.simulation import fault_table

# One cell for each fault, each at another operation.
SAMPLE = {
    "throttled once": "run: drs DescribeJobs",
    "throttled, Retry-After 100 s": "run: sts AssumeRole",
    "server error": "run: ec2 DescribeInstanceStatus",
    "connection lost": "run: dynamodb BatchGetItem",
    "answer lost": "run: drs StartRecovery",
    "token expired": "run: drs DescribeRecoveryInstances",
    "access denied": "run: sns Publish",
    "throttled without end": "hand over: stepfunctions StartExecution",
    "function killed before": "start: stepfunctions StartExecution",
    "function killed after": "run: drs TerminateRecoveryInstances",
}


def written() -> dict[tuple[str, str], str]:
    """The page's cells by row and column."""
    lines = fault_table.PAGE.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    head, *body = rows
    return {(row[0], column): cell for row in body for column, cell in zip(head[1:], row[1:], strict=True)}


def test_the_table_has_a_cell_for_each_operation_of_the_engine_and_each_fault():
    cells = written()
    names = {row.name for row in fault_table.rows()}
    assert set(cells) == {(name, fault) for name in names for fault in fault_table.FAULTS}
    assert all(cells.values())


@pytest.mark.parametrize("fault", SAMPLE)
def test_the_table_agrees_with_the_present_engine(fault):
    row = next(row for row in fault_table.rows() if row.name == SAMPLE[fault])
    cell = fault_table.cell_of((row, fault))
    assert cell == written()[row.name, fault], f"run: {fault_table.COMMAND}"
