"""What the reporter reads from the environment."""

from shared.settings import BrokerSettings, DatabaseSettings, Settings


class ReporterSettings(Settings, DatabaseSettings, BrokerSettings):
    ops_port: int = 9104
