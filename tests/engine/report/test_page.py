"""The report: each field of a record is on the page, escaped, and the page asks no network."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from engine.report.page import duration, report_page
from tests.engine.cli.operator import operator_of_engine
from tests.engine.core.simulated_aws import World, execution_of, server, wave

PLAN = "plan-three-tier"


class Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += f"{data} "


@pytest.fixture(scope="module")
def failed():
    """A recovery with a failed server, an approval, a pause, old data: its record and page."""
    with operator_of_engine() as at:
        client = at.client
        *_, web, _ = at.aws.drs.backend.source_servers
        at.aws.drs.set_launch(web, fails_with="no <b>capacity</b> & more")
        plan = at.plan()
        plan["Waves"][1]["Approval"] = {"Required": True, "TimeoutSeconds": 7200}
        plan |= {"RecoveryTimeObjectiveSeconds": 3600, "PlanName": "<script>alert(1)</script>"}
        client.put_plan(plan)
        execution = client.start(PLAN, "RECOVERY")
        at.aws.advance(1800)
        client.approve(execution, 2, comment="checked by the DBA")
        client.pause(execution)
        at.aws.advance(900)
        client.continue_(execution)
        at.aws.advance(7200)
        yield at, client.get(execution), at.run("report", execution).stdout


def test_the_page_has_outcome_objectives_servers_errors_and_persons(failed):
    _, record, page = failed
    text = " ".join(Reader(page).text.split())
    assert record["Status"] == "FAILED"
    for wanted in (
        record["ExecutionId"],
        "✘ FAILED",
        "Recovery time 1:00:00",
        "not met (the execution is FAILED)",
        "no <b>capacity</b> & more",
        "checked by the DBA",
        "✔ APPROVED",
        "paused by arn:aws:iam::111122223333:user/suite",
        record["InitiatedBy"],
    ):
        assert wanted in text, wanted
    for result in (one for each in record["Waves"] for one in each["ServerResults"]):
        assert result["HostName"] in text
        assert result["SourceServerId"] in text
        assert result.get("Ec2InstanceId", "") in text


def test_the_page_has_no_script_and_asks_no_network(failed):
    _, _, page = failed
    found = Reader(page)
    assert not [tag for tag, _ in found.tags if tag in ("script", "link", "img", "iframe", "object")]
    names = {name for _, attributes in found.tags for name in attributes}
    assert not [name for name in names if name in ("src", "href") or name.startswith("on")]
    assert not re.search(r"url\((?!#)|@import", page)
    assert [policy for _, policy in found.tags if policy.get("http-equiv") == "Content-Security-Policy"]


def test_the_page_fits_light_dark_phone_and_paper(failed):
    _, _, page = failed
    for rule in ("prefers-color-scheme: dark", "max-width: 40rem", "@media print", "size: A4"):
        assert rule in page


def test_the_command_writes_a_file_or_says_why_not(failed, tmp_path):
    at, record, page = failed
    path = tmp_path / "report.html"
    result = at.run("report", record["ExecutionId"], "--html", str(path))
    assert (result.exit_code, result.output) == (0, f"{path}: report of {record['ExecutionId']}\n")
    assert path.read_text(encoding="utf-8") == page.removesuffix("\n")
    refused = at.run("report", record["ExecutionId"], "--html", str(tmp_path / "no" / "report.html"))
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)


def test_a_running_execution_has_a_report_as_well():
    world = World()
    world.begin(execution_of(wave(1, [server(1)]), wave(2, [server(2)])))
    world.run(until=world.now)
    assert "still running" in report_page(world.record())


@pytest.mark.parametrize(("seconds", "shown"), [(59, "0:00:59"), (3600, "1:00:00"), (172_800, "2 days")])
def test_durations(seconds, shown):
    assert duration(seconds) == shown
