"""What the dispatcher makes of the providers file: requests, the meaning of replies, and the choice of a provider."""
