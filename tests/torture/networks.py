"""F10 to F12: the network between receiver and database stalls, breaks and delays."""

from tests.torture.machine import pause, until
from tests.torture.systems import Fault, System, proxied


def stall(system: System) -> None:
    """Let nothing pass and no connection break, for eight seconds, then for thirty."""
    for seconds in (8,) if system.brief else (8, 30):
        system.proxy.flowing.clear()
        pause(seconds)
        system.proxy.flowing.set()
        system.heal()
        pause(3)


def cut_commits(system: System) -> None:
    """Break connections at COMMIT: of two, one was carried out and one was not."""
    system.proxy.commits = 4 if system.brief else 40
    until(lambda: system.proxy.commits == 0, 60, "every COMMIT to break was sent")


def delay(system: System) -> None:
    """Delay each round trip by 0.2 s, and reset one message in twenty."""
    system.load.pause_seconds = 2.0
    system.proxy.delay, system.proxy.reset_share = 0.1, 0.05
    pause(5 if system.brief else 20)
    system.proxy.delay, system.proxy.reset_share = 0.0, 0.0


FAULTS = [
    Fault("F10", "network stalls 8 s and 30 s", stall, proxied),
    Fault("F11", "connections cut at COMMIT", cut_commits, proxied),
    Fault("F12", "200 ms latency and 5 % resets", delay, proxied),
]
