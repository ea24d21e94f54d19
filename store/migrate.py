"""Bring a database to the newest schema (Alembic)."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlmodel import SQLModel

from store import tables

_ = tables


def config() -> Config:
    """Alembic's configuration, without a file of its own."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return settings


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply every migration that is missing, up to this revision; on PostgreSQL all of them or none.

    What is applied already stays, so a second call does nothing.
    """
    settings = config()
    settings.attributes["engine"] = engine
    command.upgrade(settings, revision)


def revisions() -> list[str]:
    """Every revision, the oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()][::-1]


def pending(engine: Engine) -> bool:
    """Whether the database lacks a migration, or has one that this code does not know."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current != ScriptDirectory.from_config(config()).get_current_head()


def differences(engine: Engine) -> list[str]:
    """What the tables in code have that the migrated database lacks, or the other way round; types too."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(one) for one in compare_metadata(context, SQLModel.metadata)]
