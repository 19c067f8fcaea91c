"""The WSGI application: passes a request to the simulator's gateway or, below /_simulator, to its control."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from werkzeug.wrappers import Request, Response

from simulator.gateway.differences import NotOffered
from simulator.gateway.gateway import ConnectionLost
from simulator.gateway.http import HttpRequest, HttpResponse
from simulator.gateway.requests import MalformedRequest, NotAnAwsRequest, identify
from simulator.gateway.service_errors import AwsError
from simulator.gateway.service_errors import encode as encode_error
from simulator.services.sns_sqs import called_at
from simulator.serving.control import BadRequest, Control, encode
from simulator.serving.remote import CONTROL_PATH
from simulator.simulator import Simulator
from simulator.time.clock import ActorStopped

_OWN_HEADERS = {"connection", "transfer-encoding", "content-length", "date", "server"}


class Application:
    def __init__(self, aws: Simulator, control: Control, hint: str) -> None:
        self._aws = aws
        self._control = control
        self._hint = hint

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        try:
            response = self._control_call(request) if _is_control(request.path) else self._aws_call(request)
        except ConnectionLost:
            _hang_up(environ)
        except ActorStopped:
            response = _plain(503, "the simulator is stopping")
        return response(environ, start_response)

    # -- AWS ----------------------------------------------------------------------------------------------------------

    def _aws_call(self, request: Request) -> Response:
        body = request.get_data(cache=False)
        call = HttpRequest(request.method, request.url, dict(request.headers), body, request.environ["RAW_URI"])
        try:
            actor = self._aws.clock.external_actor(f"client {request.remote_addr}:{_port(request)}", "client")
            with actor, called_at(request.host_url.rstrip("/")):
                return _response(request, self._aws.handle(call))
        except NotAnAwsRequest as problem:
            return _plain(403, f"{problem}. {self._hint}")
        except MalformedRequest as problem:
            return _response(request, HttpResponse(*encode_error(problem.error, problem.protocol, "")))
        except ConnectionLost:
            raise
        except NotOffered as missing:
            self._control.report(missing)
            answer = AwsError("NotOffered", str(missing), 501)
            return _response(request, HttpResponse(*encode_error(answer, missing.protocol, "")))
        except Exception as error:  # noqa: BLE001 - the outermost edge of a request: the server survives errors of moto
            self._control.report(error)
            return _response(request, _defect(call, error))

    # -- control ------------------------------------------------------------------------------------------------------

    def _control_call(self, request: Request) -> Response:
        if not _is_local(request):
            return _plain(403, f"{CONTROL_PATH} answers this machine only")
        try:
            document = _document(request)
            if (request.method, request.path) == ("POST", f"{CONTROL_PATH}/hold"):
                return Response(self._hold(request.environ["werkzeug.socket"]), content_type="application/json")
            with self._aws.clock.external_actor("the control", "control") as me:
                answer = self._control.answer(request.method, request.path, document, me)
        except BadRequest as problem:
            return _plain(400, str(problem))
        except LookupError as problem:
            return _plain(404, str(problem))
        return Response(encode(answer), content_type="application/json")

    def _hold(self, client: socket.socket) -> Iterator[bytes]:
        """Only this client moves time while its connection is open; the end of the client restores the time mode."""
        with self._control.held():
            yield b"{}\n"
            with suppress(OSError):
                client.recv(1)


def _is_control(path: str) -> bool:
    return path == CONTROL_PATH or path.startswith(f"{CONTROL_PATH}/")


def _is_local(request: Request) -> bool:
    """From this machine, and to a loopback host name: this check stops DNS rebinding by a web page."""
    host = request.host.rsplit(":", 1)[0].strip("[]")
    return _is_loopback(request.remote_addr or "") and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _document(request: Request) -> dict[str, Any]:
    if request.method != "POST":
        return dict(request.args)
    # A web page's form needs a CORS preflight for this type, which the server does not grant.
    if request.mimetype != "application/json":
        raise BadRequest("send JSON, with the header Content-Type: application/json")
    try:
        document = json.loads(request.get_data() or b"{}")
    except ValueError as problem:
        raise BadRequest(f"the body is not JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise BadRequest("the body must be a JSON object")
    return document


def _response(request: Request, answer: HttpResponse) -> Response:
    headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in _OWN_HEADERS]
    response = Response(answer.body, answer.status, headers)
    length = next((value for name, value in answer.headers.items() if name.lower() == "content-length"), None)
    if request.method == "HEAD" and length is not None:
        response.headers["Content-Length"] = length
    return response


def _defect(call: HttpRequest, error: Exception) -> HttpResponse:
    """With a status that AWS clients do not retry, since a retry cannot help."""
    answer = AwsError("SimulatorDefect", f"defect of the simulator: {error!r}", 501)
    return HttpResponse(*encode_error(answer, identify(call).protocol, ""))


def _plain(status: int, text: str) -> Response:
    return Response(f"{' '.join(text.split())}\n", status, content_type="text/plain; charset=utf-8")


def _port(request: Request) -> str:
    return str(request.environ.get("REMOTE_PORT", ""))


def _hang_up(environ: dict[str, Any]) -> None:
    """Closes the connection without a response; werkzeug treats it as dropped."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError
