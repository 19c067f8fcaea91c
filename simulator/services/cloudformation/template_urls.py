"""Templates and stack policies in S3, by URLs that a client of the served simulator got from its own endpoint."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from moto.cloudformation import models, responses

from simulator.patches.patching import Patch


def _from_any_host(real: Callable[..., str]) -> Callable[..., str]:
    def fetch(template_url: str, account_id: str, partition: str) -> str:
        parts = urlsplit(template_url)
        host = parts.hostname or ""
        if host.endswith(".localhost"):
            template_url = f"https://{host.removesuffix('.localhost')}.s3.amazonaws.com{parts.path}"
        elif host and ".amazonaws." not in host:
            template_url = f"https://localhost{parts.path}"  # moto's form of a URL with the bucket in its path
        return real(template_url, account_id=account_id, partition=partition)

    return fetch


def patches() -> list[Patch]:
    reason = "moto knows the hosts of AWS and localhost only"
    return [
        Patch(module, "get_stack_from_s3_url", _from_any_host(module.get_stack_from_s3_url), reason)
        for module in (models, responses)
    ]
