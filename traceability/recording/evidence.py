"""The evidence of a scenario for a sceptical reader: record, calls, timeline, plan.

The suite calls these functions during a scenario or in its `after_scenario` hook. Each attaches to the Allure result of
the running scenario; without the formatter they have no effect. All content passes the redaction first.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import allure

from traceability.model import redaction
from traceability.recording.recorded_calls import SUITE, RecordedCall
from traceability.recording.templates import render

_FOUND_CHARACTERS = 1500
_JUDGEMENTS = 20
# In a run without the formatter no code takes the judgements, so only those of the last step are kept.
_judgements: deque[str] = deque(maxlen=200)


def attach_record(document: Mapping[str, Any], name: str = "Execution record") -> None:
    """Attach one execution record, as the engine's public client returns it."""
    _attach_json(name, document)


def attach_plan(plan: Mapping[str, Any], name: str = "Recovery plan") -> None:
    """Attach the recovery plan that the scenario ran."""
    _attach_json(name, plan)


def attach_calls(calls: Sequence[RecordedCall], name: str = "AWS calls in order") -> None:
    """Attach a table of the AWS calls, oldest first; no call at all is evidence, too.

    The calls of the suite itself (set-up and queries) are counted, not listed: the engine is judged by its own calls.
    A shortened value names the length of its omission; a call that repeats an earlier one names it.
    """
    own = Counter(f"{call.service} {call.operation}" for call in calls if call.source == SUITE)
    judged = [call for call in calls if call.source != SUITE]
    page = render("calls.html", rows=list(_call_rows(judged)), suite=own.most_common())
    _attach(name, page, allure.attachment_type.HTML)


def attach_picture(name: str, svg: str) -> None:
    """Attach a picture, such as the timeline of an execution."""
    _attach(name, svg, allure.attachment_type.SVG)


def attach_page(name: str, html: str) -> None:
    """Attach a page without scripts, such as the report of an execution."""
    _attach(name, html, allure.attachment_type.HTML)


def record_judgement(expected: str, found: Any, looked_at: str = "") -> None:
    """Keep the expected and the found value of an expectation, met or not; the formatter attaches them to the step.

    `found` may be any object: documents are shortened, with the length of the omission; calls show their `line`.
    """
    told = [looked_at] if looked_at else []
    _judgements.append("\n".join([*told, f"expected: {expected}", f"found: {_found(found)}"]))


def take_judgements() -> str:
    """Return the judgements since the last call of this function, "" if there were none."""
    said = list(dict.fromkeys(_judgements))
    _judgements.clear()
    more = [f"… and {len(said) - _JUDGEMENTS} more expectations of this step"] if len(said) > _JUDGEMENTS else []
    return "\n\n".join([*said[:_JUDGEMENTS], *more])


def _found(value: Any) -> str:
    if isinstance(value, str):
        told = value
    elif isinstance(value, Sequence) and value and all(hasattr(one, "line") for one in value):
        told = "".join(f"\n  {one.line}" for one in value)
    elif isinstance(value, Mapping | Sequence | set | frozenset):
        plain = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        told = json.dumps(redaction.fields(abridged(plain, items=12, text=200)), ensure_ascii=False, default=str)
    else:
        told = str(value)
    more = len(told) - _FOUND_CHARACTERS
    return told if more <= 0 else f"{told[:_FOUND_CHARACTERS]} … ({more} more characters)"


def attach_text(name: str, text: str) -> None:
    """Attach plain text, such as the message a subscriber received."""
    _attach(name, text, allure.attachment_type.TEXT)


def _call_rows(calls: Sequence[RecordedCall]) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table; `parameters` and `result` are one line each, or name the call that had the same."""
    first_with: dict[str, int] = {}
    for number, call in enumerate(calls, 1):
        parameters = _line(abridged(call.parameters, items=10, text=120))
        result = (
            f"{call.error_code}: {call.error_message or ''}"
            if call.error_code
            else _line(abridged(call.response, items=1, text=60), 110)
        )
        who = f"{call.principal.rpartition(':')[2]} in {call.account} {call.region}"
        told = {"parameters": parameters, "result": result, "who": who}
        for key, value in told.items():
            earlier = first_with.setdefault(f"{'' if key == 'who' else call.operation} {key} {value}", number)
            if earlier != number and len(value) >= 16:
                told[key] = f"as #{earlier}"
        yield {
            "number": number,
            "time": f"{call.started:%H:%M:%S}.{call.started.microsecond // 1000:03}",
            "failed": bool(call.error_code),
            "service": call.service,
            "operation": call.operation,
            **told,
        }


def _line(value: Any, limit: int = 240) -> str:
    """JSON on one line without quotes around names, cut at `limit` characters."""
    line = json.dumps(redaction.fields(value), ensure_ascii=False, default=str).replace('\\"', "").replace('"', "")
    return line if len(line) <= limit else f"{line[:limit]} …"


def abridged(value: Any, *, items: int, text: int, depth: int = 4) -> Any:
    """Return a JSON-like value whose long lists, long strings and deep structures are cut, with notes of omissions."""
    if isinstance(value, str):
        return value if len(value) <= text else f"{value[:text]} … ({len(value) - text} more characters)"
    if isinstance(value, bytes | bytearray):
        return f"… ({len(value)} bytes)"
    if not isinstance(value, Mapping | Sequence):
        return value
    if depth == 0:
        return f"… ({len(value)} {'fields' if isinstance(value, Mapping) else 'items'})"
    if isinstance(value, Mapping):
        return {key: abridged(item, items=items, text=text, depth=depth - 1) for key, item in value.items()}
    kept = [abridged(item, items=items, text=text, depth=depth - 1) for item in value[:items]]
    return kept if len(value) <= items else [*kept, f"… ({len(value) - items} more)"]


def _attach_json(name: str, value: Any) -> None:
    # default=str: times and decimals of an AWS answer are written the way people read them.
    body = json.dumps(redaction.fields(value), indent=1, ensure_ascii=False, default=str)
    _attach(name, body, allure.attachment_type.JSON)


def _attach(name: str, body: str, kind: allure.attachment_type) -> None:
    # The formatter's logger, the only way to disk, takes credentials out of text as well.
    allure.attach(body, name=name, attachment_type=kind)
