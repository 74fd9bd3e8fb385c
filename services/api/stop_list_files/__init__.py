"""Files of phones for the stop list, written as people write them."""
