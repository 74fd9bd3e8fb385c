"""The HERALD_ variables that the processes and the commands read, from their settings classes."""

from pydantic_settings import BaseSettings

from bench.running_stack import BenchSettings
from cli.settings import ClientSettings
from services.api.settings import ApiSettings
from services.dispatcher.settings import DispatcherSettings
from services.planner.settings import PlannerSettings
from services.reporter.settings import ReporterSettings
from services.sandbox.settings import SandboxSettings
from shared.settings import PREFIX

# The settings class of each process by its name.
PROCESSES: dict[str, type[BaseSettings]] = {
    "api": ApiSettings,
    "planner": PlannerSettings,
    "dispatcher": DispatcherSettings,
    "reporter": ReporterSettings,
    "sandbox": SandboxSettings,
}


def known() -> set[str]:
    """Returns the names of all variables."""
    kinds: tuple[type[BaseSettings], ...] = (*PROCESSES.values(), ClientSettings, BenchSettings)
    return {f"{PREFIX}{field.upper()}" for kind in kinds for field in kind.model_fields}
