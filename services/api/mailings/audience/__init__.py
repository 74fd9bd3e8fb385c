"""Who a mailing would be sent to at this moment, and with which texts."""
