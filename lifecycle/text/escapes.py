"""A terminal's escape sequences, as parts of regular expressions, in texts that are whole.

Who reads a stream, piece by piece, has to hold an unfinished one back: see ``terminal.emulator``.
"""

CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
"""Colours and the cursor's movement."""
OSC = r"\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"
"""Titles, links, the clipboard."""
STRING = r"\x1b[PX^_][^\x1b\n]*\x1b\\"
"""DCS, SOS, PM and APC."""
SHORT = r"\x1b[ -/]*[0-~]"
"""Sequences of a character, beside what they may have between; the beginning of the others too."""
UNENDED = r"\x1b[]PX^_][^\x07\x1b\n]*"
"""A title or string that nothing ends on its line."""
WHOLE = f"{CSI}|{OSC}|{STRING}|{SHORT}"
