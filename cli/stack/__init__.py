"""The whole system on this machine, as `herald up`, `herald demo` and `herald bench` run it."""
