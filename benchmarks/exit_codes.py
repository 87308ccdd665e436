"""What a command tells a script by its exit code."""

DONE = 0
# A part of the work failed; the rest was done.
FAILED = 1
# Nothing could be started, or nothing came out.
NOTHING = 2
# From the keyboard, as shells count it: 128 and the signal's number.
STOPPED = 130
