"""Protection groups that select their servers by tag: `ServerTags`, key to value, of which a server must have all.

DRS has no filter for tags (DescribeSourceServers), so the engine lists all source servers of the account and Region
when an execution starts, and chooses. The choice is in the record of the execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.core.plan import Document, RecoveryTarget
from engine.core.readiness import SourceServer
from engine.core.validation import PlanProblem, named_groups, wave_label


def select_by_tags(groups: Mapping[str, Document]) -> bool:
    """Whether one of the groups needs the source servers of DRS."""
    return any("ServerTags" in group for group in groups.values())


def resolved(groups: Mapping[str, Document], servers: Iterable[SourceServer]) -> dict[str, Document]:
    """The groups, in which those with ServerTags have SourceServerIds as well: by host name, then by id."""
    listed = sorted(servers, key=lambda one: (one.host_name or "", one.source_server_id))

    def members(group: Document) -> Document:
        return {**group, "SourceServerIds": _matching(group["ServerTags"], listed)} if "ServerTags" in group else group

    return {group_id: members(group) for group_id, group in groups.items()}


def _matching(tags: Mapping[str, str], servers: Iterable[SourceServer]) -> list[str]:
    return [one.source_server_id for one in servers if tags.items() <= one.tags.items()]


def empty_group_problems(
    plan: Document, groups: Mapping[str, Document], target: RecoveryTarget
) -> Iterator[PlanProblem]:
    """A problem for each wave of a valid plan whose group, resolved, has no server."""
    empty = {one for one in named_groups(plan) if not groups[one]["SourceServerIds"]}
    for wave in plan["Waves"]:
        if wave["ProtectionGroupId"] in empty:
            tags = ", ".join(f"{key}={value}" for key, value in groups[wave["ProtectionGroupId"]]["ServerTags"].items())
            message = (
                f"no source server in DRS (account {target.account_id}, Region {target.region}) has the tags {tags} "
                f"of protection group {wave['ProtectionGroupId']}"
            )
            yield PlanProblem(wave_label(wave), "ProtectionGroupId", message)
