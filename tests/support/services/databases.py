"""Databases on the PostgreSQL of a test run."""

from urllib.parse import urlsplit

import asyncpg


def with_database(url: str, name: str) -> str:
    """Returns the URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


async def create_database(admin_url: str, name: str, template: str) -> str:
    """Creates a copy of the template, which has the current schema, and returns its URL."""
    await execute(admin_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return with_database(admin_url, name)


async def drop_database(admin_url: str, name: str) -> None:
    await execute(admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
