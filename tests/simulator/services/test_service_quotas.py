"""Service Quotas of DRS and EC2, with the values that simulated DRS enforces."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from moto.servicequotas.models import servicequotas_backends

from simulator import Simulator
from simulator.services.service_quotas import STANDARD_VCPUS, set_standard_vcpus

CONCURRENT_JOBS = "L-D88FAC3A"


@pytest.fixture
def aws():
    with Simulator() as found:
        found.drs.initialize()
        yield found


def values(quotas):
    return {one["QuotaCode"]: one["Value"] for one in quotas["Quotas"]}


def test_the_applied_quotas_of_drs_are_those_that_drs_enforces(aws):
    client = aws.session().client("service-quotas")
    aws.drs.quotas.concurrent_jobs = 1
    assert values(client.list_service_quotas(ServiceCode="drs"))[CONCURRENT_JOBS] == 1
    assert values(client.list_aws_default_service_quotas(ServiceCode="drs"))[CONCURRENT_JOBS] == 20
    assert client.get_service_quota(ServiceCode="drs", QuotaCode=CONCURRENT_JOBS)["Quota"]["Value"] == 1
    default = client.get_aws_default_service_quota(ServiceCode="drs", QuotaCode=CONCURRENT_JOBS)["Quota"]
    assert (default["Value"], default["QuotaName"]) == (20, "Concurrent jobs in progress")
    servers = [aws.drs.add_source_server() for _ in range(2)]
    aws.drs.start_foreign_job(servers[:1])
    with pytest.raises(ClientError) as refused:
        aws.session().client("drs").start_recovery(sourceServers=[{"sourceServerID": servers[1]}])
    assert refused.value.response["quotaCode"] == CONCURRENT_JOBS


def test_the_quota_of_vcpus_is_one_of_ec2(aws):
    set_standard_vcpus(servicequotas_backends[aws.account][aws.region], 4)
    client = aws.session().client("service-quotas")
    assert values(client.list_service_quotas(ServiceCode="ec2")) == {STANDARD_VCPUS: 4}
    assert values(client.list_aws_default_service_quotas(ServiceCode="ec2")) == {STANDARD_VCPUS: 5}


def test_the_quotas_of_vpc_are_those_of_moto(aws):
    client = aws.session().client("service-quotas")
    assert values(client.list_service_quotas(ServiceCode="vpc"))["L-F678F1CE"] == 5


@pytest.mark.parametrize(("service", "code"), [("drs", "L-00000000"), ("no-service", CONCURRENT_JOBS)])
def test_an_unknown_quota_does_not_exist(aws, service, code):
    client = aws.session().client("service-quotas")
    with pytest.raises(client.exceptions.NoSuchResourceException):
        client.get_service_quota(ServiceCode=service, QuotaCode=code)


def test_the_right_has_the_prefix_of_the_service_authorization_reference(aws):
    iam = aws.session().client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    client = aws.session().client("service-quotas", **keys)
    with pytest.raises(client.exceptions.AccessDeniedException, match="servicequotas:ListServiceQuotas"):
        client.list_service_quotas(ServiceCode="drs")
    statement = '{"Effect": "Allow", "Action": "servicequotas:ListServiceQuotas", "Resource": "*"}'
    document = f'{{"Version": "2012-10-17", "Statement": [{statement}]}}'
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=document)
    assert CONCURRENT_JOBS in values(client.list_service_quotas(ServiceCode="drs"))
