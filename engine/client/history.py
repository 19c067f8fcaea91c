"""The execution history: records, lists and details. One Query on an index for each page, never a Scan."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from engine.aws.execution_history import LOCK_KEY, lock_id
from engine.aws.tables import from_item, to_item
from engine.client.answers import Document, EngineError, ExecutionNotFound, Page
from engine.client.aws_time import AwsTime, latest_moment
from engine.client.tables import Tables
from engine.core.chunks import chunks
from engine.core.document import HEADER_KEY
from engine.core.record import assemble

_KEYS_A_REQUEST = 100  # BatchGetItem
_DETAILS = ("Objectives", "OptionalServerCount", "OptionalNotRecovered")


class History(Tables):
    """The executions of one deployed engine."""

    def __init__(self, session: Any, outputs: Mapping[str, str]) -> None:
        super().__init__(session, outputs)
        self._queries = self._dynamodb.get_paginator("query")
        self._time = AwsTime()

    def get(self, execution_id: str) -> Document:
        """The whole record of one execution, as one document. Raises ExecutionNotFound."""
        items = self._items(execution_id)
        header = items.pop(HEADER_KEY, None)
        if header is None or "Status" not in header:
            raise ExecutionNotFound(f"there is no execution {execution_id}; `history` lists them")
        parts: dict[int, list[Document]] = {}
        for key in sorted(items):
            parts.setdefault(int(key.split("#")[1]), []).append(items[key])
        record = assemble(header, parts)
        if (moment := latest_moment(record)) is not None:
            self._time.at_least(moment)
        return record

    def _items(self, execution_id: str) -> dict[str, Document]:
        """All items of an execution by ItemKey."""
        pages = self._queries.paginate(
            TableName=self._outputs["ExecutionHistoryTable"],
            KeyConditionExpression="ExecutionId = :id",
            ExpressionAttributeValues=to_item({":id": execution_id}),
            ConsistentRead=True,
        )
        found = []
        for page in pages:
            self._time.observe(page)
            found += [from_item(item) for item in page["Items"]]
        return {item["ItemKey"]: item for item in found}

    def now(self) -> datetime:
        """The time of AWS (UTC) according to the last `get`; before that, the time of this machine."""
        return self._time.now()

    def list_by_plan(self, plan_id: str, *, limit: int = 25, page_token: str | None = None) -> Page:
        """The plan's executions, newest first."""
        return self._list("PlanIndex", "PlanId", plan_id, limit, page_token)

    def list_by_status(self, status: str, *, limit: int = 25, page_token: str | None = None) -> Page:
        """The executions with this Status, newest first."""
        return self._list("StatusIndex", "Status", status, limit, page_token)

    def _list(self, index: str, key: str, value: str, limit: int, page_token: str | None) -> Page:
        response = self._dynamodb.query(
            TableName=self._outputs["ExecutionHistoryTable"],
            IndexName=index,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues=to_item({":value": value}),
            ScanIndexForward=False,
            Limit=limit,
            **({"ExclusiveStartKey": _read_token(page_token)} if page_token else {}),
        )
        items = [from_item(item) for item in response["Items"]]
        for item in items:
            del item["ItemKey"]
        last = response.get("LastEvaluatedKey")
        return Page(items, _write_token(last) if last else None)

    def details(self, execution_ids: Sequence[str], names: Sequence[str] = _DETAILS) -> dict[str, Document]:
        """By ExecutionId fields that the indexes lack; by default Objectives, and counts of optional servers."""
        table = self._outputs["ExecutionHistoryTable"]
        found: dict[str, Document] = {}
        for ids in chunks(execution_ids, _KEYS_A_REQUEST):
            keys = [to_item({"ExecutionId": one, "ItemKey": HEADER_KEY}) for one in ids]
            # Keys that DynamoDB leaves out three times stay without details: a list does not wait for them.
            for _ in range(3):
                request = {table: {"Keys": keys, "ProjectionExpression": ", ".join(("ExecutionId", *names))}}
                answer = self._dynamodb.batch_get_item(RequestItems=request)
                for item in map(from_item, answer["Responses"][table]):
                    found[item["ExecutionId"]] = {name: item[name] for name in names if name in item}
                keys = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
                if not keys:
                    break
        return found

    def delete_execution(self, execution_id: str) -> None:
        """Delete the record of a settled execution; only for test data."""
        for item_key in self._items(execution_id):
            self._dynamodb.delete_item(
                TableName=self._outputs["ExecutionHistoryTable"],
                Key=to_item({"ExecutionId": execution_id, "ItemKey": item_key}),
            )

    def holder(self, plan_id: str) -> str | None:
        """The ExecutionId of the execution that runs the plan or cleans up after it, if any."""
        key = {"ExecutionId": lock_id(plan_id), "ItemKey": LOCK_KEY}
        lock = self._one(self._outputs["ExecutionHistoryTable"], key)
        return str(lock["LockedBy"]) if lock else None

    def with_status(self, status: str) -> Iterator[Document]:
        """The executions with this Status, newest first, from all pages; none if the table does not exist."""
        token = None
        with suppress(self._dynamodb.exceptions.ResourceNotFoundException):
            while True:
                page = self.list_by_status(status, limit=100, page_token=token)
                yield from page.items
                token = page.next_token
                if token is None:
                    return


def _write_token(key: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(from_item(key)).encode()).decode()


def _read_token(token: str) -> dict[str, Any]:
    try:
        return to_item(json.loads(base64.urlsafe_b64decode(token)))
    except ValueError as error:
        raise EngineError("the page token is not one of this client's") from error
