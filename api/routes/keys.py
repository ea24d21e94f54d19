"""API keys."""

from fastapi import APIRouter

from api import schemas
from api.deps import Admin, Now, Reading, Writing
from api.errors import responses
from services import api_keys

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.post("", status_code=201, summary="Make a key", responses=responses(422))
def create(body: schemas.KeyIn, session: Writing, now: Now, caller: Admin) -> schemas.KeyMade:
    """The key itself is in this answer and nowhere else."""
    key, text = api_keys.create(session, body.name, body.scopes, now)
    return schemas.KeyMade(**schemas.KeyOut.model_validate(key).model_dump(), key=text)


@router.get("", summary="List keys", responses=responses())
def listed(session: Reading, caller: Admin) -> list[schemas.KeyOut]:
    """Prefix, scopes and last use; never the key."""
    return [schemas.KeyOut.model_validate(one) for one in api_keys.listed(session)]


@router.delete("/{id}", summary="Revoke a key", responses=responses(404))
def revoke(id: str, session: Writing, now: Now, caller: Admin) -> schemas.KeyOut:
    """From now on the key is refused."""
    return schemas.KeyOut.model_validate(api_keys.revoke(session, id, now))
