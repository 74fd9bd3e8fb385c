"""The relay of the benches, by which tests put a network between Herald and its services, too."""

from bench.steady.relay import Relay

__all__ = ["Relay"]
