"""Requests of the JSON protocol in moto's form, without the steps that only other protocols need.

Such a request names its operation in a header, and its body holds its parameters. moto builds a WSGI environment for
it, searches it for a form, and parses the body as a query string, always without a result. The shortcut produces the
same request and the same state of the handler (a test compares them). Any other request takes moto's own path.
"""

from __future__ import annotations

import io
import re
import sys
from typing import Any
from urllib.parse import SplitResult, urlsplit

from botocore.awsrequest import AWSPreparedRequest
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    Request,
    environ_key_for_header,
    normalize_request,
    should_preserve_original_header_name,
)
from moto.core.responses import BaseResponse
from moto.core.utils import utcnow
from moto.iam.models import mark_account_as_visited
from moto.utilities.utils import get_partition
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.http import http_date

from simulator.patches.patching import Patch

_JSON = re.compile(r"application/x-amz-json-1\.\d")
_MARK = "simulator.json"
_DROPPED = "transfer-encoding"
_SINGLE = ("CONTENT_TYPE", "HTTP_HOST")


def normalized(request: AWSPreparedRequest) -> Request:
    """moto's form of the request."""
    parts = urlsplit(request.url)
    if not _is_json_call(request, parts):
        return normalize_request(request)
    body = request.body or b""
    made = Request(_environ(request, parts, body))
    # The values that werkzeug computes for such a request.
    vars(made).update(form=ImmutableMultiDict(), files=ImmutableMultiDict(), _cached_data=body)
    return made


def _is_json_call(request: AWSPreparedRequest, parts: SplitResult) -> bool:
    if request.method != "POST" or parts.path not in ("", "/") or parts.query or parts.port:
        return False
    headers = request.headers
    is_json = _JSON.fullmatch(_text(headers.get("Content-Type") or ""))
    return bool(is_json) and "X-Amz-Target" in headers and "Content-Encoding" not in headers


def _environ(request: AWSPreparedRequest, parts: SplitResult, body: bytes) -> dict[str, Any]:
    items = [(name, _text(value)) for name, value in request.headers.items() if name.lower() != _DROPPED]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "REQUEST_URI": "/",
        "RAW_URI": "/",
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": "443" if parts.scheme == "https" else "80",
        "HTTP_HOST": parts.netloc,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(body)),
        PRESERVED_HEADER_NAMES_ENVIRON_KEY: {
            environ_key_for_header(name): name for name, _ in items if should_preserve_original_header_name(name)
        },
        _MARK: f"{parts.scheme}://{parts.netloc}/",
    }
    for name, value in items:
        key = environ_key_for_header(name)
        if key != "CONTENT_LENGTH":
            is_repeated = key in environ and key not in _SINGLE
            environ[key] = f"{environ[key]},{value}" if is_repeated else value
    return environ


def url_of(request: Request) -> str:
    """The request's `raw_url`."""
    return str(request.environ.get(_MARK) or request.raw_url)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


_setup_class = BaseResponse.setup_class


def _set_up(
    self: Any, request: Request, full_url: str | None = None, headers: Any = None, use_raw_body: bool | None = None
) -> None:
    if _MARK not in request.environ or full_url not in (None, request.environ[_MARK]):
        _setup_class(self, request, full_url, headers, use_raw_body)
        return
    url = request.environ[_MARK]
    use_raw_body = self.use_raw_body if use_raw_body is None else use_raw_body
    self.is_werkzeug_request = False
    self.normalized_request = request
    self.parsed_url = urlsplit(url)
    self.form_data = request.form
    self.raw_body = request.data
    self.body = self.raw_body if use_raw_body else self.raw_body.decode()
    self.uri = url
    self.path = self.raw_path = "/"
    self.querystring = self.data = {}
    self.method = "POST"
    self.region = self.get_region_from_url(request, url)
    self.partition = get_partition(self.region)
    self.uri_match = {}
    self.headers = request.headers
    self.response_headers = {"server": "amazon.com", "date": http_date(utcnow())}
    if self.automated_parameter_parsing and self._get_action():
        self.parse_parameters(request)
    self.access_key = self.get_access_key()
    self.current_account = self.get_current_account()
    mark_account_as_visited(
        account_id=self.current_account, access_key=self.access_key, service=self.service_name, region=self.region
    )


def patches() -> list[Patch]:
    return [Patch(BaseResponse, "setup_class", _set_up, "0.2 ms a call of the JSON protocol")]
