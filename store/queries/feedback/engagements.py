"""How often the picture of a mail was loaded, and its links were followed."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, SQLModel, col, select

from store import dialect
from store.tables.messages import Engagement


def count(session: Session, message_id: str, kind: str, customer_id: str, times: int, at: datetime) -> None:
    """Count so many more of a mail: one row of each kind, whoever fetches it and however often."""
    statement = dialect.of(session).insert(Engagement)
    columns = SQLModel.metadata.tables[str(Engagement.__tablename__)].c
    row = {
        "message_id": message_id,
        "kind": kind,
        "customer_id": customer_id,
        "count": times,
        "first_at": at,
        "last_at": at,
    }
    more = {"count": columns.count + statement.excluded.count, "last_at": statement.excluded.last_at}
    keys = ["message_id", "kind"]
    session.connection().execute(statement.on_conflict_do_update(index_elements=keys, set_=more), [row])


def of_message(session: Session, message_id: str) -> Mapping[str, Engagement]:
    """What is counted of a mail, by kind."""
    query = select(Engagement).where(col(Engagement.message_id) == message_id)
    return {one.kind: one for one in session.exec(query).all()}
