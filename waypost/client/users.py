"""Calls about users: who signs in to the pages."""

from collections.abc import Iterator

from waypost.client import models as m
from waypost.client.connection import Connection


class UserCalls(Connection):
    """Users and their sessions."""

    def invite_user(self, email: str, roles: list[str], name: str = "", mail: bool = True) -> m.UserInvited:
        """Invite somebody (`roles`: support, marketer, approver, admin); the answer has the link that signs them in."""
        return self.call("POST", "/v1/users", json={"email": email, "roles": roles, "name": name, "mail": mail})

    def users(self) -> Iterator[m.UserOut]:
        """Every user, those who are disabled too."""
        return self._list("/v1/users")

    def user(self, user: str) -> m.UserOut:
        """A user by id or address."""
        return self.call("GET", "/v1/users/{}", user)

    def change_user(self, user: str, roles: list[str] | None = None, name: str | None = None) -> m.UserOut:
        """Give a user other roles, or another name."""
        return self.call("PATCH", "/v1/users/{}", user, json={"roles": roles, "name": name})

    def disable_user(self, user: str) -> m.UserOut:
        """Let a user in no more; their sessions end now."""
        return self.call("POST", "/v1/users/{}/disable", user)

    def enable_user(self, user: str) -> m.UserOut:
        """Let a user in again."""
        return self.call("POST", "/v1/users/{}/enable", user)

    def sessions_of_user(self, user: str) -> list[m.SessionOut]:
        """The browsers in which a user is signed in, the one used last first."""
        return self.call("GET", "/v1/users/{}/sessions", user)

    def end_session(self, user: str, session: str) -> m.SessionOut:
        """Sign a user out of one browser."""
        return self.call("DELETE", "/v1/users/{}/sessions/{}", user, session)
