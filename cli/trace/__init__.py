"""herald trace: everything that the logs and the tables know of a mailing, a message or a client."""
