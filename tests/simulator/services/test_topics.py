"""The subscriptions that GetTopicAttributes counts."""

from __future__ import annotations

import pytest

from simulator import Simulator


@pytest.mark.parametrize(
    ("protocol", "endpoint", "state"),
    [
        ("sqs", "arn:aws:sqs:us-east-1:111122223333:operators", "SubscriptionsConfirmed"),
        ("email", "operator@example.com", "SubscriptionsPending"),
    ],
)
def test_an_address_has_to_confirm_its_subscription_and_a_queue_of_the_account_has_not(protocol, endpoint, state):
    with Simulator() as aws:
        aws.session().client("sqs").create_queue(QueueName="operators")
        sns = aws.session().client("sns")
        arn, other = (sns.create_topic(Name=name)["TopicArn"] for name in ("drills", "other"))
        sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
        expected = {"SubscriptionsConfirmed": "0", "SubscriptionsPending": "0"} | {state: "1"}
        found = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        assert {name: found[name] for name in expected} == expected
        assert sns.get_topic_attributes(TopicArn=other)["Attributes"][state] == "0"
