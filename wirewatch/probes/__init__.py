"""How a process is watched from outside: is it alive, is it ready, and what its metrics say."""

from wirewatch.probes.listener import ProbeListener, healthz, metrics_page
from wirewatch.probes.readiness import Readiness

__all__ = ["ProbeListener", "Readiness", "healthz", "metrics_page"]
