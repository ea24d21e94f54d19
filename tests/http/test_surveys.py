"""A survey in a mail: one click answers, a scanner does not, and the answer can be changed and told of."""

import re
from io import StringIO
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from rich.console import Console
from sqlmodel import select

from mail.rendering import survey_block
from mail.signed_links import SURVEY_LIVES, Links, SurveyLink
from readers import survey_scales
from services.statistics.net_scores import net_score
from store.queries.mails import messages
from store.statuses import MessageStatus
from store.tables.customers import Event
from store.tables.surveys import SurveyAnswer
from waypost.cli.tables.survey_report import print_surveys
from waypost.wiring import Parts

ID = "2161b3b7-f9d3-5b07-9196-af81ec9afb65"


@pytest.fixture
def ann(client: TestClient) -> str:
    answer = client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com", "first_name": "Ann"}})
    return answer.json()["id"]


@pytest.fixture
def link(parts: Parts, ann: str, noon: Any) -> str:
    """The nine of an NPS survey in a mail that Ann got, as a path."""
    with parts.database.writing() as session:
        status = MessageStatus.ACCEPTED
        row = messages.row(ID, ann, template="mail_a", topic="news", lane="journey", due=noon, now=noon, status=status)
        messages.add(session, [row | {"accepted_at": noon, "journey": "welcome", "stage": "start"}])
    return linked(parts.links, parts.clock())


def linked(links: Links, now: Any, score: int = 9) -> str:
    what = SurveyLink(send_id=ID, scale=survey_scales.scale("nps"), score=score, expires=now + SURVEY_LIVES)
    return links.survey_url(what).removeprefix(links.public_url)


def answered(parts: Parts) -> list[dict[str, Any]]:
    with parts.database.reading() as session:
        found = session.exec(select(Event).where(Event.name == "Survey Answered").order_by(Event.seq)).all()  # type: ignore[arg-type]
        return [dict(one.properties) for one in found]


def kept(parts: Parts) -> list[tuple[int, str, str | None]]:
    with parts.database.reading() as session:
        return [(one.score, one.label, one.words) for one in session.exec(select(SurveyAnswer)).all()]


def test_a_scanner_that_follows_every_link_does_not_vote(client: TestClient, parts: Parts, link: str) -> None:
    page = client.get(link)
    assert (page.status_code, "Your answer is 9." in page.text) == (200, True)
    assert (answered(parts), kept(parts)) == ([], [])


def test_one_click_answers_and_the_page_thanks(client: TestClient, parts: Parts, link: str) -> None:
    page = client.post(link)
    assert (page.status_code, "Thank you" in page.text) == (200, True)
    assert answered(parts) == [{"survey": "nps", "score": 9, "class": "promoter"}]
    assert "script-src" not in page.headers["content-security-policy"]


def test_only_the_script_of_the_page_may_run(client: TestClient, link: str) -> None:
    page = client.get(link)
    assert re.search(r"script-src 'sha256-[\w+/]+=*'$", page.headers["content-security-policy"])


def test_an_answer_is_changed_and_words_are_added(client: TestClient, parts: Parts, link: str) -> None:
    client.post(link)
    client.post(link, data={"score": "3", "words": " Came late. "})
    client.post(link, data={"score": "3", "words": "Came late."})
    assert kept(parts) == [(3, "detractor", "Came late.")]
    assert [one["score"] for one in answered(parts)] == [9, 3]


def test_a_link_that_is_replayed_or_forwarded_is_the_same_answer(client: TestClient, parts: Parts, link: str) -> None:
    for _ in range(3):
        assert client.post(link).status_code == 200
    assert len(answered(parts)) == 1


@pytest.mark.parametrize("score", ["11", "-1", "nine"])
def test_a_score_that_is_not_on_the_scale_is_none(client: TestClient, parts: Parts, link: str, score: str) -> None:
    assert client.post(link, data={"score": score}).status_code in (404, 422)
    assert kept(parts) == []


def test_a_link_that_is_damaged_or_old_says_so(client: TestClient, link: str, clock: Any) -> None:
    assert client.post(link[:-3]).status_code == 404
    clock.forward(days=91)
    assert client.get(link).status_code == client.post(link).status_code == 410


def test_of_a_mail_that_is_gone_nobody_answers(client: TestClient, parts: Parts, ann: str, link: str) -> None:
    with parts.database.writing() as session:
        messages.erase(session, messages.of_customer(session, ann, 10))
    assert client.get(link).status_code == client.post(link).status_code == 404


def test_the_report_tells_the_net_score_with_its_interval(client: TestClient, link: str) -> None:
    assert client.get("/v1/reports/surveys").json() == {"surveys": [], "told": "Nobody has answered."}
    client.post(link)
    whole, stage = client.get("/v1/reports/surveys?survey=nps").json()["surveys"]
    net = whole.pop("net")
    assert whole == {
        "survey": "nps", "journey": None, "version": None, "stage": None,
        "answers": 1, "mean": 9.0, "classes": {"promoter": 1},
    }  # fmt: skip
    assert (stage["journey"], stage["version"], stage["stage"]) == ("welcome", 0, "start")
    assert net["low"] < 0 < net["high"] <= net["score"] == 100


def test_the_report_is_what_sql_counts_anew(client: TestClient, parts: Parts, ann: str, noon: Any) -> None:
    """Of two surveys, asked by mails of two journeys in several versions and stages, and of a broadcast."""
    random = Random(18)
    with parts.database.writing() as session:
        for number in range(400):
            survey, journey = random.choice(["nps", "csat"]), random.choice(["welcome", "winback", ""])
            score = random.randint(*((0, 10) if survey == "nps" else (1, 5)))
            session.add(SurveyAnswer(
                message_id=f"m{number}", survey=survey, customer_id=ann, journey=journey,
                version=random.randint(1, 2) if journey else 0, stage=random.choice(["a", "b"]) if journey else "",
                broadcast=None if journey else "spring", template="mail_a", score=score,
                label=survey_scales.scale(survey).class_of(score), at=noon, changed_at=noon,
            ))  # fmt: skip
    counted = "count(*), avg(1.0 * score), sum(CASE WHEN score >= 9 THEN 1 ELSE 0 END), sum(CASE WHEN score <= 6 THEN 1 ELSE 0 END)"
    with parts.database.engine.connect() as connection:
        rows = connection.execute(sa.text(
            f"SELECT survey, NULL, NULL, NULL, {counted} FROM survey_answer GROUP BY survey UNION ALL "
            f"SELECT survey, journey, version, stage, {counted} FROM survey_answer GROUP BY survey, journey, version, stage"
        )).all()  # fmt: skip
    expected = {tuple(row[:4]): (row[4], round(float(row[5]), 6), row[6], row[7]) for row in rows}
    found = client.get("/v1/reports/surveys").json()["surveys"]
    assert {(one["survey"], one["journey"], one["version"], one["stage"]) for one in found} == set(expected)
    for one in found:
        answers, mean, promoters, detractors = expected[one["survey"], one["journey"], one["version"], one["stage"]]
        assert (one["answers"], round(one["mean"], 6), sum(one["classes"].values())) == (answers, mean, answers)
        if one["survey"] == "nps":
            assert one["net"]["score"] == pytest.approx(100 * (promoters - detractors) / answers)
            assert one["net"]["low"] < one["net"]["score"] < one["net"]["high"]
        else:
            assert one["net"] is None
    answer = client.get("/v1/reports/surveys").json()
    nps, csat = (expected[name, None, None, None] for name in ("nps", "csat"))
    assert answer["told"].startswith(f"{csat[0]} answers to csat: {csat[1]:.1f} on average. {nps[0]} answers to nps: ")
    shown = StringIO()
    print_surveys(Console(file=shown, width=200), answer)
    for word in (f"{nps[0]}", "promoter", "winback", "net score of", " to "):
        assert word in shown.getvalue()


def test_the_interval_of_a_net_score_is_that_of_the_adjusted_wald() -> None:
    found = net_score(50, 20, 100)
    assert (round(found.score, 1), round(found.low, 1), round(found.high, 1)) == (30.0, 14.3, 44.6)


def test_scales_have_their_published_classes() -> None:
    def classes(survey: str, *bounds: int) -> list[str]:
        scale = survey_scales.scale(survey, *bounds)
        return [scale.class_of(one) for one in scale.scores]

    assert classes("nps") == ["detractor"] * 7 + ["passive"] * 2 + ["promoter"] * 2
    assert classes("csat") == ["dissatisfied"] * 2 + ["neutral"] + ["satisfied"] * 2
    assert classes("ces") == ["difficult"] * 3 + ["neutral"] + ["easy"] * 3
    assert classes("fit", 1, 6) == ["low"] * 2 + ["middle"] * 2 + ["high"] * 2


@pytest.mark.parametrize("wrong", [("fit",), ("fit", 1, 1), ("fit", 0, 11), ("nps", 1, 5), ("a b", 1, 5)])
def test_a_scale_that_is_none_is_refused(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="survey|scale|answered"):
        survey_scales.scale(*wrong)


def test_a_block_has_a_link_for_each_answer_in_both_parts() -> None:
    def sign(scale: survey_scales.Scale, score: int) -> str:
        return f"[{scale.survey} {score}]"

    assert survey_block.signed(survey_block.as_text("csat"), sign) == "\n".join(f"{n}: [csat {n}]" for n in range(1, 6))
    assert survey_block.signed(survey_block.as_html("nps"), sign).count('href="[nps ') == 11
