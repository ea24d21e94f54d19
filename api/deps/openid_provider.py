"""The OpenID Connect provider of the house, as a relying party sees it: where people are sent, and what comes back.

The authorization code flow with PKCE. Whatever the provider says is believed only once its ID token is: signed by a key
of the provider, made by it, for us, for this very browser (the nonce), and not expired (OpenID Connect Core, 3.1.3.7).
The provider is the operator's, named by settings; it is asked over TLS, or on this very machine. Knows no user of ours.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode, urlsplit

from services.access.signing_in.openid_accounts import ProvenPerson
from services.access.signing_in.sessions import derived

if TYPE_CHECKING:
    import httpx

WAITS = 5.0
"""Seconds for each answer of the provider: somebody looks at an empty page meanwhile."""

LARGEST = 1_000_000
"""Bytes of an answer: keys and claims take some thousand."""

LEEWAY = 60
"""Seconds by which the clocks of both may differ."""

SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""Signatures by keys of which only the provider has the private half: never `none`, never a shared secret."""


class ProviderAway(Exception):
    """The provider does not answer, or not as one does."""


class NotProven(Exception):
    """What came back does not prove who is there; the sentence says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdClient:
    """What the settings say: the provider, what we are to it, and which of its groups have which roles here."""

    issuer: str
    client_id: str
    client_secret: str | None
    scopes: str
    groups_claim: str
    roles: Mapping[str, Sequence[str]]
    button: str


@dataclass(frozen=True, slots=True)
class BrowserSecret:
    """What one browser keeps while its person is at the provider; state, nonce and verifier are made of it."""

    text: str

    @classmethod
    def new(cls) -> "BrowserSecret":
        """256 bits of chance."""
        return cls(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        """Comes back with the person (RFC 6749, 10.12)."""
        return derived(self.text, "state")

    @property
    def nonce(self) -> str:
        """Stands in the ID token."""
        return derived(self.text, "nonce")

    @property
    def verifier(self) -> str:
        """Shows that whoever brings the code is who asked for it (RFC 7636)."""
        return derived(self.text, "verifier")


class OpenIdProvider:
    """Asks the provider. It is asked anew each time, so that a change of its keys needs nothing here."""

    def __init__(self, client: OpenIdClient, desk_url: str) -> None:
        self.client = client
        self._back_to = f"{desk_url}/sign-in/openid/back"
        self._out_to = f"{desk_url}/sign-in"

    def leads_to(self, browser: BrowserSecret) -> str:
        """Where a person signs in; raise ProviderAway."""
        with _asking() as asking:
            place = self._endpoint(self._described(asking), "authorization_endpoint")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(browser.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code", "client_id": self.client.client_id, "redirect_uri": self._back_to,
            "scope": self.client.scopes, "state": browser.state, "nonce": browser.nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(asked)}"

    def proves(self, code: str, browser: BrowserSecret, now: datetime) -> ProvenPerson:
        """Who has come back with this code; raise ProviderAway, or NotProven."""
        with _asking() as asking:
            described = self._described(asking)
            given = self._exchanged(asking, described, code, browser)
            keys = _told(asking.build_request("GET", self._endpoint(described, "jwks_uri")), asking)
            claims = self._believed(str(given.get("id_token", "")), keys, browser.nonce, now)
            if not {"email", self.client.groups_claim} <= claims.keys() and "userinfo_endpoint" in described:
                claims = self._more(asking, described, str(given.get("access_token", "")), claims) | claims
        return self._person(claims, str(given["id_token"]))

    def leads_out(self, token: str) -> str | None:
        """Where whoever holds this ID token (empty: we do not know it) signs out of the provider, too.

        None where the provider offers no such thing (OpenID Connect RP-Initiated Logout 1.0); raise ProviderAway.
        """
        with _asking() as asking:
            described = self._described(asking)
            if described.get("end_session_endpoint") is None:
                return None
            place = self._endpoint(described, "end_session_endpoint")
        asked = {"client_id": self.client.client_id, "post_logout_redirect_uri": self._out_to}
        asked |= {"id_token_hint": token} if token else {}
        return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(asked)}"

    def _described(self, asking: "httpx.Client") -> Mapping[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery)."""
        place = f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration"
        described = _told(asking.build_request("GET", place), asking)
        if described.get("issuer") != self.client.issuer:
            raise ProviderAway(f"it calls itself {str(described.get('issuer'))[:200]!r}")
        return described

    def _endpoint(self, described: Mapping[str, Any], name: str) -> str:
        """An address that the provider names; over plain HTTP only where the operator named it so."""
        place = described.get(name)
        schemes = {"https", urlsplit(self.client.issuer).scheme}
        if not isinstance(place, str) or urlsplit(place).scheme not in schemes:
            raise ProviderAway(f"it names no {name} over TLS")
        return place

    def _exchanged(
        self, asking: "httpx.Client", described: Mapping[str, Any], code: str, browser: BrowserSecret
    ) -> Mapping[str, Any]:
        """What the code is worth: it is taken once."""
        said = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._back_to,
            "code_verifier": browser.verifier, "client_id": self.client.client_id,
        }  # fmt: skip
        headers, secret = dict[str, str](), self.client.client_secret
        if secret is not None and _takes_basic(described):
            pair = f"{quote(self.client.client_id, safe='')}:{quote(secret, safe='')}"  # RFC 6749, 2.3.1
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif secret is not None:
            said["client_secret"] = secret
        place = self._endpoint(described, "token_endpoint")
        return _told(asking.build_request("POST", place, data=said, headers=headers), asking, of_person=True)

    def _believed(self, token: str, keys: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        """The claims of an ID token, once each of them holds."""
        from joserfc import jwt  # some megabytes, for whoever signs in by it
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        rules = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": self.client.issuer},
            aud={"essential": True, "value": self.client.client_id},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            claims = jwt.decode(token, KeySet.import_key_set(cast(Any, keys)), [*SIGNED_BY]).claims
            rules.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as wrong:
            raise NotProven(f"its ID token does not hold ({type(wrong).__name__})") from None
        if claims.get("azp", self.client.client_id) != self.client.client_id:
            raise NotProven("its ID token was made for somebody else")
        return claims

    def _more(
        self, asking: "httpx.Client", described: Mapping[str, Any], token: str, claims: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What the provider tells beside the ID token, of the same person."""
        headers = {"Authorization": f"Bearer {token}"}
        asked = asking.build_request("GET", self._endpoint(described, "userinfo_endpoint"), headers=headers)
        more = _told(asked, asking, of_person=True)
        if more.get("sub") != claims["sub"]:
            raise NotProven("it speaks of somebody else beside its ID token")
        return dict(more)

    def _person(self, claims: Mapping[str, Any], token: str) -> ProvenPerson:
        groups: Any = claims.get(self.client.groups_claim, [])
        named = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        return ProvenPerson(
            issuer=self.client.issuer,
            subject=str(claims["sub"]),
            email=str(claims.get("email", "")),
            email_verified=claims.get("email_verified") is True or claims.get("email_verified") == "true",
            name=str(claims.get("name", "")),
            groups=frozenset(str(one) for one in cast(list[Any], named)),
            token=token,
        )


def _takes_basic(described: Mapping[str, Any]) -> bool:
    """Whether the provider takes our secret in a header, as every one does that says nothing of it."""
    return "client_secret_basic" in described.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])


def _asking() -> "httpx.Client":
    import httpx

    return httpx.Client(timeout=WAITS, follow_redirects=False, headers={"Accept": "application/json"})


def _told(asked: "httpx.Request", asking: "httpx.Client", *, of_person: bool = False) -> Mapping[str, Any]:
    """The JSON object of an answer; raise ProviderAway, or NotProven where it is refused and what a person brought."""
    import httpx

    try:
        answer = asking.send(asked, stream=True)
        try:
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise ProviderAway("it says too much")
        finally:
            answer.close()
        told = json.loads(body)
    except (httpx.HTTPError, ValueError) as wrong:
        raise ProviderAway(type(wrong).__name__) from None
    if of_person and answer.status_code in (400, 401, 403):
        raise NotProven("it does not take what was brought back")
    if answer.status_code != 200 or not isinstance(told, dict):
        raise ProviderAway(f"it answers {answer.status_code}")
    return cast(Mapping[str, Any], told)
