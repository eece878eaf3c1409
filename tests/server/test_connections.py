"""Connections as clients leave them: silent, half sent, busy, not closed; each on real sockets."""

import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import requests
from gunicorn.config import Config

from receiver.server.worker import Worker
from tests.support.receivers import Running, started
from tests.support.senders import envelope, stage

PAGE_REQUEST = b"GET /stages HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
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


def test_clients_that_give_no_thread_a_rest_leave_room_for_new_ones(receiver: Running):
    done = threading.Event()
    busy = threading.Thread(target=ask_without_rest, args=[receiver, done])
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


def ask_without_rest(receiver: Running, done: threading.Event) -> None:
    """64 clients, each asking for a page as soon as it has the one before."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(64):
            client = stack.enter_context(receiver.connect())
            client.sendall(PAGE_REQUEST)
            selector.register(client, selectors.EVENT_READ, client)
        while not done.is_set():
            for key, _ in selector.select(0.1):
                if b"\r\n\r\n" in key.data.recv(2**20):
                    key.data.sendall(PAGE_REQUEST)


def test_a_worker_that_ends_answers_who_is_still_sending(receiver: Running):
    head = b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50000\r\n\r\n"
    with ExitStack() as stack:
        clients = [stack.enter_context(receiver.connect(timeout=10)) for _ in range(4)]
        for client in clients:
            client.sendall(PAGE_REQUEST.replace(b"/stages", b"/livez"))
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
        for worker in psutil.Process(receiver.process.pid).children():
            worker.terminate()
        for piece in (head, bytes(20_000), bytes(30_000)):
            time.sleep(0.15)
            for client in clients:
                client.sendall(piece)
        for client in clients:
            assert b"HTTP/1.1 404" in client.recv(1000)


def test_a_worker_told_to_end_while_it_turns_accepting_on_closes_its_listener_once():
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


def test_clients_that_do_not_close_an_ended_connection_do_not_stop_the_others(receiver: Running):
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


def test_what_a_client_still_sends_does_not_cost_it_the_answer(receiver: Running):
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
