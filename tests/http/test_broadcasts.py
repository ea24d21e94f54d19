"""Broadcasts over the API, from the draft to the outbox, with the worker's parts run by hand."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from store.tables.messages import OutboxMail
from waypost.wiring import Parts

BODY = {"template": "mail_a", "topic": "news"}


def outbox(parts: Parts) -> list[str]:
    with parts.database.reading() as session:
        return sorted(session.exec(select(OutboxMail.to_address)).all())


@pytest.mark.usefixtures("people")
def test_a_broadcast_from_the_draft_to_the_outbox(client: TestClient, parts: Parts, work: Any) -> None:
    client.put("/v1/customers/bob/consent/news", json={"granted": False})
    made = client.put("/v1/broadcasts/spring", json={"segment": "pros", **BODY})
    assert (made.status_code, made.json()["status"]) == (200, "draft"), made.text
    asked = client.post("/v1/broadcasts/spring/preview").json()
    work()
    counted = client.get(f"/v1/operations/{asked['id']}").json()
    assert counted["result"] == {"recipients": 2, "later": {}, "skipped": {"unsubscribed": 1}, "variants": {}}
    assert outbox(parts) == []
    assert client.post("/v1/broadcasts/spring/send").json()["status"] == "scheduled"
    work()
    work()
    shown = client.get("/v1/broadcasts/spring").json()
    assert (shown["status"], shown["messages"]) == ("sent", {"accepted": 2, "skipped": 1})
    assert shown["audience"]["skipped"] == {"unsubscribed": 1}
    assert outbox(parts) == ["ann@example.com", "cyd@example.com"]
    mails = client.get("/v1/messages?broadcast=spring&status=skipped").json()["items"]
    assert [(one["reason"], one["journey"], one["broadcast"]) for one in mails] == [("unsubscribed", "", "spring")]
    why = client.get(f"/v1/customers/bob/why?message={mails[0]['id']}").json()
    assert (why["reason"], len(why["decisions"])) == ("unsubscribed", 1)
    books = client.get("/v1/reports/reconciliation").json()
    assert books["balanced"]
    assert books["broadcasts"][0]["messages"]["skipped"] == {"unsubscribed": 1}
    assert [one["key"] for one in client.get("/v1/broadcasts?status=sent").json()["items"]] == ["spring"]
    assert client.post("/v1/broadcasts/spring/send").status_code == 409


@pytest.mark.usefixtures("people")
def test_a_file_names_the_recipients(client: TestClient, parts: Parts, work: Any) -> None:
    client.put("/v1/broadcasts/few", json=BODY)
    assert client.post("/v1/broadcasts/few/send").json()["path"] == "segment"
    file = "userId\nann\nnobody\ncyd@example.com\nann\n"
    asked = client.post("/v1/imports?kind=recipients&broadcast=few", content=file)
    work()
    done = client.get(f"/v1/operations/{asked.json()['id']}").json()
    assert (done["result"], done["error_count"]) == ({"taken": 2, "repeated": 1}, 1)
    assert client.get("/v1/broadcasts/few").json()["named"] == 2
    client.post("/v1/broadcasts/few/send")
    work()
    assert outbox(parts) == ["ann@example.com", "cyd@example.com"]
    late = client.post("/v1/imports?kind=recipients&broadcast=few", content=file)
    assert (late.status_code, "only a draft" in late.json()["detail"]) == (409, True)
    assert client.post("/v1/imports?kind=recipients", content=file).json()["path"] == "broadcast"


@pytest.mark.usefixtures("people")
def test_it_is_paused_resumed_and_cancelled(client: TestClient, parts: Parts, work: Any) -> None:
    client.put("/v1/broadcasts/spring", json={"segment": "pros", **BODY})
    client.post("/v1/broadcasts/spring/send")
    assert client.post("/v1/broadcasts/spring/pause").json()["paused_at"] is not None
    work()
    assert outbox(parts) == []
    client.post("/v1/broadcasts/spring/resume")
    client.post("/v1/broadcasts/spring/cancel")
    work()
    assert (outbox(parts), client.get("/v1/broadcasts/spring").json()["status"]) == ([], "cancelled")
    actions = [one["action"] for one in client.get("/v1/audit?kind=broadcast").json()["items"]]
    assert sorted(actions) == ["cancelled", "created", "paused", "resumed", "sent"]


@pytest.mark.usefixtures("people")
def test_a_test_of_two_subjects(client: TestClient, parts: Parts, work: Any, clock: Any) -> None:
    variants = {
        "a": {"template": "mail_a"},
        "b": {"template": "mail_b", "subject": "Sun for {{ customer.first_name }}"},
    }
    body = {"segment": "pros", "topic": "news", "variants": variants, "test": {"sample": 100, "after": "1 hour"}}
    client.put("/v1/broadcasts/ab", json=body)
    assert client.post("/v1/broadcasts/ab/winner", json={"variant": "a"}).status_code == 409
    client.post("/v1/broadcasts/ab/send")
    work()
    shown = client.get("/v1/broadcasts/ab").json()
    assert shown["status"] == "deciding"
    assert sum(one["accepted"] for one in shown["variants"].values()) == 3
    assert client.post("/v1/broadcasts/ab/winner", json={"variant": "b"}).json()["winner"] == "b"
    work()
    work()
    assert client.get("/v1/broadcasts/ab").json()["status"] == "sent"


@pytest.mark.parametrize(
    ("body", "path", "says"),
    [
        ({}, "body", "name a template"),
        ({"template": "nothing"}, "template", "there is no template 'nothing'"),
        ({"template": "mail_a", "segment": "none"}, "segment", "there is no segment 'none'"),
        ({"template": "mail_a", "rate": "fast"}, "rate", "match pattern"),
        ({"template": "mail_a", "send_window": {"from": "9", "to": "10:00"}}, "send_window.from", ""),
        ({"template": "mail_a", "at": "tomorrow"}, "at", "an instant"),
        ({"template": "mail_a", "name": "a\0b"}, "name", "NUL"),
    ],
)
def test_an_odd_broadcast_is_refused_with_the_field(client: TestClient, body: Any, path: str, says: str) -> None:
    answer = client.put("/v1/broadcasts/odd", json=body)
    assert (answer.status_code, answer.json()["path"] or "", says in answer.text) == (422, path, True), answer.text
    assert client.get("/v1/broadcasts/odd").status_code == 404


@pytest.mark.usefixtures("people")
def test_a_draft_is_changed_with_care_and_removed(client: TestClient) -> None:
    client.put("/v1/broadcasts/spring", json={"segment": "pros", **BODY})
    tag = client.get("/v1/broadcasts/spring").headers["etag"]
    assert client.put("/v1/broadcasts/spring", json={"segment": "pros", **BODY, "name": "x"}).status_code == 200
    stale = client.put("/v1/broadcasts/spring", json={"segment": "pros", **BODY}, headers={"If-Match": tag})
    assert stale.status_code == 412
    refused = client.delete("/v1/templates/mail_a")
    assert refused.status_code == 404, "a file; one that is kept here and sent by a broadcast is refused"
    assert client.delete("/v1/broadcasts/spring").status_code == 204
    assert client.delete("/v1/broadcasts/spring").status_code == 404


@pytest.mark.usefixtures("people")
def test_what_goes_out_and_what_waits_is_told(client: TestClient, work: Any) -> None:
    client.put("/v1/broadcasts/spring", json={"segment": "pros", **BODY})
    client.post("/v1/broadcasts/spring/send")
    work()
    told = client.get("/v1/channels").json()
    assert [one["name"] for one in told["lanes"]] == ["transactional", "journey", "broadcast"]
    assert told["lanes"][2] == {"name": "broadcast", "waiting": 0, "sending": 0, "unknown": 0, "parked": 0}


# -- what else the API knows of mail -----------------------------------------------------------------------------------


def test_a_template_speaks_languages_and_has_its_text_made_once(client: TestClient) -> None:
    html = "<html><body><p>Hi {{ customer.first_name }}, <a href='https://x.example'>look</a></p></body></html>"
    german = {"subject": "Hallo", "html": html.replace("Hi", "Hallo"), "preheader": "Kurz"}
    body = {"subject": "Hi", "html": html, "preheader": "Soon", "locales": {"de": german}}
    stored = client.put("/v1/templates/hi", json=body).json()
    assert stored["text"] == "Hi {{ customer.first_name }}, look (https://x.example)\n"
    assert stored["locales"]["de"]["text"].startswith("Hallo {{ customer.first_name }}")
    asked = {"attributes": {"first_name": "Ann", "locale": "de_AT.UTF-8"}}
    shown = client.post("/v1/templates/hi/preview", json=asked).json()
    assert (shown["subject"], shown["locale"]) == ("Hallo", "de-AT")
    assert "Hallo Ann" in shown["text"]
    assert set(shown["headers"]) >= {"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"}
    shown = client.post("/v1/templates/hi/preview", json={"locale": "fr"}).json()
    assert (shown["subject"], shown["locale"]) == ("Hi", "en")
    bad = client.put("/v1/templates/hi", json={**body, "locales": {"de": {**german, "html": "{{ custmer.x }}"}}})
    assert (bad.status_code, bad.json()["detail"]) == (
        422,
        "de: html: line 1: there is no variable 'custmer'; the nearest is 'customer'",
    )
    odd = client.put("/v1/templates/hi", json={**body, "locales": {"German": german}})
    assert odd.status_code == 422


def test_mjml_is_taken_and_bad_mjml_is_refused(client: TestClient) -> None:
    mjml = "<mjml><mj-body><mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section></mj-body></mjml>"
    assert client.put("/v1/templates/m", json={"subject": "S", "html": mjml}).json()["text"] == "Hi\n"
    assert "<mj-" not in client.post("/v1/templates/m/preview").json()["html"]
    bad = client.put("/v1/templates/m", json={"subject": "S", "html": mjml.replace("</mj-text>", "")})
    assert (bad.status_code, "MJML" in bad.json()["detail"]) == (422, True)


def test_the_control_group_gets_no_mail_but_transactional(client: TestClient, parts: Parts, noon: Any) -> None:
    from services.installation import installation_settings
    from services.installation.installation_settings import InstallationSettings
    from services.messages.deciding.eligibility import Recipients
    from services.reports.customer import customer_view

    client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com"}})
    shares: list[bool] = []
    for percent in (0, 10, 30, 50):
        settings = InstallationSettings(control_group=percent)
        shares.append(installation_settings.is_in_control_group(settings, "cus_1"))
        group = {
            f"c{number}" for number in range(2_000) if installation_settings.is_in_control_group(settings, f"c{number}")
        }
        assert abs(len(group) / 2_000 - percent / 100) < 0.04
    assert shares == sorted(shares), "a larger group has the smaller in it"
    with parts.database.reading() as session:
        ann = customer_view.customer(session, "ann")
        stands = Recipients(session, [ann], InstallationSettings(control_group=50), noon)
        assert stands.recipient(ann, "news").control == installation_settings.is_in_control_group(
            InstallationSettings(control_group=50), ann.id
        )


def test_confirmed_consents_are_imported_without_asking_anybody_again(
    client: TestClient, parts: Parts, work: Any
) -> None:
    client.put("/v1/topics/letter", json={"consent": "double_opt_in"})
    for user in ("ann", "bob"):
        client.put(f"/v1/customers/{user}", json={"attributes": {"email": f"{user}@example.com"}})
    file = "userId,topic,granted,confirmed\nann,letter,yes,yes\nbob,letter,yes,\n"
    client.post("/v1/imports?kind=consents", content=file)
    work()
    said = {user: client.get(f"/v1/customers/{user}/consent").json()[0]["pending"] for user in ("ann", "bob")}
    assert said == {"ann": False, "bob": True}
    asked = client.get("/v1/messages?template=confirm_subscription").json()["items"]
    assert len(asked) == 1


def test_a_topic_is_paused_by_a_person_and_let_go(client: TestClient) -> None:
    client.put("/v1/topics/news", json={})
    assert client.post("/v1/topics/news/pause").json()["paused_at"] is not None
    assert client.post("/v1/topics/news/pause").status_code == 409
    assert client.post("/v1/topics/news/resume").json()["paused_at"] is None
    assert client.post("/v1/topics/news/resume").status_code == 409


@pytest.mark.usefixtures("people")
def test_a_subject_that_could_be_filled_in_for_nobody_is_refused(client: TestClient) -> None:
    variants = {"a": {"template": "mail_a"}, "b": {"template": "mail_b", "subject": "{{ custmer.first_name }}"}}
    wrong = [
        {"segment": "pros", **BODY, "subject": "Hi {{ customer.first_name"},
        {"segment": "pros", "topic": "news", "variants": variants},
    ]
    refused = [client.put("/v1/broadcasts/spring", json=body) for body in wrong]
    assert [(one.status_code, one.json()["path"], one.json()["detail"]) for one in refused] == [
        (422, "subject", "unexpected end of template, expected 'end of print statement'."),
        (422, "variants.b.subject", "there is no variable 'custmer'; the nearest is 'customer'"),
    ]
