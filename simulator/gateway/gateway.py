"""The gateway: every AWS call of the process, from any client and transport, passes through it to moto.

    identify -> half the latency -> credentials -> request's model -> permissions -> faults -> moto -> response's model
             -> half the latency -> faults after the effect -> response

The effect happens in the middle of a call's latency, so another call can take effect before or after it. The steps
between the two halves are atomic. The journal holds each call from its start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.httpsession import URLLib3Session
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber
from moto.moto_api._internal import mock_random

from simulator.gateway import client_errors, direct, dispatch, model_validation
from simulator.gateway import differences as d
from simulator.gateway import faults as f
from simulator.gateway.authentication import authenticate, expired
from simulator.gateway.differences import Differences, NotOffered
from simulator.gateway.direct import DirectRequest
from simulator.gateway.faults import Fault, Faults
from simulator.gateway.http import HttpRequest, HttpResponse
from simulator.gateway.identity import CallingPrincipal, calling_principal, end_session
from simulator.gateway.journal import Journal, JournalEntry, plain
from simulator.gateway.permissions import Permissions
from simulator.gateway.requests import IdentifiedCall, identify, is_for_aws, parse_response
from simulator.gateway.service_errors import AwsError, encode, error_codes, status_of
from simulator.patches.patching import Patch
from simulator.time.clock import Actor, SimulatorDefect, VirtualClock, real_now

DEFAULT_LATENCY = 0.08
# Services of this simulator: their answers must satisfy AWS's model. Differences of moto's services are noted.
_OWN_SERVICES = frozenset({"drs"})


class ConnectionLost(Exception):
    """The caller gets no response. `kind` is the name of the exception that botocore raises."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class LambdaKilled(BaseException):
    """The Lambda invocation is dead. Not an Exception, so that the function cannot catch it and continue."""


@dataclass(frozen=True)
class ServiceResponse:
    """The response of the service, on the wire and parsed."""

    http: HttpResponse
    parsed: dict[str, Any]


class Inspector(Protocol):
    """Checks the limits of one service: `inspect` raises AwsError for a call that exceeds them.

    The gateway passes the response of a successful call to the returned hook, which records its consumption.
    """

    def inspect(self, call: IdentifiedCall, account: str) -> Callable[[dict[str, Any], JournalEntry], None] | None: ...


class Gateway:
    def __init__(
        self,
        clock: VirtualClock,
        journal: Journal,
        faults: Faults,
        permissions: Permissions,
        *,
        inspectors: Mapping[str, Inspector] | None = None,
        latency: Mapping[str, float] | None = None,
    ) -> None:
        self.differences = Differences()
        self._clock = clock
        self._journal = journal
        self._faults = faults
        self._permissions = permissions
        self._inspectors = inspectors or {}
        self._latency = latency or {}

    def handle(self, request: HttpRequest | DirectRequest) -> HttpResponse:
        """Raises ConnectionLost where the caller gets no response, LambdaKilled where the call ends its function."""
        actor = self._clock.current()
        if actor is None:
            with self._clock.external_actor("a client in another thread", "suite") as guest:
                return self._handle(request, guest)
        if actor.killed is not None:
            raise actor.killed
        with actor.outside_scope():
            return self._handle(request, actor)

    def _handle(self, request: HttpRequest | DirectRequest, actor: Actor) -> HttpResponse:
        call = identified(request)
        principal = calling_principal(call.access_key)
        entry = self._open(call, principal, actor)
        try:
            answer = self._perform(call, principal, entry, actor, request)
        except AwsError as error:
            entry.error_code, entry.error_message, entry.status_code = error.code, error.message, error.status
            return HttpResponse(*encode(error, call.protocol, entry.request_id))
        except ConnectionLost as lost:
            entry.error_code, entry.error_message = lost.kind, "the caller got no response"
            raise
        except BaseException as error:
            entry.error_code, entry.error_message = type(error).__name__, str(error)
            raise
        finally:
            entry.ended = self._clock.now()
            self._journal.note_end(entry)
        self._note(entry, answer)
        return answer.http

    def _perform(
        self,
        call: IdentifiedCall,
        principal: CallingPrincipal | None,
        entry: JournalEntry,
        actor: Actor,
        request: HttpRequest | DirectRequest,
    ) -> ServiceResponse:
        half = self._latency_of(call) / 2
        self._clock.sleep(half, f"{call.service} {call.operation} to arrive")
        try:
            authenticate(call, principal, request, self._clock.now())
            self._admit(call, principal, entry, actor)
            inspector = self._inspectors.get(call.service)
            note = inspector.inspect(call, entry.account) if inspector else None
            answer = self._forward(call, entry, actor)
            if note is not None and answer.http.status < 300:
                note(answer.parsed, entry)
        except AwsError:
            self._clock.sleep(half, f"the error of {call.service} {call.operation}")
            raise
        self._clock.sleep(half, f"the answer of {call.service} {call.operation}")
        self._apply_faults_after(call, entry, actor)
        return answer

    # -- before the effect --------------------------------------------------------------------------------------------

    def _admit(
        self, call: IdentifiedCall, principal: CallingPrincipal | None, entry: JournalEntry, actor: Actor
    ) -> None:
        codes = error_codes(call.service)
        found = _request_problems(call)
        if found:
            raise AwsError(codes.invalid[0], model_validation.message(found), codes.invalid[1])
        client_errors.check(call)
        if principal is None:
            self._permissions.authorise_federation(call, min(self._clock.now(), real_now()))
        else:
            self._permissions.authorise_call(call, principal)
        self._apply_faults_before(call, principal, entry, actor)

    def _apply_faults_before(
        self, call: IdentifiedCall, principal: CallingPrincipal | None, entry: JournalEntry, actor: Actor
    ) -> None:
        fault = self._hit(f.BEFORE_EFFECT, entry)
        if fault is None:
            return
        codes = error_codes(call.service)
        if fault.kind == f.LOSE_CONNECTION:
            raise ConnectionLost(fault.code or "ConnectionClosedError")
        if fault.kind == f.KILL_BEFORE:
            raise actor.kill(LambdaKilled(f"killed before {call.operation} took effect"))
        if fault.kind == f.EXPIRE_TOKEN:
            end_session(call.access_key, self._clock.now())
            raise expired(call)
        if fault.kind == f.DENY:
            caller = principal.arn if principal else "anonymous"
            text = fault.message or f"User: {caller} is not authorized to perform: {call.service}:{call.operation}"
            raise AwsError(codes.access_denied[0], text, codes.access_denied[1])
        if fault.kind in (f.THROTTLE, f.RATE_LIMIT):
            raise _modelled(call, *codes.throttled, fault.message or "Rate exceeded", fault)
        if fault.kind == f.SERVER_ERROR:
            raise _modelled(call, *codes.server_error, fault.message or "An internal error occurred", fault)
        raise _modelled(call, fault.code or "InternalFailure", fault.status or 400, fault.message or "", fault)

    # -- the effect ---------------------------------------------------------------------------------------------------

    def _forward(self, call: IdentifiedCall, entry: JournalEntry, actor: Actor) -> ServiceResponse:
        try:
            reply = dispatch.process(call.prepared, call.normalized)
        except NotImplementedError as missing:
            raise self._defect(actor, NotOffered(call.service, call.operation, call.protocol)) from missing
        except client_errors.UNREADABLE as failure:
            if actor.source != "client" or call.service in _OWN_SERVICES:
                raise
            self._note_difference(d.REQUEST, call, f"moto failed: {type(failure).__name__}: {failure}")
            raise client_errors.of_failure(call, failure) from failure
        if reply is None:
            raise self._defect(actor, NotOffered(call.service, call.operation, call.protocol))
        status, headers, body = reply
        http = HttpResponse(
            int(status),
            {str(name): str(value) for name, value in headers.items()} | {"x-amzn-requestid": entry.request_id},
            body.encode() if isinstance(body, str) else bytes(body),
        )
        parsed = parse_response(call, http)
        if http.status < 300:
            self._check_answer(call, parsed, actor)
        return ServiceResponse(http, parsed)

    def _check_answer(self, call: IdentifiedCall, parsed: dict[str, Any], actor: Actor) -> None:
        shape = call.operation_model.output_shape
        if shape is None or call.is_item_operation:
            return
        output = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        found = model_validation.answer_problems(call.service, output, shape)
        if not found:
            return
        problem = model_validation.message(found)
        if call.service in _OWN_SERVICES:
            raise self._defect(actor, SimulatorDefect(f"answer of {call.service} {call.operation}: {problem}"))
        self._note_difference(d.ANSWER, call, problem)

    def _note_difference(self, kind: str, call: IdentifiedCall, problem: str) -> None:
        self.differences.note(kind, call.service, call.operation, problem)

    def _defect(self, actor: Actor, defect: SimulatorDefect) -> SimulatorDefect:
        """An error for the caller. A function may catch it, so the suite's next step on the clock raises it as well.

        A client in another process gets an answer instead, and the server logs the error.
        """
        if actor is not self._clock.main and actor.source != "client":
            self._clock.failures.append(defect)
        return defect

    # -- after the effect ---------------------------------------------------------------------------------------------

    def _apply_faults_after(self, call: IdentifiedCall, entry: JournalEntry, actor: Actor) -> None:
        fault = self._hit(f.AFTER_EFFECT, entry)
        if fault is None:
            return
        if fault.kind == f.KILL_AFTER:
            raise actor.kill(LambdaKilled(f"killed after {call.operation} took effect"))
        raise ConnectionLost(fault.code or "ReadTimeoutError")

    def _hit(self, kinds: frozenset[str], entry: JournalEntry) -> Fault | None:
        fault = self._faults.hit(
            kinds, entry.service, entry.operation, entry.parameters, entry.source, self._clock.now()
        )
        if fault is not None:
            entry.fault = fault.kind
        return fault

    # -- journal ------------------------------------------------------------------------------------------------------

    def _open(self, call: IdentifiedCall, principal: CallingPrincipal | None, actor: Actor) -> JournalEntry:
        entry = JournalEntry(
            number=len(self._journal) + 1,
            service=call.service,
            operation=call.operation,
            parameters=call.parameters if call.is_item_operation else plain(call.parameters),
            account=principal.account if principal else "",
            region=call.region,
            principal=principal.arn if principal else "",
            source=actor.source,
            actor=actor.name,
            started=self._clock.now(),
            request_id=str(mock_random.uuid4()),
        )
        self._journal.add(entry)
        return entry

    def _note(self, entry: JournalEntry, answer: ServiceResponse) -> None:
        entry.status_code = answer.http.status
        parsed = {name: value for name, value in answer.parsed.items() if name != "ResponseMetadata"}
        error = parsed.get("Error")
        if answer.http.status >= 300 and isinstance(error, dict):
            entry.error_code, entry.error_message = str(error.get("Code")), str(error.get("Message"))
        else:
            entry.response = (
                parsed if entry.consumed is not None else plain(parsed)
            )  # metered responses are plain JSON without secrets

    def _latency_of(self, call: IdentifiedCall) -> float:
        for name in (f"{call.service}.{call.operation}", f"{call.service}.*", "*"):
            if name in self._latency:
                return self._latency[name]
        return DEFAULT_LATENCY

    # -- botocore's end -----------------------------------------------------------------------------------------------

    def patches(self) -> list[Patch]:
        real_send = URLLib3Session.send

        def send(session: URLLib3Session, request: Any) -> Any:
            if not isinstance(request, DirectRequest) and not is_for_aws(request.url):
                return real_send(session, request)
            return self._send(session, request)

        return [
            *direct.patches(),
            Patch(URLLib3Session, "send", send, "every botocore client of the process sends its requests here"),
            Patch(
                botocore_stubber, "enabled", False, "moto's own hook would respond before the gateway sees the request"
            ),
        ]

    def _send(self, session: URLLib3Session, request: Any) -> AWSResponse:
        try:
            response = self.handle(request if isinstance(request, DirectRequest) else _on_the_wire(request))
        except ConnectionLost as lost:
            self._clock.sleep(_client_timeout(session, lost.kind), f"the client to give up: {lost.kind}")
            raise _BOTOCORE_ERRORS[lost.kind](request) from lost
        headers = HTTPHeaders()
        for name, value in response.headers.items():
            headers[name] = value
        return AWSResponse(request.url, response.status, headers, MockRawResponse(response.body))


def _on_the_wire(request: Any) -> HttpRequest:
    body = request.body
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    url = urlsplit(request.url)
    # botocore sends some values as bytes, and leaves the host to its transport.
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return HttpRequest(request.method, request.url, headers | {"Host": url.netloc}, body or b"", target)


def _request_problems(call: IdentifiedCall) -> list[str]:
    shape = call.operation_model.input_shape
    return model_validation.request_problems(call.service, call.parameters, shape) if shape is not None else []


def _modelled(call: IdentifiedCall, code: str, status: int, message: str, fault: Fault) -> AwsError:
    return AwsError(code, message, fault.status or status_of(call.operation_model, code, status), fault.retry_after)


_BOTOCORE_ERRORS: dict[str, Callable[[Any], Exception]] = {
    "ConnectionClosedError": lambda request: ConnectionClosedError(endpoint_url=request.url, request=request),
    "EndpointConnectionError": lambda request: EndpointConnectionError(
        endpoint_url=request.url, error="connection lost"
    ),
    "ConnectTimeoutError": lambda request: ConnectTimeoutError(endpoint_url=request.url),
    "ReadTimeoutError": lambda request: ReadTimeoutError(endpoint_url=request.url),
}


def _client_timeout(session: URLLib3Session, kind: str) -> float:
    """Virtual seconds until the client notices: its own time-out (60 s by default), 0 for a closed connection."""
    name = {"ConnectTimeoutError": "connect_timeout", "ReadTimeoutError": "read_timeout"}.get(kind)
    timeout: Any = vars(session)["_timeout"]
    return float(getattr(timeout, name, timeout)) if name else 0.0


def identified(request: HttpRequest | DirectRequest) -> IdentifiedCall:
    """The call that a request makes, from the wire or on the direct path."""
    return request.identify() if isinstance(request, DirectRequest) else identify(request)
