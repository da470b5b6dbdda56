"""What released versions wrote to the journal's database, to be written again while it is migrated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from tenantry.dataplane.process import MIGRATIONS
from tenantry.postgres.migration import asyncpg_url

if TYPE_CHECKING:
    from sqlalchemy import Connection

FOLDER: Final = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True)
class FormerVersion:
    """The journal's statement of a released version, and the commits of one execution's life.

    Attributes:
        revision: of the schema it was made for.
    """

    name: str
    revision: str
    statement: str
    execution: str
    commits: str

    def life(self, execution_id: str) -> list[list[Any]]:
        """The statement's arguments, commit by commit, for an execution of that id."""
        commits: list[list[Any]] = json.loads(self.commits.replace(self.execution, execution_id))
        return commits


def former_versions() -> list[FormerVersion]:
    """Every released version whose statement is kept."""
    return [_load(path.parent) for path in sorted(FOLDER.glob("*/statement.sql"))]


def revisions_after(revision: str) -> list[str]:
    """Those that follow, in their order."""
    scripts = ScriptDirectory.from_config(_config())
    return [script.revision for script in scripts.iterate_revisions("head", revision)][::-1]


async def migrate_to(url: str, revision: str) -> None:
    """Brings a database to that revision, in one transaction as `postgres.migration` does."""
    engine = create_async_engine(asyncpg_url(url))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, revision)
    finally:
        await engine.dispose()


def _load(folder: Path) -> FormerVersion:
    text = (folder / "commits.json").read_text()
    told = json.loads(text)
    return FormerVersion(
        name=folder.name,
        revision=told["revision"],
        statement=(folder / "statement.sql").read_text(),
        execution=told["execution"],
        commits=json.dumps(told["commits"]),
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
