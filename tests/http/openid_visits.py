"""Colleagues who come in by the provider of the house, and what is known of them then."""

from typing import Any

import httpx
from fastapi.testclient import TestClient
from sqlmodel import col, select

from store.tables.access import Audit
from store.tables.users import User
from tests.http.desks import HERE
from waypost.wiring import Parts

GROUPS = {"crm": ["marketer"], "it": ["admin"], "chiefs": ["approver", "support"]}
BEA = {"sub": "248289", "email": "Bea@shop.example", "email_verified": True, "name": "Bea", "groups": ["crm", "all"]}


def there(browser: TestClient, to: str = "/") -> str:
    """Where the provider leads a person back to, once they have signed in there."""
    begun = browser.get("/sign-in/openid", params={"to": to})
    assert begun.status_code == 303, begun.text
    return httpx.get(begun.headers["location"], timeout=60).headers["location"].removeprefix(HERE)


def comes_back(browser: TestClient, to: str = "/") -> httpx.Response:
    return browser.get(there(browser, to))


def audit(parts: Parts) -> list[tuple[str, Any]]:
    with parts.database.reading() as session:
        rows = session.exec(select(Audit).order_by(col(Audit.id))).all()
        names = {one.id: one.name for one in session.exec(select(User))}
    return [(f"{names[one.actor]} {one.action}", one.after) for one in rows]


def the_user(parts: Parts) -> User:
    with parts.database.reading() as session:
        return session.exec(select(User).where(User.email == "bea@shop.example")).one()
