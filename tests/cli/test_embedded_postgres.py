from __future__ import annotations

from collections.abc import Callable

import asyncpg


async def test_a_fresh_database_is_empty_and_durable(make_database: Callable[[], str]) -> None:
    connection = await asyncpg.connect(make_database())
    try:
        assert await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0
        assert [await connection.fetchval(f"show {name}") for name in ("fsync", "synchronous_commit")] == [
            "on",
            "on",
        ]
    finally:
        await connection.close()


async def test_databases_of_one_test_are_apart(make_database: Callable[[], str]) -> None:
    first, second = await asyncpg.connect(make_database()), await asyncpg.connect(make_database())
    try:
        await first.execute("create table mine (id int)")
        assert await second.fetchval("select to_regclass('mine')") is None
    finally:
        await first.close()
        await second.close()
