"""Waits of different processes: they overlap, as they do in reality."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from simulator.tenant import Tenant
from simulator.tenant.clock import PATIENCE
from simulator.testing.deployment import NOON


@pytest.fixture
def processes(tenant_file: Path) -> Iterator[list[Tenant]]:
    """The tenant as several processes have it: each with a connection of its own."""
    opened = [Tenant(tenant_file, real_time=lambda: NOON) for _ in range(4)]
    yield opened
    for tenant in opened:
        tenant.close()


def works(tenant_file: Path) -> list[bool]:
    """For each work that the tenant knows of whether it waits."""
    with closing(sqlite3.connect(tenant_file)) as connection:
        return [until is not None for (until,) in connection.execute("SELECT until FROM work")]


def passed(tenant: Tenant) -> float:
    """Seconds of virtual time; real time stands still."""
    return (tenant.clock.now() - NOON).total_seconds()


def side_by_side(processes: list[Tenant], *waits: list[float]) -> list[list[float]]:
    """Has each process wait a few times, all having begun before the first of them waits.

    Returns:
        For each of them, when its waits ended.
    """
    ended: list[list[float]] = [[] for _ in waits]

    def run(number: int, work: int, done: ExitStack) -> None:
        with done:
            for seconds in waits[number]:
                processes[number].clock.sleep(seconds, work)
                ended[number].append(passed(processes[number]))

    threads = []
    for number in range(len(waits)):
        done = ExitStack()
        work = done.enter_context(processes[number].clock.working())
        threads.append(threading.Thread(target=run, args=(number, work, done)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


class TestSideBySide:
    def test_what_several_wait_at_once_passes_once(self, processes):
        assert side_by_side(processes, [3600], [3600], [3600], [3600]) == [[3600]] * 4
        assert passed(processes[0]) == 3600

    def test_each_goes_on_at_its_own_time(self, processes):
        ended = side_by_side(processes, [100], [60, 60], [15, 15, 15, 15], [10])
        assert ended == [[100], [60, 120], [15, 30, 45, 60], [10]]

    def test_a_wait_beside_which_nothing_works_ends_at_once(self, processes):
        processes[0].clock.sleep(20)
        with processes[1].clock.working() as work:
            processes[1].clock.sleep(30, work)
        assert passed(processes[0]) == 50

    def test_no_time_passes_for_those_who_wait_while_another_works(self, processes, tenant_file):
        waiting, working, *_ = processes
        with working.clock.working() as work:
            thread = threading.Thread(target=waiting.clock.sleep, args=(3600,))
            thread.start()
            while works(tenant_file) != [False, True]:
                time.sleep(0.01)
            assert passed(working) == 0
            # It moves on by as much as the one that worked waits, and no further.
            working.clock.sleep(15, work)
            assert passed(working) == 15
        thread.join()
        assert passed(working) == 3600

    def test_what_moves_the_clock_for_everybody_wakes_them(self, processes, tenant_file):
        waiting, working, *_ = processes
        with working.clock.working():
            thread = threading.Thread(target=waiting.clock.sleep, args=(3600,))
            thread.start()
            while works(tenant_file) != [False, True]:
                time.sleep(0.01)
            working.clock.advance(3601)
            thread.join()
        assert passed(working) == 3601


class TestWhileAnEngineAsksForMore:
    def test_no_wait_ends(self, tenant_file):
        now, asked = NOON, 0

        def real_time() -> datetime:
            nonlocal asked
            asked += 1
            return now

        tenant = Tenant(tenant_file, real_time=real_time)
        tenant.clock.stir()
        thread = threading.Thread(target=tenant.clock.sleep, args=(20,))
        thread.start()
        # As often as it takes to look a few times whether everybody waits.
        begun = asked
        while asked < begun + 20 and thread.is_alive():
            time.sleep(0.01)
        assert tenant.clock.now() == NOON
        now += timedelta(seconds=1)
        thread.join()
        assert tenant.clock.now() == NOON + timedelta(seconds=20)
        tenant.close()


class TestTheDead:
    @staticmethod
    def died(tenant_file: Path, program: str) -> None:
        """A process that begins with a clock, and then ends without a word."""
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "import os, sys, threading; from simulator.tenant import Tenant\n"
                f"clock = Tenant(sys.argv[1]).clock\n{program}\nos._exit(9)",
                str(tenant_file),
            ],
            check=False,
        )
        assert done.returncode == 9

    def test_do_not_hold_the_waits_of_others_up(self, tenant, tenant_file):
        self.died(tenant_file, "work = clock.working(); work.__enter__()")
        assert works(tenant_file) == [False]
        tenant.clock.sleep(20)
        assert passed(tenant) == 20
        assert works(tenant_file) == []

    def test_are_not_waited_for(self, tenant, tenant_file):
        self.died(
            tenant_file,
            "with clock.working() as held:\n"
            "    threading.Thread(target=clock.sleep, args=(5,), daemon=True).start()\n"
            "    while True:\n"
            "        with clock._store.transaction():\n"  # What is not yet written dies with it.
            "            if len(list(clock._store.works())) == 2: os._exit(9)\n",
        )
        assert works(tenant_file) == [False, True]
        tenant.clock.sleep(20)
        assert passed(tenant) == 20
        assert works(tenant_file) == []

    def test_one_that_hangs_is_not_waited_for_for_ever(self, tenant_file):
        now = NOON
        tenant = Tenant(tenant_file, real_time=lambda: now)
        with tenant.clock.working():
            thread = threading.Thread(target=tenant.clock.sleep, args=(3600,))
            thread.start()
            while works(tenant_file) != [False, True]:
                time.sleep(0.01)
            assert tenant.clock.now() == NOON
            now = NOON + PATIENCE + timedelta(seconds=1)
            thread.join()
            assert tenant.clock.now() == NOON + timedelta(seconds=3600)
        tenant.close()
