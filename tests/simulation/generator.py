"""Derives a case from a seed. Swarm testing: each case enables some kinds of faults and leaves the others out, so that
no kind hides another; most cases have few faults, some have storms. Plans are small more often than large.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from simulator.gateway.faults import Fault
from tests.simulation.cases import Case, Document

# The operations that the engine calls. A new one goes to LATER_OPERATIONS: here it would change every case.
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
LATER_OPERATIONS = (("ec2", "DescribeInstances"), ("dynamodb", "Query"))
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
LATER_KINDS = (
    "throttle",
    "server_error",
    "lose_connection",
    "lose_answer",
    "kill_lambda_before",
    "kill_lambda_after",
    "deny",
)
# DynamoDB's answers to a write that conflicts with another transaction.
ONGOING = "Transaction is ongoing for the item"
CANCELLED = "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]"
CONFLICTS = (
    ("PutItem", "TransactionConflictException", ONGOING),
    ("UpdateItem", "TransactionConflictException", ONGOING),
    ("TransactWriteItems", "TransactionCanceledException", CANCELLED),
)
# One seed in 10 hands over between runs of the state machine every 5 ticks.
HANDS_OVER_EVERY = 10
TICKS_PER_RUN = 5
# One seed in 20 runs its state machine in moto's interpreter.
INTERPRETED_EVERY = 20
ABNORMAL_STATES = ("pending", "stopped", "terminated")


def generate(seed: int) -> Case:
    """The case of this seed: always the same one, as long as this module does not change."""
    # The strings below seed the generators: another string would change every case.
    rng = Random(f"day {seed}")  # noqa: S311 - a test case, no secret
    servers: dict[str, Document] = {}
    plans = [_plan(rng, servers)]
    if rng.random() < 0.15:
        plans.append(_sharing_plan(rng, servers))
    for number in servers:
        servers[number] = _server(rng)
    for plan in plans:
        for wave in plan["waves"]:
            wave["pinned"] = [one for one in wave["servers"] if servers[str(one)]["snapshot"] and rng.random() < 0.5]
    other_account = rng.random() < 0.25
    actions = _actions(rng, Random(f"day {seed} for real"), plans, servers)  # noqa: S311 - a test case, no secret
    faults, quotas = _faults(rng, other_account), _quotas(rng, plans)
    _share_servers(Random(f"day {seed} for shared servers"), plans, servers, actions)  # noqa: S311 - as above
    _go_on_after_a_failure(Random(f"day {seed} for resumptions"), plans, servers, actions)  # noqa: S311 - as above
    faults += _later_faults(Random(f"day {seed} for later operations"))  # noqa: S311 - as above
    return Case(
        seed=seed,
        plans=plans,
        servers=servers,
        actions=sorted(actions, key=lambda one: one["at"]),
        faults=faults,
        quotas=quotas,
        other_account=other_account,
        interpreter=seed % INTERPRETED_EVERY == 0,
        ticks_per_run=TICKS_PER_RUN if seed % HANDS_OVER_EVERY == 0 else 0,
    )


def _few(rng: Random, most: int) -> int:
    """1 to `most`, small more often than large."""
    return max(1, min(most, round(rng.expovariate(1 / 2.2))))


def _plan(rng: Random, servers: dict[str, Document]) -> Document:
    waves: list[Document] = []
    count = _few(rng, 12)
    budget = 40
    for number in range(1, count + 1):
        size = min(_few(rng, 10), budget - (count - number))
        budget -= size
        first = len(servers) + 1
        own = list(range(first, first + size))
        servers.update({str(one): {} for one in own})
        waves.append(_wave(rng, number, own))
    return _of_waves(rng, waves)


def _sharing_plan(rng: Random, servers: dict[str, Document]) -> Document:
    """A second plan that contains some servers of the first."""
    numbers = [int(number) for number in servers]
    shared = rng.sample(numbers, _few(rng, min(4, len(numbers))))
    cut = rng.randint(0, len(shared) - 1)
    parts = [part for part in (shared[:cut], shared[cut:]) if part]
    return _of_waves(rng, [_wave(rng, number, part) for number, part in enumerate(parts, start=1)])


def _share_servers(rng: Random, plans: list[Document], servers: dict[str, Document], actions: list[Document]) -> None:
    """In one case of five, starts that compete for servers: of a plan that shares some, often at the same moment."""
    if rng.random() >= 0.2:
        return
    if len(plans) == 1:
        plans.append(_sharing_plan(rng, servers))
    for _ in range(rng.randint(1, 3)):
        near = rng.choice(actions)["at"]
        start = {"at": near + rng.choice([0, 0, 1, rng.randint(0, 300)]), "do": "start", "plan": rng.randint(0, 1)}
        if rng.random() < 0.5:
            start |= {"recovery": True, "keep": rng.random() < 0.8, "cancel_drills": rng.random() < 0.6}
        actions.append(start)


def _go_on_after_a_failure(
    rng: Random, plans: list[Document], servers: dict[str, Document], actions: list[Document]
) -> None:
    """In one case of three, an execution fails, and operators resume it, start it again, or take over from it."""
    if rng.random() >= 0.33:
        return
    plan = rng.randrange(len(plans))
    numbers = [number for wave in plans[plan]["waves"] for number in wave["servers"]]
    if rng.random() < 0.7:
        plans[plan]["type"] = "RECOVERY"
    else:
        plans[plan]["keeps_instances"] = True
    last = max(action["at"] for action in actions)
    match rng.choice(["launch", "launch", "cancel", "abort"]):
        case "launch":
            servers[str(rng.choice(numbers))]["fails"] = "insufficient capacity"
        case how:
            actions.append({"at": rng.randint(0, 60 + 130 * len(plans[plan]["waves"])), "do": how, "plan": plan})
    if rng.random() < 0.2:
        job = {"at": last + rng.randint(0, 600), "do": "foreign_job", "servers": rng.sample(numbers, 1)}
        actions.append(job | {"recovery": True})
    for _ in range(rng.choice([1, 1, 2, 3])):
        last += rng.choice([0, 1, rng.randint(0, 60), rng.randint(0, 900)])
        actions.append(_way_on(rng, plan) | {"at": last})


def _way_on(rng: Random, plan: int) -> Document:
    """What an operator does after a failure; most wait until the execution is over."""
    patient = {"patient": True} if rng.random() < 0.7 else {}
    if rng.random() < 0.7:
        return {"do": "resume", "plan": plan, **patient, **({"heal": True} if patient and rng.random() < 0.7 else {})}
    start = {"do": "start", "plan": plan, "recovery": True, "keep": rng.random() < 0.7}
    return start | {"cancel_drills": rng.random() < 0.5, "take_over": rng.random() < 0.5}


def _of_waves(rng: Random, waves: list[Document]) -> Document:
    return {
        "name": f"Plan of {len(waves)} waves",
        "type": "DRILL" if rng.random() < 0.8 else "RECOVERY",
        "waves": waves,
        "timeout": rng.choice([14400] * 8 + [rng.randint(60, 1200), rng.randint(600, 3600)]),
        "keeps_instances": rng.random() < 0.2,
        "topic": rng.random() < 0.7,
    }


def _wave(rng: Random, number: int, servers: list[int]) -> Document:
    wave: Document = {
        "order": "PARALLEL" if rng.random() < 0.65 else "SEQUENTIAL",
        "servers": servers,
        "wait": rng.choice([0, 0, 0, 0, 0, rng.randint(1, 59), rng.randint(60, 200), rng.randint(200, 900)]),
        "health": None,
        "pinned": [],
    }
    if rng.random() < 0.75:
        wave["health"] = {"timeout": 300, "interval": 30}
        if rng.random() < 0.2:
            wave["health"] = {"timeout": rng.randint(1, 400), "interval": rng.randint(5, 120)}
    if rng.random() < 0.6:
        earlier = list(range(1, number))
        wave["depends_on"] = sorted(rng.sample(earlier, rng.randint(0, min(3, len(earlier)))))
    return wave


def _server(rng: Random) -> Document:
    server: Document = {
        "launch": rng.choice([rng.randint(20, 120)] * 8 + [rng.randint(120, 400), rng.randint(400, 1800)]),
        "fails": None,
        "boot": rng.choice([0, rng.randint(1, 60), rng.randint(1, 60), rng.randint(60, 400)]),
        "becomes": "running",
        "replicates": "CONTINUOUS",
        "snapshot": rng.random() < 0.2,
        "terminate_fails": None,
    }
    if rng.random() < 0.06:
        server["fails"] = rng.choice(["conversion failed: no boot volume", "insufficient capacity"])
    if rng.random() < 0.08:
        server["becomes"] = rng.choice(ABNORMAL_STATES)
    if rng.random() < 0.1:
        server["replicates"] = rng.choice(["DISCONNECTED", "STALLED", "STOPPED", "RESCAN"])
    if rng.random() < 0.002:
        server["terminate_fails"] = "the instance is protected against termination"
    return server


def _actions(rng: Random, recovery_rng: Random, plans: list[Document], servers: dict[str, Document]) -> list[Document]:
    """The actions of operators, spread over the time that the launches of the case take."""
    length = 60 + 130 * sum(len(plan["waves"]) for plan in plans)
    moments = lambda: rng.choice([rng.randint(0, 5), rng.randint(0, length), rng.randint(0, length)])  # noqa: E731
    actions = [{"at": 0, "do": "start", "plan": 0}]
    if len(plans) > 1:
        actions.append({"at": rng.choice([0, rng.randint(0, length)]), "do": "start", "plan": 1})
    if rng.random() < 0.25:
        actions.append({"at": moments(), "do": "cancel", "plan": 0})
    if rng.random() < 0.25:
        again = {"at": moments(), "do": "start", "plan": 0}
        actions.append(again | ({"token": "morning"} if rng.random() < 0.4 else {}))
        if "token" in actions[-1] and rng.random() < 0.5:
            actions[0]["token"] = "morning"
    if rng.random() < 0.06:
        actions.append({"at": moments(), "do": "abort", "plan": 0})
    if rng.random() < 0.1:
        some = rng.sample(list(servers), _few(rng, min(3, len(servers))))
        job = {"at": moments(), "do": "foreign_job", "servers": [int(one) for one in some]}
        actions.append(job | ({"recovery": True} if recovery_rng.random() < 0.5 else {}))
    if plans[0]["type"] == "DRILL" and recovery_rng.random() < 0.06:
        actions += _recovery_during_drill(recovery_rng, length)
    for action in actions:
        if action["do"] == "start" and recovery_rng.random() < 0.3:
            action["keep"] = True
    return sorted(actions, key=lambda one: one["at"])


def _recovery_during_drill(rng: Random, length: int) -> list[Document]:
    """A recovery is needed during a drill: in most cases the drill is cancelled; then the recovery is started."""
    at = rng.randint(0, length)
    start = {"at": at + rng.randint(0, 150), "do": "start", "plan": 0, "recovery": True}
    return [{"at": at, "do": "cancel", "plan": 0}, start] if rng.random() < 0.8 else [start]


def _quotas(rng: Random, plans: list[Document]) -> Document:
    """In one case of four, quotas that limit the plans; the largest job always fits."""
    if rng.random() < 0.75:
        return {}
    largest = max(len(wave["servers"]) for plan in plans for wave in plan["waves"])
    a_job = rng.randint(1, max(1, largest))
    return {
        "servers_per_job": a_job,
        "concurrent_jobs": rng.choice([1, 1, 2, 20]),
        "servers_in_all_jobs": a_job + rng.choice([0, 1, 5, 500]),
    }


def _faults(rng: Random, other_account: bool) -> list[Document]:
    if rng.random() < 0.15:
        return []
    enabled = [kind for kind in KINDS if rng.random() < 0.35]
    if not other_account:
        # Lambda renews the function's own credentials before they expire.
        enabled = [kind for kind in enabled if kind != "expire_token"]
    if not enabled:
        return []
    count = rng.choice([1, 1, 2, 2, 3, 4, 6, 10])
    operations = [one for one in OPERATIONS if other_account or one[0] != "sts"]
    return [_fault(rng, rng.choice(enabled), operations).to_dict() for _ in range(count)]


def _later_faults(rng: Random) -> list[Document]:
    """In one case of five, a fault of one of the LATER_OPERATIONS."""
    return [_fault(rng, rng.choice(LATER_KINDS), LATER_OPERATIONS).to_dict()] if rng.random() < 0.2 else []


def _fault(rng: Random, kind: str, operations: Sequence[tuple[str, str]]) -> Fault:  # noqa: C901 - a branch a kind
    service, operation = rng.choice(operations)
    narrow: dict[str, Any] = {"source": "lambda"}
    if rng.random() < 0.3:
        service, operation = "*", "*"
        after = rng.choice([rng.randint(0, 8), rng.randint(0, 60), rng.randint(0, 300)])
    else:
        after = rng.choice([0, 0, rng.randint(0, 3), rng.randint(0, 12), rng.randint(0, 40)])
    times = rng.choice([1, 1, 1, 2, 3, rng.randint(1, 8)])
    if kind == "storm":
        kind = rng.choice(["throttle", "server_error", "lose_connection", "lose_answer"])
        operation = "*"
        times = rng.randint(4, 30)
    match kind:
        case "throttle" | "server_error":
            retry = rng.choice([None, None, rng.randint(1, 8), rng.randint(9, 200)])
            return Fault(kind, service, operation, times, after, retry_after=retry, **narrow)
        case "lose_connection":
            code = rng.choice([None, "EndpointConnectionError", "ConnectTimeoutError"])
            return Fault(kind, service, operation, times, after, code=code, **narrow)
        case "expire_token":
            return Fault(kind, rng.choice(["drs", "ec2"]), "*", rng.choice([1, 1, 2]), after, **narrow)
        case "kill_lambda_before" | "kill_lambda_after":
            return Fault(kind, service, operation, rng.choice([1, 1, 2, 3]), after, **narrow)
        case "fail_lambda":
            code = rng.choice(["unhandled", "service"])
            return Fault(kind, "lambda", "*", rng.choice([1, 1, 2, 3, 4]), rng.randint(0, 30), code=code)
        case "conflict":
            write, code, message = rng.choice(CONFLICTS)
            return Fault(
                "respond", "dynamodb", write, rng.choice([1, 1, 2]), after % 20, code=code, status=400,
                message=message, **narrow,
            )  # fmt: skip
        case "deny":
            return Fault(kind, service, operation, 1, after, **narrow)
        case "sns_down":
            kind = rng.choice(["server_error", "throttle", "deny", "lose_connection"])
            return Fault(kind, "sns", "*", None, **narrow)
    return Fault(kind, service, operation, times, after, **narrow)
