"""ARNs in GovCloud, China and elsewhere begin with another word than `arn:aws`: the Region says which."""

from __future__ import annotations

import botocore.session
import pytest

from engine.core.plan import partition_of, resolve_target

KNOWN = botocore.session.get_session()
REGIONS = [
    (region, partition)
    for partition in KNOWN.get_available_partitions()
    for region in KNOWN.get_available_regions("ec2", partition)
]


@pytest.mark.parametrize(("region", "partition"), REGIONS, ids=[region for region, _ in REGIONS])
def test_every_region_that_botocore_knows_is_of_its_partition(region, partition):
    assert partition_of(region) == partition


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        ("eu-west-1", "arn:aws:iam::444455556666:role/r"),
        ("us-gov-west-1", "arn:aws-us-gov:iam::444455556666:role/r"),
        ("cn-north-1", "arn:aws-cn:iam::444455556666:role/r"),
    ],
)
def test_the_role_of_a_target_account_is_named_in_its_partition(region, arn):
    plan = {"TargetAccountId": "444455556666", "CrossAccountRoleName": "r"}
    assert resolve_target(plan, account_id="111122223333", region=region).role_arn == arn
    elsewhere = {**plan, "TargetRegion": region}
    assert resolve_target(elsewhere, account_id="111122223333", region="eu-west-1").role_arn == arn
