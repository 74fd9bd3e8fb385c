"""The PostgreSQL and the RabbitMQ of a test run."""
