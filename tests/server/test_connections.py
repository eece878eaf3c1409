"""Slow clients on real sockets: silent, half a request, busy, never closing.

server/worker.py names the test that needs each of its overrides.
"""

import logging
import os
import re
import resource
import selectors
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import requests
from gunicorn.config import Config

from receiver.server.worker import Worker
from tests.support.raw_requests import read_answer
from tests.support.receivers import Running, started
from tests.support.senders import envelope, stage

PAGE_REQUEST = b"GET /stages HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST_HEAD = b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50000\r\n\r\n"
LAST_REQUEST = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


def test_stalled_senders_do_not_stop_the_others(receiver: Running):
    half = [
        b"POST /webhooks/milepost HTTP/1.1\r\nHost: x\r\n",
        b"POST /webhooks/milepost HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{",
    ]
    stalled = [receiver.connect() for _ in range(32)]
    for place, connection in enumerate(stalled):
        connection.sendall(half[place % 2])
    try:
        assert receiver.post(envelope(stage("Storage"), number="patient")).status_code == 202
    finally:
        for connection in stalled:
            connection.close()


def test_clients_that_trickle_do_not_stop_the_others(receiver: Running):
    beginnings = [
        b"POST /webhooks/milepost HTTP/1.1\r\nHost: x\r\nX: ",
        b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n",
        b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n",
        b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
    ]
    with ExitStack() as stack:
        clients = [stack.enter_context(receiver.connect()) for _ in range(64)]
        for place, client in enumerate(clients):
            client.sendall(beginnings[place % 4])
        for _ in range(4):
            time.sleep(0.5)
            for client in clients:
                with suppress(OSError):  # refused already
                    client.sendall(b"x")
            assert requests.get(f"{receiver.url}/livez", timeout=3).status_code == 200


def test_a_thousand_silent_connections_do_not_stop_the_others(receiver: Running):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_000, limit), limit))
    with ExitStack() as stack:
        for _ in range(1_000):
            stack.enter_context(receiver.connect())
        for _ in range(3):
            assert requests.get(f"{receiver.url}/livez", timeout=3).status_code == 200


def test_few_open_files_do_not_end_a_worker():
    with started() as running, ExitStack() as stack:
        assert running.post(envelope(stage("Storage"))).status_code == 202
        workers = psutil.Process(running.process.pid).children()
        for worker in workers:
            worker.rlimit(psutil.RLIMIT_NOFILE, (64, 64))
        for _ in range(300):
            stack.enter_context(running.connect())
        for _ in range(20):
            assert requests.get(f"{running.url}/livez", timeout=3).status_code == 200
        assert psutil.Process(running.process.pid).children() == workers


def test_a_worker_without_a_free_thread_leaves_new_connections_to_the_other(receiver: Running):
    stalled = [receiver.connect() for _ in range(15)]  # of 16 threads
    for connection in stalled:
        connection.sendall(b"POST /webhooks/milepost HTTP/1.1\r\nHost: x\r\n")
    try:
        for _ in range(10):
            assert requests.get(f"{receiver.url}/livez", timeout=3).status_code == 200
    finally:
        for connection in stalled:
            connection.close()


def test_busy_clients_leave_room_for_new_connections(receiver: Running):
    done = threading.Event()
    busy = threading.Thread(target=send_requests, args=[receiver, done])
    busy.start()
    try:
        time.sleep(1)
        for _ in range(5):
            with receiver.connect(timeout=5) as connection:
                connection.sendall(LAST_REQUEST)
                assert connection.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        done.set()
        busy.join()


def send_requests(receiver: Running, done: threading.Event) -> None:
    """Let each of 64 clients request a page as soon as it has the one before."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(64):
            client = stack.enter_context(receiver.connect())
            client.sendall(PAGE_REQUEST)
            selector.register(client, selectors.EVENT_READ, client)
        while not done.is_set():
            for key, _ in selector.select(0.1):
                if b"\r\n\r\n" in key.data.recv(2**20):
                    key.data.sendall(PAGE_REQUEST)


def test_ending_worker_answers_clients_that_are_still_sending(receiver: Running):
    with ExitStack() as stack:
        clients = connected(receiver, stack)
        end_workers(receiver)
        # The first ones, which leave, must not end the loop that the others still need.
        for group in (clients[:6], clients[6:]):
            for piece in (POST_HEAD, bytes(20_000), bytes(30_000)):
                time.sleep(0.15)
                for client in group:
                    client.sendall(piece)
            for client in group:
                assert read_answer(client).status == 404
                client.close()


def test_ending_worker_waits_two_seconds_for_clients_that_do_not_close(receiver: Running):
    with ExitStack() as stack:
        clients = connected(receiver, stack)
        workers = end_workers(receiver)
        time.sleep(0.15)
        for client in clients:
            client.sendall(POST_HEAD + bytes(1_000))
            assert read_answer(client).status == 404
        began = time.monotonic()
        psutil.wait_procs(workers, timeout=12)
        assert time.monotonic() - began < 8  # graceful_timeout, which would end it too


def test_ending_worker_answers_a_new_client_that_is_silent_at_first(receiver: Running):
    assert requests.get(f"{receiver.url}/livez", timeout=10).status_code == 200  # a worker is there
    with ExitStack() as stack:
        clients = [stack.enter_context(receiver.connect(timeout=10)) for _ in range(8)]
        end_workers(receiver)
        time.sleep(0.5)
        for client in clients:
            client.sendall(LAST_REQUEST)
            assert read_answer(client).status == 200


def connected(receiver: Running, stack: ExitStack) -> list[socket.socket]:
    """Return 8 clients whose connections are kept alive after a first request."""
    clients = [stack.enter_context(receiver.connect(timeout=10)) for _ in range(8)]
    for client in clients:
        client.sendall(PAGE_REQUEST.replace(b"/stages", b"/livez"))
        assert read_answer(client).status == 200
    return clients


def end_workers(receiver: Running) -> list[psutil.Process]:
    """Send SIGTERM to each worker as soon as it heeds it.

    Until gunicorn's `init_signals`, a new worker has its master's handler, which forgets it there.
    """
    workers = psutil.Process(receiver.process.pid).children()
    for worker in workers:
        with suppress(FileNotFoundError, psutil.NoSuchProcess):  # one that ended already
            while not handles(worker, signal.SIGABRT):  # which is the last that init_signals sets
                time.sleep(0.05)
            worker.terminate()
    return workers


def handles(process: psutil.Process, number: signal.Signals) -> bool:
    """Return whether a process has a handler for a signal; see proc(5), SigCgt."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    mask = re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.MULTILINE)
    return mask is None or bool(int(mask[1], 16) >> (number - 1) & 1)  # None: it is a zombie


def test_worker_that_ends_while_it_enables_accepting_closes_its_listener_once():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)  # as gunicorn makes them
        app: Any = SimpleNamespace(draining=b"\1")
        log: Any = logging.getLogger()
        worker = Worker(1, os.getpid(), [listener], app, 30, Config(), log)
        worker.poller = selectors.DefaultSelector()
        worker.alive = False
        for enabled in (True, False):  # the first is what its loop had just decided
            worker.set_accept_enabled(enabled)
        assert worker.poller.get_map() == {}
        assert listener.fileno() == -1
        worker.poller.close()
        worker.tmp.close()


def test_clients_that_never_close_do_not_stop_the_others(receiver: Running):
    ended = [receiver.connect() for _ in range(32)]
    try:
        for connection in ended:
            connection.sendall(LAST_REQUEST)
        # gunicorn would wait two seconds for each of them, in a worker's only loop.
        assert requests.get(f"{receiver.url}/livez", timeout=10).status_code == 200
        for connection in ended:
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for connection in ended:
            connection.close()


def test_client_that_still_sends_receives_the_answer(receiver: Running):
    with receiver.connect() as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        for _ in range(20):  # gunicorn reads none of it
            connection.sendall(bytes(100_000))
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_silent_connections_do_not_stop_the_others(receiver: Running):
    silent = [receiver.connect() for _ in range(32)]
    try:
        # gunicorn would give each of them a thread for five seconds.
        assert requests.get(f"{receiver.url}/livez", timeout=3).status_code == 200
        late = silent[-1]
        late.sendall(LAST_REQUEST)
        assert late.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for connection in silent:
            connection.close()
