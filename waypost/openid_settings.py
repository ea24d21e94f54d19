"""Settings of the OpenID Connect provider by which colleagues sign in: all of them, or none."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode

from waypost.setting_readers import Reader
from waypost.setting_readers import field_of as _of

ISSUER = r"^(https://|http://(127\.0\.0\.1|localhost|\[::1\])(:|/|$))[^?#]*$"
"""TLS, but on this very machine; no query and no fragment, as OpenID Connect Discovery says."""

RoleName = Literal["support", "marketer", "approver", "admin"]
"""The roles of `services.access.signing_in.roles`."""


def _roles_of_groups(given: Any) -> Any:
    """From JSON; a role may stand alone in place of a list."""
    if not isinstance(given, str):
        return given
    try:
        read = json.loads(given)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise ValueError('it must be a JSON object of groups and roles, as {"crm-admins": "admin"}')
    named = cast(dict[str, Any], read)
    return {group: [roles] if isinstance(roles, str) else roles for group, roles in named.items()}


class OpenIdSettings(BaseSettings):
    """Who the provider is, who we are to it, and which of its groups have which role here."""

    openid_issuer: str | None = _of(
        Reader.API,
        pattern=ISSUER,
        description="colleagues sign in by this OpenID Connect provider, too: its issuer, as https://login.shop.example",
    )
    openid_client_id: str | None = _of(
        Reader.API, validate_default=True, description="what the provider calls this installation"
    )
    openid_client_secret: str | None = _of(
        Reader.API, secret=True, description="what the provider knows it by; absent for a public client (PKCE alone)"
    )
    openid_scopes: str = _of(
        Reader.API, default="openid email profile", pattern=r"^openid( [!#-\[\]-~]+)*$",
        description="what is asked of the provider; some tell groups by a scope of their own",
    )  # fmt: skip
    openid_groups_claim: str = _of(
        Reader.API, default="groups", min_length=1, description="where the provider says in which groups somebody is"
    )
    openid_roles: Annotated[Mapping[str, tuple[RoleName, ...]], NoDecode, BeforeValidator(_roles_of_groups)] = _of(
        Reader.API,
        default={},
        validate_default=True,
        description='which groups have which roles, as a JSON object: `{"crm": "marketer", "it": ["admin"]}`; '
        "whoever is in none of them is not let in",
    )
    openid_button: str = _of(
        Reader.API, default="Sign in with your company account", max_length=80, description="text of the button"
    )

    @field_validator("openid_client_id", "openid_roles")
    @classmethod
    def _needed(cls, value: Any, info: ValidationInfo) -> Any:
        """Where there is a provider, it has to know us, and somebody has to be let in."""
        if info.data.get("openid_issuer") and not value:
            raise ValueError("WAYPOST_OPENID_ISSUER asks for it")
        return value
