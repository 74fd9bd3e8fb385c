"""The settings of the planner."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from services.planner.rejection_limit import RejectionLimit
from services.planner.report.settings import ReportSettings
from shared.settings import BrokerSettings, DatabaseSettings, Port, Settings


def _read_limit(value: object) -> object:
    if value in ("", "off"):
        return None
    return RejectionLimit.parse(value) if isinstance(value, str) else value


class PlannerSettings(Settings, DatabaseSettings, BrokerSettings, ReportSettings):
    ops_port: Port = 9102
    # The most messages in flight, whatever the rate of sending.
    jobs_high_watermark: int = Field(default=5000, ge=200, le=1_000_000)
    # Above this share and number of rejected messages a mailing is paused; None pauses none.
    pause_on_rejected: Annotated[RejectionLimit | None, NoDecode, BeforeValidator(_read_limit)] = None
