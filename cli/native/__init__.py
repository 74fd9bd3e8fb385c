"""PostgreSQL and RabbitMQ on this machine without Docker, for `herald up` and for the tests."""
