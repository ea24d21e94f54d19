"""Calls for whoever runs the installation: settings, keys, the audit log."""

from collections.abc import Iterator
from typing import Any

from waypost.client import models as m
from waypost.client.connection import Connection, JsonObject


class AdministrationCalls(Connection):
    """Settings, keys and the audit log."""

    def settings(self) -> m.InstallationSettings:
        """The settings of the installation: default zone, quiet hours, cap, sandbox, retention, and the rest."""
        return self.call("GET", "/v1/settings")

    def put_settings(self, settings: JsonObject, if_match: str | None = None) -> m.InstallationSettings:
        """Change them all at once: what is left out gets its default. They hold for mail that is planned, too."""
        return self._put("/v1/settings", json=settings, if_match=if_match).body

    def make_key(self, name: str, scopes: list[str], **more: Any) -> m.KeyMade:
        """Make a key; its text is in this answer alone.

        `more`: `expires_at` (ISO 8601), `rate` (as 600/minute), `origins` (of the pages that may call with it).
        """
        return self.call("POST", "/v1/keys", json={"name": name, "scopes": scopes, **more})

    def keys(self) -> Iterator[m.KeyOut]:
        """Every key by prefix, with scopes and last use; never the key itself."""
        return self._list("/v1/keys")

    def set_key_origins(self, key: str, origins: list[str]) -> m.KeyOut:
        """Let pages of these origins call with a key (`browser` or `ingest`), and of no others."""
        return self.call("PUT", "/v1/keys/{}/origins", key, json={"origins": origins})

    def revoke_key(self, key: str) -> m.KeyOut:
        """Refuse a key from now on; returns it."""
        return self.call("DELETE", "/v1/keys/{}", key)

    def audit(self, **filters: Any) -> Iterator[m.AuditOut]:
        """Who changed what, the newest first; `filters`: `kind`, `target`, `actor`, `limit`."""
        return self._list("/v1/audit", **filters)
