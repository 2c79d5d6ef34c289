"""What a terminal cannot do, in sentences."""

from __future__ import annotations


class TerminalError(Exception):
    """Something that a terminal cannot do; the message is a sentence.

    ``exit_code`` is the shell's for a command that could not be started, else None.
    """

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class TerminalTimeout(TerminalError):  # noqa: N818 - a limit that passed, named after it
    """The text did not come in time; ``reason`` says so, ``screen`` is how it stood."""

    def __init__(self, message: str, screen: str) -> None:
        super().__init__(f"{message}; the screen as it stood:\n{screen}")
        self.reason = message
        self.screen = screen


class TerminalEnded(TerminalError):  # noqa: N818 - an end, named after it
    """The program ended before the text came; ``reason`` says so, ``screen`` is its last."""

    def __init__(self, message: str, exit_code: int | None, screen: str) -> None:
        super().__init__(f"{message}; its last screen:\n{screen}", exit_code=exit_code)
        self.reason = message
        self.screen = screen
