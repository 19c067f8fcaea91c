"""A day from a seed. Swarm testing: each day enables some kinds of faults and leaves the others out, so that no kind
hides another; most days have few faults, some have storms. Plans are small more often than large.
"""

from __future__ import annotations

from random import Random
from typing import Any

from simulator.gateway.faults import Fault
from tests.simulation.cases import Day, Document

# What the engine calls, and how often its answers matter.
OPERATIONS = (
    ("drs", "StartRecovery"),
    ("drs", "DescribeJobs"),
    ("drs", "DescribeSourceServers"),
    ("drs", "DescribeRecoveryInstances"),
    ("drs", "DescribeJobLogItems"),
    ("drs", "TerminateRecoveryInstances"),
    ("ec2", "DescribeInstanceStatus"),
    ("dynamodb", "GetItem"),
    ("dynamodb", "BatchGetItem"),
    ("dynamodb", "PutItem"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "UpdateItem"),
    ("sns", "Publish"),
    ("sts", "AssumeRole"),
    ("stepfunctions", "StartExecution"),
)
KINDS = (
    "throttle",
    "server_error",
    "lose_connection",
    "lose_answer",
    "expire_token",
    "kill_lambda_before",
    "kill_lambda_after",
    "fail_lambda",
    "conflict",
    "deny",
    "sns_down",
    "storm",
)
# What DynamoDB answers to a write that meets another transaction.
ONGOING = "Transaction is ongoing for the item"
CANCELLED = "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]"
CONFLICTS = (
    ("PutItem", "TransactionConflictException", ONGOING),
    ("UpdateItem", "TransactionConflictException", ONGOING),
    ("TransactWriteItems", "TransactionCanceledException", CANCELLED),
)
# One seed in so many hands over between runs of the state machine again and again, after so many ticks.
HANDS_OVER_EVERY = 10
TICKS_PER_RUN = 5
# One seed in so many runs its state machine in the interpreter.
INTERPRETED_EVERY = 20
ODD_ENDS = ("pending", "stopped", "terminated")


def draw(seed: int) -> Day:
    """The day of this seed; the same for ever, as long as this module stays as it is."""
    dice = Random(f"day {seed}")  # noqa: S311 - a day, no secret
    servers: dict[str, Document] = {}
    plans = [_plan(dice, servers)]
    if dice.random() < 0.15:
        plans.append(_sharing_plan(dice, servers))
    for number in servers:
        servers[number] = _server(dice)
    for plan in plans:
        for wave in plan["waves"]:
            wave["pinned"] = [one for one in wave["servers"] if servers[str(one)]["snapshot"] and dice.random() < 0.5]
    other_account = dice.random() < 0.25
    return Day(
        seed=seed,
        plans=plans,
        servers=servers,
        people=_people(dice, Random(f"day {seed} for real"), plans, servers),  # noqa: S311 - a day, no secret
        faults=_faults(dice, other_account),
        quotas=_quotas(dice, plans),
        other_account=other_account,
        interpreter=seed % INTERPRETED_EVERY == 0,
        ticks_per_run=TICKS_PER_RUN if seed % HANDS_OVER_EVERY == 0 else 0,
    )


def _few(dice: Random, most: int) -> int:
    """1 to `most`, small more often than large."""
    return max(1, min(most, round(dice.expovariate(1 / 2.2))))


def _plan(dice: Random, servers: dict[str, Document]) -> Document:
    waves: list[Document] = []
    count = _few(dice, 12)
    budget = 40
    for number in range(1, count + 1):
        size = min(_few(dice, 10), budget - (count - number))
        budget -= size
        first = len(servers) + 1
        own = list(range(first, first + size))
        servers.update({str(one): {} for one in own})
        waves.append(_wave(dice, number, own))
    return _of_waves(dice, waves)


def _sharing_plan(dice: Random, servers: dict[str, Document]) -> Document:
    """A second plan over some of the first one's servers."""
    numbers = [int(number) for number in servers]
    shared = dice.sample(numbers, _few(dice, min(4, len(numbers))))
    cut = dice.randint(0, len(shared) - 1)
    parts = [part for part in (shared[:cut], shared[cut:]) if part]
    return _of_waves(dice, [_wave(dice, number, part) for number, part in enumerate(parts, start=1)])


def _of_waves(dice: Random, waves: list[Document]) -> Document:
    return {
        "name": f"Plan of {len(waves)} waves",
        "type": "DRILL" if dice.random() < 0.8 else "RECOVERY",
        "waves": waves,
        "timeout": dice.choice([14400] * 8 + [dice.randint(60, 1200), dice.randint(600, 3600)]),
        "keeps_instances": dice.random() < 0.2,
        "topic": dice.random() < 0.7,
    }


def _wave(dice: Random, number: int, servers: list[int]) -> Document:
    wave: Document = {
        "order": "PARALLEL" if dice.random() < 0.65 else "SEQUENTIAL",
        "servers": servers,
        "wait": dice.choice([0, 0, 0, 0, 0, dice.randint(1, 59), dice.randint(60, 200), dice.randint(200, 900)]),
        "health": None,
        "pinned": [],
    }
    if dice.random() < 0.75:
        wave["health"] = {"timeout": 300, "interval": 30}
        if dice.random() < 0.2:
            wave["health"] = {"timeout": dice.randint(1, 400), "interval": dice.randint(5, 120)}
    if dice.random() < 0.6:
        earlier = list(range(1, number))
        wave["depends_on"] = sorted(dice.sample(earlier, dice.randint(0, min(3, len(earlier)))))
    return wave


def _server(dice: Random) -> Document:
    server: Document = {
        "launch": dice.choice([dice.randint(20, 120)] * 8 + [dice.randint(120, 400), dice.randint(400, 1800)]),
        "fails": None,
        "boot": dice.choice([0, dice.randint(1, 60), dice.randint(1, 60), dice.randint(60, 400)]),
        "becomes": "running",
        "replicates": "CONTINUOUS",
        "snapshot": dice.random() < 0.2,
        "terminate_fails": None,
    }
    if dice.random() < 0.06:
        server["fails"] = dice.choice(["conversion failed: no boot volume", "insufficient capacity"])
    if dice.random() < 0.08:
        server["becomes"] = dice.choice(ODD_ENDS)
    if dice.random() < 0.1:
        server["replicates"] = dice.choice(["DISCONNECTED", "STALLED", "STOPPED", "RESCAN"])
    if dice.random() < 0.002:
        server["terminate_fails"] = "the instance is protected against termination"
    return server


def _people(dice: Random, for_real: Random, plans: list[Document], servers: dict[str, Document]) -> list[Document]:
    """What people do. Their moments are spread over the time that the day's launches take."""
    length = 60 + 130 * sum(len(plan["waves"]) for plan in plans)
    moments = lambda: dice.choice([dice.randint(0, 5), dice.randint(0, length), dice.randint(0, length)])  # noqa: E731
    doings = [{"at": 0, "do": "start", "plan": 0}]
    if len(plans) > 1:
        doings.append({"at": dice.choice([0, dice.randint(0, length)]), "do": "start", "plan": 1})
    if dice.random() < 0.25:
        doings.append({"at": moments(), "do": "cancel", "plan": 0})
    if dice.random() < 0.25:
        again = {"at": moments(), "do": "start", "plan": 0}
        doings.append(again | ({"token": "morning"} if dice.random() < 0.4 else {}))
        if "token" in doings[-1] and dice.random() < 0.5:
            doings[0]["token"] = "morning"
    if dice.random() < 0.06:
        doings.append({"at": moments(), "do": "abort", "plan": 0})
    if dice.random() < 0.1:
        some = dice.sample(list(servers), _few(dice, min(3, len(servers))))
        job = {"at": moments(), "do": "foreign_job", "servers": [int(one) for one in some]}
        doings.append(job | ({"for_real": True} if for_real.random() < 0.5 else {}))
    if plans[0]["type"] == "DRILL" and for_real.random() < 0.06:
        doings += _disaster(for_real, length)
    return sorted(doings, key=lambda doing: doing["at"])


def _disaster(dice: Random, length: int) -> list[Document]:
    """In the middle of a drill it is needed for real: the drill is cancelled, mostly, and the plan started again."""
    at = dice.randint(0, length)
    begun = {"at": at + dice.randint(0, 150), "do": "start", "plan": 0, "for_real": True}
    return [{"at": at, "do": "cancel", "plan": 0}, begun] if dice.random() < 0.8 else [begun]


def _quotas(dice: Random, plans: list[Document]) -> Document:
    """Quotas that bind, now and then; always such that the largest job fits."""
    if dice.random() < 0.75:
        return {}
    largest = max(len(wave["servers"]) for plan in plans for wave in plan["waves"])
    a_job = dice.randint(1, max(1, largest))
    return {
        "servers_per_job": a_job,
        "concurrent_jobs": dice.choice([1, 1, 2, 20]),
        "servers_in_all_jobs": a_job + dice.choice([0, 1, 5, 500]),
    }


def _faults(dice: Random, other_account: bool) -> list[Document]:
    if dice.random() < 0.15:
        return []
    enabled = [kind for kind in KINDS if dice.random() < 0.35]
    if not other_account:
        # The function's own credentials are renewed by Lambda before they end.
        enabled = [kind for kind in enabled if kind != "expire_token"]
    if not enabled:
        return []
    count = dice.choice([1, 1, 2, 2, 3, 4, 6, 10])
    return [_fault(dice, dice.choice(enabled), other_account).to_dict() for _ in range(count)]


def _fault(dice: Random, kind: str, other_account: bool) -> Fault:  # noqa: C901 - one case a kind
    service, operation = dice.choice([one for one in OPERATIONS if other_account or one[0] != "sts"])
    narrow: dict[str, Any] = {"source": "lambda"}
    if dice.random() < 0.3:
        service, operation = "*", "*"
        after = dice.choice([dice.randint(0, 8), dice.randint(0, 60), dice.randint(0, 300)])
    else:
        after = dice.choice([0, 0, dice.randint(0, 3), dice.randint(0, 12), dice.randint(0, 40)])
    times = dice.choice([1, 1, 1, 2, 3, dice.randint(1, 8)])
    if kind == "storm":
        kind = dice.choice(["throttle", "server_error", "lose_connection", "lose_answer"])
        operation = "*"
        times = dice.randint(4, 30)
    match kind:
        case "throttle" | "server_error":
            retry = dice.choice([None, None, dice.randint(1, 8), dice.randint(9, 200)])
            return Fault(kind, service, operation, times, after, retry_after=retry, **narrow)
        case "lose_connection":
            code = dice.choice([None, "EndpointConnectionError", "ConnectTimeoutError"])
            return Fault(kind, service, operation, times, after, code=code, **narrow)
        case "expire_token":
            return Fault(kind, dice.choice(["drs", "ec2"]), "*", dice.choice([1, 1, 2]), after, **narrow)
        case "kill_lambda_before" | "kill_lambda_after":
            return Fault(kind, service, operation, dice.choice([1, 1, 2, 3]), after, **narrow)
        case "fail_lambda":
            code = dice.choice(["unhandled", "service"])
            return Fault(kind, "lambda", "*", dice.choice([1, 1, 2, 3, 4]), dice.randint(0, 30), code=code)
        case "conflict":
            write, code, message = dice.choice(CONFLICTS)
            return Fault(
                "respond", "dynamodb", write, dice.choice([1, 1, 2]), after % 20, code=code, status=400,
                message=message, **narrow,
            )  # fmt: skip
        case "deny":
            return Fault(kind, service, operation, 1, after, **narrow)
        case "sns_down":
            kind = dice.choice(["server_error", "throttle", "deny", "lose_connection"])
            return Fault(kind, "sns", "*", None, **narrow)
    return Fault(kind, service, operation, times, after, **narrow)
