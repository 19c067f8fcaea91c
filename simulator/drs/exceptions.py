"""The errors that botocore's model of DRS names, with all their members.

Members are snake_case attributes: moto's serialiser finds `resourceId` as `resource_id`. HTTP status codes come from
the model. `retryAfterSeconds` travels as the Retry-After header, which `responses.py` adds.
"""

from __future__ import annotations

from collections.abc import Callable

from moto.core.exceptions import ServiceException


class DRSException(ServiceException):  # type: ignore[misc]  # moto's types are not read
    """Base of every error that DRS answers with. `retry_after_seconds` is None or whole seconds."""

    retry_after_seconds: int | None = None


class UninitializedAccountException(DRSException):
    code = "UninitializedAccountException"

    def __init__(self) -> None:
        super().__init__("The AWS account is not initialized for Elastic Disaster Recovery in this Region.")


class ValidationException(DRSException):
    code = "ValidationException"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.reason = "fieldValidationFailed" if field else "other"
        self.field_list = [{"name": field, "message": message}] if field else []


class ResourceNotFoundException(DRSException):
    code = "ResourceNotFoundException"

    def __init__(self, resource_type: str, resource_id: str) -> None:
        super().__init__(f"{resource_type} with ID {resource_id} does not exist.")
        self.resource_type = resource_type
        self.resource_id = resource_id


class ConflictException(DRSException):
    code = "ConflictException"

    def __init__(self, resource_type: str, resource_id: str) -> None:
        # The text for source servers stands in field reports; the other one is a guess.
        super().__init__(
            "One or more of the Source Servers included in API call are currently being processed by a Job"
            if resource_type == "SourceServer"
            else f"{resource_type} with ID {resource_id} cannot be processed in its current state."
        )
        self.resource_type = resource_type
        self.resource_id = resource_id


class ServiceQuotaExceededException(DRSException):
    code = "ServiceQuotaExceededException"
    service_code = "drs"

    def __init__(self, quota_name: str, quota_code: str, limit: int) -> None:
        super().__init__(f"Limit exceeded: {quota_name} ({limit}).")
        self.quota_code = quota_code
        self.resource_type = "AWS::DRS::Job"
        self.resource_id = quota_code


class ThrottlingException(DRSException):
    code = "ThrottlingException"
    service_code = "drs"

    def __init__(self, retry_after_seconds: int | None = None) -> None:
        super().__init__("Rate exceeded")  # no quotaCode: DRS's API rates are not published
        self.retry_after_seconds = retry_after_seconds


class InternalServerException(DRSException):
    code = "InternalServerException"

    def __init__(self, retry_after_seconds: int | None = None) -> None:
        super().__init__("An internal error occurred. Try again.")
        self.retry_after_seconds = retry_after_seconds


class AccessDeniedException(DRSException):
    code = "AccessDeniedException"

    def __init__(self, message: str = "User is not authorized to perform this operation.") -> None:
        super().__init__(message)


def refusal(name: str, retry_after_seconds: int | None = None) -> DRSException:
    """An error by its modelled name, for a test that wants DRS to answer with it."""
    made: dict[str, Callable[[], DRSException]] = {
        "AccessDeniedException": AccessDeniedException,
        "ConflictException": lambda: ConflictException("SourceServer", "s-11111111111111111"),
        "InternalServerException": lambda: InternalServerException(retry_after_seconds),
        "ResourceNotFoundException": lambda: ResourceNotFoundException("Resource", "unknown"),
        "ServiceQuotaExceededException": lambda: ServiceQuotaExceededException(
            "Concurrent jobs in progress", "L-D88FAC3A", 20
        ),
        "ThrottlingException": lambda: ThrottlingException(retry_after_seconds),
        "UninitializedAccountException": UninitializedAccountException,
        "ValidationException": lambda: ValidationException("The request is not valid."),
    }
    if name not in made:
        raise ValueError(f"DRS's model names no error {name!r}; it names {', '.join(made)}")
    return made[name]()
