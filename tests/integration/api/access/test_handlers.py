"""GET /token."""

import pytest

from services.api.access.authenticate import Authenticator
from services.api.access.tokens import create_token
from shared.statuses import ROLES
from tests.integration.api.fakes import Api, MakeApi
from tests.integration.api.rows import Rows


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("role", ROLES)
async def test_a_token_shows_its_name_and_its_role(api: Api, rows: Rows, role: str) -> None:
    plain, _ = create_token()
    await rows.token("anna", role, plain=plain)
    shown = await api.get("/token", headers=bearer(plain))
    assert (shown.status, shown.body) == (200, {"name": "anna", "role": role})


async def test_without_authentication_everybody_is_an_admin(make_api: MakeApi) -> None:
    api = await make_api(authenticator=Authenticator(required=False, admin_token=None))
    async with api.client.get("/api/v1/token") as shown:
        assert await shown.json() == {"name": "env:anybody", "role": "admin"}
