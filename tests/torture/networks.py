"""F10 to F12: the network between receiver and database stalls, cuts and delays."""

from tests.torture.machine import pause, until
from tests.torture.systems import Fault, World, proxied


def stall(world: World) -> None:
    """Nothing passes, no connection breaks: for eight seconds, then for thirty."""
    for seconds in (8,) if world.brief else (8, 30):
        world.proxy.flowing.clear()
        pause(seconds)
        world.proxy.flowing.set()
        world.heal()
        pause(3)


def cut_commits(world: World) -> None:
    """Connections break at COMMIT: of two, one was carried out and one was not."""
    world.proxy.commits = 4 if world.brief else 40
    until(lambda: world.proxy.commits == 0, 60, "every COMMIT to break was sent")


def be_slow(world: World) -> None:
    """0.2 s for each round trip, and one message in twenty is a reset."""
    world.load.each_seconds = 2.0
    world.proxy.delay, world.proxy.reset_share = 0.1, 0.05
    pause(5 if world.brief else 20)
    world.proxy.delay, world.proxy.reset_share = 0.0, 0.0


FAULTS = [
    Fault("F10", "network stalls 8 s and 30 s", stall, proxied),
    Fault("F11", "connections cut at COMMIT", cut_commits, proxied),
    Fault("F12", "200 ms latency and 5 % resets", be_slow, proxied),
]
