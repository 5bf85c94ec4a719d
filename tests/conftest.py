import pytest
from hypothesis import HealthCheck, settings

# How long examples take to be made says something about the machine, not about what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What networks of torchvision and timm were compared with ours, and how far they were apart."""
    lines = [
        str(value)
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == "peer"
    ]
    if lines:
        terminalreporter.section("networks that equal torchvision's and timm's, largest difference")
        for line in sorted(lines, key=lambda line: line.partition("  ")[2]):
            terminalreporter.write_line(line)
