"""What can be done to the broker, the network, the clocks, the certificates and the processes of an experiment."""
