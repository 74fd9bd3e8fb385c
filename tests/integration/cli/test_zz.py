import asyncio, aio_pika, pytest
@pytest.mark.parametrize("n", range(30))
async def test_db(pool, n):
    assert await pool.fetchval("select count(*) from clients") == 0
    await pool.execute("insert into clients (phone, operator_code, timezone) values ('79990000000','999','UTC')")
@pytest.mark.parametrize("n", range(30))
async def test_broker(broker_url, n):
    from shared.broker import declare, open_connection
    from shared.topology import build
    from shared.settings import DEFAULT_RETRY_DELAYS
    c = await open_connection(broker_url, "x")
    await declare(c, build(DEFAULT_RETRY_DELAYS))
    await c.close()
def test_sync(database_url, broker_url, free_port):
    print(database_url, broker_url, free_port)
    assert database_url
