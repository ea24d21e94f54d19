"""Topics: what a customer can unsubscribe from."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.deps.audit_trail import TheTrail
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import etags, topic_changes
from api.edge.etags import TheTags
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.schemas.base import Page
from api.schemas.topics import TopicIn, TopicOut
from readers.keys import PATTERN
from services.definitions import topics
from store.queries.listing import lists

router = APIRouter(prefix="/v1/topics", tags=["topics and consent"], route_class=IdempotentRoute)

TopicKey = Annotated[str, Path(description="the topic's key", pattern=PATTERN)]


@router.put("/{key}", summary="Create or change a topic", responses=responses(409, 412, 422))
def put(
    key: TopicKey, body: TopicIn, session: Writing, now: Now, caller: Marketer, tags: TheTags, trail: TheTrail
) -> TopicOut:
    """Its terms hold from now on, for mail that is planned already too."""
    return tags.tagged(topic_changes.put(session, trail, tags, key, body, now))


@router.get("", summary="List topics", responses=responses(422))
def listed(session: Reading, caller: Support, page: ThePage) -> Page[TopicOut]:
    """By key. A topic that only journeys name has the usual terms: opt_out, no cap."""
    rows, cursor = lists.topics(session, page.slice())
    return Page(items=[TopicOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/{key}", summary="One topic", responses=responses(404))
def get(key: TopicKey, session: Reading, caller: Support, response: Response) -> TopicOut:
    """Its terms."""
    return etags.tagged(response, TopicOut.model_validate(topics.get(session, key)))


@router.post("/{key}/pause", summary="Hold all mail about a topic", responses=responses(404, 409))
def pause(key: TopicKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> TopicOut:
    """What is planned waits, and goes (or expires) after `resume`. Too many complaints do the same by themselves."""
    return topic_changes.pause(session, trail, key, now)


@router.post("/{key}/resume", summary="Let mail about a topic go again", responses=responses(404, 409))
def resume(key: TopicKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> TopicOut:
    """Ends a pause, and clears the alarm."""
    return topic_changes.resume(session, trail, key, now)


@router.delete("/{key}", status_code=204, summary="Remove a topic's terms", responses=responses(404, 409))
def delete(key: TopicKey, session: Writing, caller: Marketer, trail: TheTrail) -> Response:
    """Refused while a live journey sends mail about it. What customers said stays."""
    topic_changes.remove(session, trail, key)
    return Response(status_code=204)
