"""How much private memory this process uses and used at most, where the system says so."""

from pathlib import Path

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # what proc(5) says to write
KIBIBYTE = 1024


def private_bytes() -> int | None:
    """Measure the memory of this process that is no page of a file.

    Returns
    -------
    int or None
        Bytes; None where there is no ``/proc``.
    """
    status = _status()
    return None if status is None else status["RssAnon"] + status["RssShmem"]


def peak_private_bytes() -> int | None:
    """Measure the most private memory since `reset_peak`.

    Returns
    -------
    int or None
        Bytes: the peak of all memory less the pages of files now, of which there are at least
        as many as there were at the peak. None where there is no ``/proc``.
    """
    status = _status()
    return None if status is None else status["VmHWM"] - status["RssFile"]


def reset_peak() -> None:
    """Forget the peak of memory so far, where the system can."""
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text(RESET_PEAK)


def _status() -> dict[str, int] | None:
    if not (STATUS.is_file() and CLEAR_REFS.exists()):
        return None
    fields = (line.split() for line in STATUS.read_text().splitlines())
    wanted = ("VmHWM:", "RssAnon:", "RssFile:", "RssShmem:")
    return {f[0].rstrip(":"): int(f[1]) * KIBIBYTE for f in fields if f[0] in wanted}
