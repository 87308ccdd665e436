"""The command ``cache``: what the cache of vectors gains and costs."""

from .exit_codes import DONE


def cache_command(*, texts: int = 512, rounds: int = 7) -> int:
    """Time hits of the cache, and what it costs when a text is encoded first.

    Parameters
    ----------
    texts : int
        Texts encoded for the overhead.
    rounds : int
        How often each is timed.

    Returns
    -------
    int
        0.
    """
    from .cache_speed import format_cache, run_cache

    print(format_cache(run_cache(texts=texts, rounds=rounds)))
    return DONE
