"""A terminal: real programs on real pseudo-terminals."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.machine.patterns import Found
from lifecycle.machine.procfs import alive, start_time
from lifecycle.machine.subject import Subject
from lifecycle.terminal.errors import TerminalEnded, TerminalError, TerminalTimeout
from lifecycle.terminal.terminal import SCREEN_BYTES, Reader, Terminal

Opener = Callable[..., Terminal]
SOON = 20.0

PROMPT = r"prompt> $"


@pytest.fixture
def shell(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """An interactive shell that waits at its first prompt."""
    monkeypatch.setenv("PS1", "prompt> ")
    shell = opened("bash", "--norc", "--noprofile", "-i")
    shell.wait_for(PROMPT, since=0, timeout=SOON)
    return shell


def test_a_line_typed_into_a_shell_is_answered(shell: Terminal) -> None:
    mark = shell.mark()
    shell.send_line("echo $((40 + 2))")
    assert shell.wait_for(r"(?m)^42$", since=mark, timeout=SOON)


def test_text_printed_before_the_wait_counts(opened: Opener) -> None:
    done = opened("echo", "already here")
    done.wait_end(SOON)
    assert done.wait_for("already (here)", since=0, timeout=0).group(1) == "here"


def test_text_printed_before_the_mark_does_not_count(opened: Opener) -> None:
    cat = opened("cat")
    cat.send_line("first")
    cat.wait_for("first\nfirst", since=0, timeout=SOON)
    mark = cat.mark()
    cat.send_line("second")
    cat.wait_for("second\nsecond", since=mark, timeout=SOON)
    assert "first" not in cat.text(mark)
    assert cat.text().startswith("first")


def test_a_pattern_is_found_across_pieces_and_between_colours(opened: Opener) -> None:
    script = r"printf '\033[1;31mNew \033[0mpass'; read x; printf '\033]0;title\007word: '; read y"
    shell = opened("bash", "-c", script)
    shell.wait_for("New pass", since=0, timeout=SOON)
    shell.press(["enter"])
    assert shell.wait_for(r"New pass\s+word: $", since=0, timeout=SOON)


def test_a_korean_prompt_is_found(opened: Opener) -> None:
    prompt = opened("bash", "-c", "printf '새 암호: '; read x")
    assert prompt.wait_for("새.*암호:", since=0, timeout=SOON)


def test_a_prompt_is_found_that_came_in_two_halves_of_a_character(opened: Opener) -> None:
    halves = r"stty -echo; printf '\354\203'; read x; printf '\210 \354\225\224\355\230\270:'; cat"
    prompt = opened("bash", "-c", halves)
    assert prompt.wait_change(1, SOON) == len(b"\354\203")
    reader = Reader(prompt)
    with pytest.raises(TerminalTimeout):
        reader.wait_for(["새"], 0)
    prompt.press(["enter"])
    assert reader.wait_for(["새 암호:"], SOON)


def test_of_several_patterns_the_one_that_came_first_is_found(opened: Opener) -> None:
    done = opened("echo", "one two three")
    done.wait_end(SOON)
    reader = Reader(done)
    which, found = reader.wait_for(["three", "two"], 0)
    assert (which, found.group()) == (1, "two")
    reader.pass_over(found)
    assert reader.wait_for(["t\\w+"], 0)[1].group() == "three"


def test_a_timeout_shows_the_pattern_the_limit_and_the_screen(opened: Opener) -> None:
    cat = opened("bash", "-c", "echo what is on the screen; cat")
    cat.wait_for("screen", since=0, timeout=SOON)
    with pytest.raises(TerminalTimeout) as caught:
        cat.wait_for("never", since=0, timeout=0.05)
    assert caught.value.reason == "'never' did not come on test within 0.05 s"
    assert str(caught.value).startswith(caught.value.reason)
    assert caught.value.screen == "what is on the screen"
    assert str(caught.value).endswith("what is on the screen")


def test_a_program_that_ends_first_says_its_exit_and_last_screen(opened: Opener) -> None:
    dying = opened("bash", "-c", "echo last words; exit 3")
    with pytest.raises(TerminalEnded, match="ended with exit 3 before 'never' came") as caught:
        dying.wait_for("never", since=0, timeout=SOON)
    assert caught.value.exit_code == 3
    assert caught.value.screen == "last words"


def test_a_pattern_that_is_no_regular_expression_is_a_sentence(opened: Opener) -> None:
    with pytest.raises(TerminalError, match="is no regular expression"):
        opened("cat").wait_for("(", since=0, timeout=1)


def test_all_output_is_there_when_the_end_is_seen(opened: Opener) -> None:
    for _ in range(20):
        short = opened("sh", "-c", "echo the very last line")
        assert short.wait_end(SOON) == 0
        assert short.text() == "the very last line\n"


def test_the_end_of_a_program_does_not_wait_for_its_background_jobs(opened: Opener) -> None:
    parent = opened("bash", "-c", "trap '' HUP; sleep 1000 & echo $!; exit 5")
    assert parent.wait_end(SOON) == 5
    child = int(parent.text())
    started = start_time(child)
    assert started is not None
    assert alive(child, started)
    parent.close()
    assert not alive(child, started)


def test_a_signal_is_an_exit_code_above_128(opened: Opener) -> None:
    sleeper = opened("sleep", "1000")
    os.kill(sleeper.pid, signal.SIGTERM)
    assert sleeper.wait_end(SOON) == 143
    assert sleeper.ended


def test_waiting_for_an_end_that_does_not_come_returns_nothing(opened: Opener) -> None:
    cat = opened("cat")
    assert cat.wait_end(0.02) is None
    assert not cat.ended
    assert cat.exit_code is None


def test_keys_reach_the_program(opened: Opener) -> None:
    cat = opened("cat")
    cat.press(["h", "i", "space", "x", "backspace", "y", "enter"])
    cat.wait_for("\nhi y\n", since=0, timeout=SOON)
    cat.press(["ctrl-d"])
    assert cat.wait_end(SOON) == 0


def test_ctrl_c_interrupts_what_runs(shell: Terminal) -> None:
    shell.send_line("bash -c 'echo started; exec sleep 1000'")
    shell.wait_for("\nstarted\n", since=0, timeout=SOON)
    mark = shell.mark()
    shell.press(["ctrl-c"])
    shell.wait_for(PROMPT, since=mark, timeout=SOON)
    shell.send_line("echo it was $?")
    assert shell.wait_for("it was 130", since=mark, timeout=SOON)


def test_ctrl_z_suspends_and_fg_resumes(shell: Terminal) -> None:
    shell.send_line("echo started; cat")
    shell.wait_for("\nstarted\n", since=0, timeout=SOON)
    shell.send_line("echoed")
    shell.wait_for("echoed\n.*echoed", since=0, timeout=SOON)
    mark = shell.mark()
    shell.press(["ctrl-z"])
    shell.wait_for(r"Stopped.*\s" + PROMPT, since=mark, timeout=SOON)
    mark = shell.mark()
    shell.send_line("fg")
    shell.wait_for("\ncat\n", since=mark, timeout=SOON)
    shell.send_line("resumed")
    assert shell.wait_for("resumed\n.*resumed", since=mark, timeout=SOON)


def test_an_unknown_key_names_the_known_ones(opened: Opener) -> None:
    with pytest.raises(TerminalError, match=r"'contrl-c'; there are .*ctrl-a to ctrl-z.*page-up"):
        opened("cat").press(["contrl-c"])


def test_typing_into_a_terminal_that_ended_says_so(opened: Opener) -> None:
    done = opened("true")
    done.wait_end(SOON)
    with pytest.raises(TerminalError, match="test has ended with exit 0"):
        done.send_line("hello")


def test_echo_is_off_at_a_password_prompt_and_on_after_it(opened: Opener) -> None:
    script = "read -p 'name: ' n; read -s -p 'Password: ' p; echo; echo ${#p} letters; cat"
    prompt = opened("bash", "-c", script)
    prompt.wait_for("name: ", since=0, timeout=SOON)
    assert not prompt.echo_off()
    assert not prompt.wait_echo_off(0.03)
    prompt.send_line("alice")
    assert prompt.wait_echo_off(SOON)
    prompt.send_line("s3cret")
    prompt.wait_for("6 letters", since=0, timeout=SOON)
    assert "s3cret" not in prompt.text()
    assert not prompt.echo_off()


def test_waiting_for_echo_to_go_off_ends_with_the_program(opened: Opener) -> None:
    assert not opened("true").wait_echo_off(SOON)


def test_the_size_is_set_and_can_change(opened: Opener) -> None:
    script = "stty size; trap 'stty size; exit' WINCH; echo ready; while :; do read x; done"
    shell = opened("bash", "-c", script)
    shell.wait_for("40 120\nready", since=0, timeout=SOON)
    shell.resize(24, 80)
    shell.press(["enter"])
    assert shell.wait_for("24 80", since=0, timeout=SOON)


def test_the_window_size_of_the_caller_does_not_reach_the_program(
    tmp_path: Path, me: Subject
) -> None:
    env = {"PATH": os.environ["PATH"], "COLUMNS": "7", "TERM": "dumb"}
    shell = Terminal(
        ["sh", "-c", 'echo "[$COLUMNS][$TERM]"'], name="t", subject=me, env=env, cwd=tmp_path
    )
    shell.wait_end(SOON)
    assert shell.text() == "[][xterm-256color]\n"
    shell.close()


def test_signals_that_python_ignores_work_in_the_program(opened: Opener) -> None:
    status = opened("grep", "SigIgn", "/proc/self/status")
    assert status.wait_for(r"SigIgn:\s+(\w+)", since=0, timeout=SOON).group(1) == "0" * 16


def test_arrows_are_pressed_as_the_program_wants_them(opened: Opener) -> None:
    script = r"stty raw -echo; printf '\033[?1hready'; head -c 3 | od -An -c"
    program = opened("bash", "-c", script)
    program.wait_for("ready", since=0, timeout=SOON)
    program.press(["up"])
    assert program.wait_for(r"033\s+O\s+A", since=0, timeout=SOON)


def test_the_screen_says_how_much_is_not_on_it(opened: Opener) -> None:
    flood = opened("bash", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo the end")
    flood.wait_end(SOON)
    assert flood.picture().text == "the end"
    assert flood.picture().lost == 1_000_000 + len("\r\nthe end\r\n") - SCREEN_BYTES


def test_the_screen_is_what_a_person_sees(opened: Opener) -> None:
    painter = opened("printf", r"garbage\033[2J\033[3;5Hhere\033[1;1H\033[31mtop\033[0m")
    painter.wait_end(SOON)
    assert painter.screen() == "top\n\n    here"


def test_the_screen_is_right_when_it_is_looked_at_in_between(opened: Opener) -> None:
    script = r"stty -echo; printf 'ab\033['; read x; printf '1Dc '; read y"
    painter = opened("bash", "-c", script)
    painter.wait_for("ab", since=0, timeout=SOON)
    assert painter.screen() == "ab"
    painter.press(["enter"])
    painter.wait_for("c ", since=0, timeout=SOON)
    assert painter.screen() == "ac"


def test_lines_that_scrolled_off_are_kept(opened: Opener) -> None:
    counter = opened("seq", "1000")
    counter.wait_end(SOON)
    lines = counter.screen().split("\n")
    assert lines[-1] == "1000"
    assert len(lines) == 200 + 39
    assert lines == [str(n) for n in range(1001 - len(lines), 1001)]


@pytest.mark.skipif(shutil.which("vi") is None, reason="there is no vi on this machine")
def test_vi_is_seen_while_it_runs_and_leaves_the_shell_as_it_was(
    shell: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "note").write_text("hello from a file\n")
    shell.send_line("vi -u NONE note")
    shell.wait_for("hello from a file", since=0, timeout=SOON)
    shell.press(["o"])
    mark = shell.mark()
    shell.send_line("typed in vi")
    shell.wait_for("typed in vi", since=mark, timeout=SOON)
    assert "hello from a file" in shell.screen()
    assert "\n~\n" in shell.screen()
    shell.press(["escape"])
    mark = shell.mark()
    shell.send_line(":wq")
    shell.wait_for(PROMPT, since=mark, timeout=SOON)
    shell.send_line("echo left vi: $?")
    shell.wait_for("left vi: 0", since=mark, timeout=SOON)
    assert (tmp_path / "note").read_text() == "hello from a file\ntyped in vi\n\n"
    assert "\n~\n" not in shell.screen()


def test_a_screen_after_binary_output_is_still_text(opened: Opener) -> None:
    noise = opened("bash", "-c", "head -c 300000 /dev/urandom; stty sane; printf '\\033c%s' done")
    assert noise.wait_end(SOON) == 0
    assert noise.screen().endswith("done")
    assert noise.text().endswith("done")


def test_hundreds_of_megabytes_neither_block_nor_fill_memory(opened: Opener) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    flood = opened("bash", "-c", "head -c 300000000 /dev/zero | tr '\\0' x; echo; echo the end")
    assert flood.wait_end(120) == 0
    assert flood.total_bytes > 300_000_000
    assert len(flood.text()) <= 1 << 20
    assert flood.screen().endswith("the end")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000  # KiB


def test_text_is_found_after_a_flood(opened: Opener) -> None:
    flood = opened("bash", "-c", "seq 2000000; echo the end; cat")
    assert flood.wait_for("2000000\nthe end", since=0, timeout=120)


def test_a_program_that_nobody_looks_at_is_not_blocked(opened: Opener, tmp_path: Path) -> None:
    opened("bash", "-c", "head -c 5000000 /dev/zero | tr '\\0' x; exit 7").wait_end(0)
    quiet = opened("bash", "-c", "seq 200000; touch finished; exit 7")
    assert quiet.wait_end(60) == 7
    assert (tmp_path / "finished").exists()


def test_a_long_line_that_nobody_reads_is_not_waited_for_for_ever(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifecycle.terminal.terminal._INPUT_LIMIT", 0.2)
    deaf = opened("bash", "-c", "stty raw -echo; echo ready; sleep 1000")
    deaf.wait_for("ready", since=0, timeout=SOON)
    with pytest.raises(TerminalError, match="does not read what is typed"):
        deaf.send_line("x" * 1_000_000)


def test_several_threads_can_wait_on_one_terminal(opened: Opener) -> None:
    cat = opened("cat")
    found: list[Found] = []

    def wait(word: str) -> None:
        found.append(cat.wait_for(f"{word}\n{word}", since=0, timeout=SOON))

    threads = [threading.Thread(target=wait, args=[word]) for word in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for word in ("one", "two", "three"):
        cat.send_line(word)
        cat.wait_for(f"{word}\n{word}", since=0, timeout=SOON)
    for thread in threads:
        thread.join(SOON)
    assert len(found) == 3
