"""The settings of the reporter."""

from shared.settings import BrokerSettings, DatabaseSettings, Port, Settings


class ReporterSettings(Settings, DatabaseSettings, BrokerSettings):
    ops_port: Port = 9104
