"""Resource types that moto simulates as services but does not support in CloudFormation templates."""

from __future__ import annotations

import json
from typing import Any

from moto.awslambda.utils import get_backend as lambda_backend
from moto.cloudformation import parsing
from moto.cloudwatch.models import Dimension, Metric, MetricDataQuery, MetricStat, cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends


class _Resource:
    """A resource whose state is in its service; this object holds only the facts for its deletion."""

    def __init__(self, physical_resource_id: str, properties: dict[str, Any]) -> None:
        self._id = physical_resource_id
        self.properties = properties

    @property
    def physical_resource_id(self) -> str:
        return self._id

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> _Resource:
        made = cls(resource_name, cloudformation_json["Properties"])
        made.create(account_id, region_name)
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> _Resource:
        original_resource.delete(account_id, region_name)
        return cls.create_from_cloudformation_json(
            original_resource.physical_resource_id, cloudformation_json, account_id, region_name
        )

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return False

    def create(self, account: str, region: str) -> None:
        raise NotImplementedError

    def delete(self, account: str, region: str) -> None:
        raise NotImplementedError


class EventInvokeConfig(_Resource, CloudFormationModel):  # type: ignore[misc]  # moto publishes no types; lists direct subclasses only
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Lambda::EventInvokeConfig"

    def create(self, account: str, region: str) -> None:
        settings = {name: value for name, value in self.properties.items() if name not in ("FunctionName", "Qualifier")}
        settings = {name: int(value) if name.startswith("Maximum") else value for name, value in settings.items()}
        lambda_backend(account, region).put_function_event_invoke_config(self.properties["FunctionName"], settings)

    def delete(self, account: str, region: str) -> None:
        """moto deletes in any order; a function deleted earlier has taken its settings with it."""
        for function in lambda_backend(account, region).list_functions():
            if function.function_name == self.properties["FunctionName"]:
                function.event_invoke_config.clear()


class MetricFilter(_Resource, CloudFormationModel):  # type: ignore[misc]  # moto publishes no types; lists direct subclasses only
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Logs::MetricFilter"

    @staticmethod
    def cloudformation_name_type() -> str:
        return "FilterName"

    def create(self, account: str, region: str) -> None:
        transformations = [
            {
                name[0].lower() + name[1:]: str(value)
                for name, value in one.items()
                if isinstance(value, (str, int, float))
            }
            for one in self.properties["MetricTransformations"]
        ]
        logs_backends[account][region].put_metric_filter(
            self._id, self.properties["FilterPattern"], self.properties["LogGroupName"], transformations
        )

    def delete(self, account: str, region: str) -> None:
        logs_backends[account][region].delete_metric_filter(self._id, self.properties["LogGroupName"])


class TopicPolicy(_Resource, CloudFormationModel):  # type: ignore[misc]  # moto publishes no types; lists direct subclasses only
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SNS::TopicPolicy"

    def create(self, account: str, region: str) -> None:
        for arn in self.properties["Topics"]:
            topic = sns_backends[account][region].topics[arn]
            topic.policy = json.dumps(self.properties["PolicyDocument"])

    def delete(self, account: str, region: str) -> None:
        """No action: AWS would restore the default policy, but the topics are deleted with the same stack."""


class Alarm(_Resource, CloudFormationModel):  # type: ignore[misc]  # moto publishes no types; lists direct subclasses only
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::CloudWatch::Alarm"

    @staticmethod
    def cloudformation_name_type() -> str:
        return "AlarmName"

    def create(self, account: str, region: str) -> None:
        given = self.properties
        cloudwatch_backends[account][region].put_metric_alarm(
            name=self._id,
            namespace=given.get("Namespace"),
            metric_name=given.get("MetricName"),
            comparison_operator=given["ComparisonOperator"],
            metric_data_queries=[_query(one) for one in given.get("Metrics", [])],
            evaluation_periods=int(given["EvaluationPeriods"]),
            datapoints_to_alarm=given.get("DatapointsToAlarm"),
            period=int(given["Period"]) if "Period" in given else None,
            threshold=float(given.get("Threshold", 0)),
            statistic=given.get("Statistic"),
            description=given.get("AlarmDescription", ""),
            dimensions=given.get("Dimensions", []),
            alarm_actions=given.get("AlarmActions", []),
            treat_missing_data=given.get("TreatMissingData"),
        )

    def delete(self, account: str, region: str) -> None:
        cloudwatch_backends[account][region].delete_alarms([self._id])


def _query(given: dict[str, Any]) -> MetricDataQuery:
    """One of an alarm's metrics: an expression, or a metric that expressions name by its Id."""
    stat = given.get("MetricStat")
    if stat is not None:
        named = stat["Metric"]
        dimensions = [Dimension(one["Name"], one["Value"]) for one in named.get("Dimensions", [])]
        metric = Metric(named["MetricName"], named["Namespace"], dimensions)
        stat = MetricStat(metric, stat["Period"], stat["Stat"], stat.get("Unit"))
    returned = given.get("ReturnData", True)
    return MetricDataQuery(
        given["Id"], given.get("Label"), given.get("Period"), returned, given.get("Expression"), stat
    )


def register() -> None:
    """Adds the types. moto caches its list of known types, so callers must read it again. Safe to repeat."""
    for listing in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        listing.cache_clear()
