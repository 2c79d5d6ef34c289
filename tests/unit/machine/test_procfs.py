"""What the kernel's files tell of a process, whatever it calls itself."""

from __future__ import annotations

import os
import signal
import subprocess

from lifecycle.machine.procfs import inner_pid, namespace_pids, stopped


def test_a_process_has_one_number_in_its_own_namespace() -> None:
    assert namespace_pids("self") == namespace_pids(os.getpid()) == [os.getpid()]
    assert namespace_pids(0) == []


def test_the_innermost_number_is_the_last() -> None:
    assert inner_pid("Name:\tx\nNSpid:\t12\t3\t1\n") == 1
    assert inner_pid("Name:\tNSpid: 5\nPid:\t1\n") is None


def test_a_process_that_a_signal_holds_is_stopped_until_it_goes_on() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        assert not stopped(child.pid)
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        assert stopped(child.pid)
        child.send_signal(signal.SIGCONT)
        os.waitid(os.P_PID, child.pid, os.WCONTINUED)
        assert not stopped(child.pid)
        child.kill()
    assert not stopped(child.pid)
