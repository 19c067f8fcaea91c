"""The values of the typed gaps in phrases, and the tables of the words that stand for them.

`features.parameter_types` parses each gap into such a value; the steps work with the values. Times are in seconds. The
features name an AWS operation by its purpose (`REQUESTS`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

_LICENSE = "arn:aws:license-manager:REGION:ACCOUNT:license-configuration:lic-0123456789abcdef0"
# Settings of servers that need rights of their own, with the fields of EC2's LaunchTemplateData. REGION and ACCOUNT
# stand for those of the plan.
LAUNCH_SETTINGS: dict[str, dict[str, object]] = {
    "a key pair": {"KeyName": "operations"},
    "an instance profile": {"IamInstanceProfile": {"Name": "recovered-server"}},
    "a placement group": {"Placement": {"GroupName": "databases"}},
    "a capacity reservation": {
        "CapacityReservationSpecification": {
            "CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789abcdef0"}
        }
    },
    "a group of capacity reservations": {
        "CapacityReservationSpecification": {
            "CapacityReservationTarget": {
                "CapacityReservationResourceGroupArn": "arn:aws:resource-groups:REGION:ACCOUNT:group/reserved"
            }
        }
    },
    "a license configuration": {"LicenseSpecifications": [{"LicenseConfigurationArn": _LICENSE}]},
    "a second network interface": {
        "NetworkInterfaces": [{"DeviceIndex": 1, "NetworkInterfaceId": "eni-0123456789abcdef0"}]
    },
    # Not of the launch template, but of the replication settings.
    "a customer's encryption key": {},
}

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """One kind of request of the engine: its name in the features, and AWS's service and operation."""

    words: str
    service: str
    operation: str


REQUESTS = {
    request.words: request
    for request in (
        Request("recovery request", "drs", "StartRecovery"),
        Request("job query", "drs", "DescribeJobs"),
        Request("server query", "drs", "DescribeSourceServers"),
        Request("snapshot query", "drs", "DescribeRecoverySnapshots"),
        Request("health check", "ec2", "DescribeInstanceStatus"),
        Request("termination request", "drs", "TerminateRecoveryInstances"),
        Request("role assumption", "sts", "AssumeRole"),
        Request("notification", "sns", "Publish"),
        Request("history write", "dynamodb", "TransactWriteItems"),
    )
}

# The fault's name in the features, and the method of `simulator.gateway.faults.Faults` that arranges it.
FAULTS = {
    "throttles": "throttle",
    "fails": "server_error",
    "denies": "deny",
    "loses": "lose_connection",
    "loses the answer to": "lose_answer",
    "finds the credentials expired at": "expire_token",
    "kills the function before": "kill_lambda_before",
    "kills the function after": "kill_lambda_after",
}

# Texts that people read; `features.steps.texts` reads each. A longer name stands before its own beginning.
SOURCES = (
    "the refusal of the decision",
    "the refusal",
    "the warnings of the start",
    "the reason of the execution",
    "the errors in the message",
    "the errors",
    "the error of server",
    "the warning of server",
    "the engine's log",
    "the log of the approvals",
)

TRUSTS = ("trusts the engine", "trusts another account", "expects another external id", "has no role for the engine")


@dataclass(frozen=True)
class Requests:
    """A selection of one kind of request: `times` requests (None: all) after the first `after`."""

    request: Request
    times: int | None
    after: int = 0

    def of(self, calls: Sequence[T]) -> Sequence[T]:
        """The selected ones of all calls of this kind, in order."""
        return calls[self.after :] if self.times is None else calls[self.after : self.after + self.times]


@dataclass(frozen=True)
class Between:
    """A span of time with both limits, in seconds."""

    low: int
    high: int


@dataclass(frozen=True)
class Gap:
    """How long after another moment: `kind` is exactly, at most or about."""

    kind: str
    seconds: int


@dataclass(frozen=True)
class Moment:
    """A moment that the record has: `event` of a part, which is "wave 2", 'server "web-1"' or "the execution"."""

    part: str
    event: str


@dataclass(frozen=True)
class Selection:
    """Servers that were launched: all of `names`, or none (of `wave`)."""

    names: tuple[str, ...] = ()
    wave: int | None = None


@dataclass(frozen=True)
class Existing:
    """What a recovery does with the instances of an earlier one: keep all, or replace those of `servers`.

    `instance` is the confirmed instance; "" stands for the one that DRS has for the server.
    """

    servers: tuple[str, ...] = ()
    instance: str = ""


@dataclass(frozen=True)
class Start:
    """How a plan is started: to the end of its execution or not, and at most one option.

    `as_of` is an age in seconds.
    """

    to_end: bool
    existing: Existing | None = None
    as_of: int = 0
    token: str = ""

    @property
    def is_plain(self) -> bool:
        return self == Start(self.to_end)


@dataclass(frozen=True)
class Command:
    """An operator's command to an execution: cancelled, paused or continued."""

    name: str
    reason: str = ""


@dataclass(frozen=True)
class Source:
    """A text that people read, by its name in `SOURCES`, and the server that it is about, or ""."""

    name: str
    server: str = ""


@dataclass(frozen=True)
class ObjectiveKind:
    """A recovery objective: its name in records and its field in plans."""

    name: str
    field: str


@dataclass(frozen=True)
class Resumption:
    """The choices of a resumption: waves and servers to skip, and the server that is launched from another snapshot."""

    skip_waves: tuple[int, ...] = ()
    skip_server: str = ""
    snapshot_of: str = ""


@dataclass(frozen=True)
class PlanShape:
    """How many waves a plan has, of which type, and how many of them depend on others."""

    count: int
    execution_type: str
    dependent: int
