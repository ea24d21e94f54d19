"""A small OpenID Connect provider on this machine: real HTTP, real keys, and every lie that a test wants of it."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.serving import Serving

CLIENT, SECRET = "waypost", "a secret: of the tests"
ALGORITHMS = {"EC": "ES256", "RSA": "RS256"}


def new_key(kind: str = "EC", kid: str = "one") -> Any:
    return ECKey.generate_key("P-256", {"kid": kid}) if kind == "EC" else RSAKey.generate_key(2048, {"kid": kid})


class TestProvider(Serving):
    """Signs in whoever asks as `person`.

    `lies` stand in the ID token in place of what is true; `signs_with` is another key than the one it shows;
    `tells_apart` are claims of the person that stand at its userinfo endpoint alone.
    """

    __test__ = False

    def __init__(self, clock: Callable[[], datetime], kind: str = "EC") -> None:
        self.clock, self.key = clock, new_key(kind)
        self.signs_with = self.key
        self.person: dict[str, Any] = {}
        self.lies: dict[str, Any] = {}
        self.tells_apart: dict[str, Any] = {}
        self.broken = ""
        self.signs_out = False
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        provider = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.answer(self, "")

            def do_POST(self) -> None:
                provider.answer(self, self.rfile.read(int(self.headers["content-length"])).decode())

            def log_message(self, format: str, *args: Any) -> None:
                return

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Answering))
        self.issuer = f"http://{self.address}"

    def answer(self, request: BaseHTTPRequestHandler, body: str) -> None:
        place = urlsplit(request.path)
        self.asked.append(place.path)
        said = {name: values[0] for name, values in parse_qs(body or place.query).items()}
        if place.path == "/authorize":
            request.send_response(302)
            request.send_header("location", self.signed_in(said))
            request.send_header("content-length", "0")
            request.end_headers()
            return
        told: dict[str, Callable[[], tuple[int, Any]]] = {
            "/.well-known/openid-configuration": lambda: (200, self.described()),
            "/keys": lambda: (200, {"keys": [self.key.as_dict(private=False)]}),
            "/token": lambda: self.exchanged(said, request.headers["authorization"]),
            "/userinfo": lambda: (200, {"sub": self.person["sub"], **self.tells_apart}),
        }
        status, shown = told[place.path]()
        text = self.broken.encode() if self.broken else json.dumps(shown).encode()
        request.send_response(status)
        request.send_header("content-length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def described(self) -> dict[str, str]:
        places = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        places |= {"end_session": "logout"} if self.signs_out else {}
        named = {f"{name}_endpoint": f"{self.issuer}/{place}" for name, place in places.items()}
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **named}

    def signed_in(self, said: dict[str, str]) -> str:
        """Back, with a code that is good once."""
        code = f"code {len(self.codes)}"
        self.codes[code] = said
        return f"{said['redirect_uri']}?{urlencode({'code': code, 'state': said['state']})}"

    def exchanged(self, said: dict[str, str], authorization: str) -> tuple[int, Any]:
        asked = self.codes.pop(said["code"], None)
        pair = f"{CLIENT}:a%20secret%3A%20of%20the%20tests"
        known = authorization == f"Basic {base64.b64encode(pair.encode()).decode()}"
        challenge = base64.urlsafe_b64encode(hashlib.sha256(said["code_verifier"].encode()).digest()).decode()
        if asked is None or not known or challenge.rstrip("=") != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        assert said["redirect_uri"] == asked["redirect_uri"]
        return 200, {"access_token": "one", "token_type": "Bearer", "id_token": self.token(asked["nonce"])}

    def token(self, nonce: str) -> str:
        now = int(self.clock().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **self.person}
        header = {"alg": ALGORITHMS[self.key.key_type], "kid": "one"}
        kept = {name: value for name, value in (claims | self.lies).items() if value is not None}
        return jwt.encode(header, kept, self.signs_with)
