"""The settings of the planner."""

from pydantic import Field

from shared.settings import BrokerSettings, DatabaseSettings, Port, ProvidersSettings, Settings


class PlannerSettings(Settings, DatabaseSettings, BrokerSettings, ProvidersSettings):
    ops_port: Port = 9102
    # The most messages in flight, whatever the rate of sending.
    jobs_high_watermark: int = Field(default=5000, ge=200, le=1_000_000)
