"""A try of one provider: one message, sent by hand."""
