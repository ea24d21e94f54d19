"""Roles of users, and which scopes of keys each stands for: a page asks for the same scope as its call of the API."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from journeys.language.problems import nearest
from services.errors import InvalidInput


class Role(StrEnum):
    """What somebody may do in the pages."""

    SUPPORT = "support"
    """Looks at customers and mails; pauses, resumes, skips, moves and ends enrollments."""
    MARKETER = "marketer"
    """All that support may, and everything about journeys, templates, topics and consent."""
    APPROVER = "approver"
    """All that a marketer may, and publishes what another has written where two pairs of eyes are asked for."""
    ADMIN = "admin"
    """Everything, users and keys too."""


SCOPES_OF: Mapping[Role, tuple[str, ...]] = {
    Role.SUPPORT: ("support",),
    Role.MARKETER: ("marketer", "support"),
    Role.APPROVER: ("marketer", "support"),
    Role.ADMIN: ("admin", "marketer", "support"),
}
"""The scopes of `services.access.keys.api_keys` that a role stands for."""


def read(given: Sequence[str]) -> list[str]:
    """Roles as they are kept, in their order; raise InvalidInput where one is none, or there are none."""
    known = [str(role) for role in Role]
    for one in given:
        if one not in known:
            raise InvalidInput(f"there is no role {one!r:.40}; {nearest(one, known)}", "roles")
    if not given:
        raise InvalidInput(f"a user has at least one of the roles {', '.join(known)}", "roles")
    return [one for one in known if one in given]


def scopes(roles: Iterable[str]) -> frozenset[str]:
    """Every scope that these roles stand for."""
    return frozenset(scope for role in roles for scope in SCOPES_OF[Role(role)])


def approves(roles: Iterable[str]) -> bool:
    """Whether one of these roles publishes what another has written."""
    return not {Role.APPROVER, Role.ADMIN}.isdisjoint(roles)


def of_groups(groups: Iterable[str], roles_of: Mapping[str, Sequence[str]]) -> list[str]:
    """The roles of somebody who is in these groups, in their order; none where no group has one."""
    had = {role for group in groups for role in roles_of.get(group, ())}
    return [str(role) for role in Role if role in had]
