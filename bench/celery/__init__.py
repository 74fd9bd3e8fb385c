"""Herald beside a notification service as people write it with Celery: `make bench-celery`."""
