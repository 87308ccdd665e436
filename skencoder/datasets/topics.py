"""Which modules of the standard library make up which topic: data, no code.

A module is named as one imports it, a package stands for all its submodules. Modules that
only some Python versions have are listed too. Left out on purpose: what some distributions
strip (tkinter, idlelib, turtle, lib2to3, ensurepip, distutils, test) or patch (site,
sysconfig, venv), and ``encodings``, whose texts are one generated sentence.
"""

TOPICS: dict[str, tuple[str, ...]] = {
    "command line and logging": (
        *("argparse", "cmd", "curses", "fileinput", "getopt", "getpass", "logging", "optparse"),
        *("pipes", "pty", "rlcompleter", "shlex", "tty"),
    ),
    "concurrency": (
        *("asyncio", "concurrent", "contextvars", "multiprocessing", "queue", "sched"),
        *("selectors", "signal", "subprocess", "threading"),
    ),
    "data structures": (
        *("abc", "bisect", "collections", "contextlib", "copy", "dataclasses", "enum"),
        *("functools", "graphlib", "heapq", "operator", "types", "typing", "weakref"),
    ),
    "email": ("email", "imaplib", "mailbox", "mailcap", "poplib", "smtpd", "smtplib"),
    "files and archives": (
        *("bz2", "compression", "filecmp", "fnmatch", "genericpath", "glob", "gzip", "io"),
        *("linecache", "lzma", "ntpath", "os", "pathlib", "posixpath", "shutil", "stat"),
        *("tarfile", "tempfile", "zipapp", "zipfile"),
    ),
    "networking and security": (
        *("asynchat", "asyncore", "cgi", "crypt", "ftplib", "hashlib", "hmac", "http"),
        *("ipaddress", "mimetypes", "nntplib", "secrets", "socket", "socketserver", "ssl"),
        *("telnetlib", "urllib", "webbrowser", "wsgiref", "xmlrpc"),
    ),
    "numbers and dates": (
        *("calendar", "colorsys", "datetime", "decimal", "fractions", "numbers", "random"),
        *("statistics", "uuid", "zoneinfo"),
    ),
    "Python code and imports": (
        *("annotationlib", "ast", "code", "codeop", "compileall", "dis", "imp", "importlib"),
        *("inspect", "modulefinder", "opcode", "pkgutil", "platform", "py_compile", "pyclbr"),
        *("pydoc", "runpy", "symtable", "tabnanny", "token", "tokenize", "zipimport"),
    ),
    "testing and debugging": (
        *("bdb", "cProfile", "cgitb", "doctest", "pdb", "profile", "pstats", "timeit"),
        *("trace", "traceback", "tracemalloc", "unittest", "warnings"),
    ),
    "text and data formats": (
        *("aifc", "base64", "chunk", "codecs", "configparser", "copyreg", "csv", "dbm"),
        *("difflib", "gettext", "html", "imghdr", "json", "locale", "netrc", "pickle"),
        *("pickletools", "plistlib", "pprint", "quopri", "re", "reprlib", "shelve", "sndhdr"),
        *("sqlite3", "string", "stringprep", "struct", "sunau", "textwrap", "tomllib", "uu"),
        *("wave", "xdrlib", "xml"),
    ),
}

# Where the documentation of a module written in C stands: in its pure-Python twin.
TWINS: dict[str, str] = {
    "_collections_abc": "collections.abc",
    "_py_warnings": "warnings",
    "_pydatetime": "datetime",
    "_pydecimal": "decimal",
    "_pyio": "io",
}

SKIPPED_FOLDERS = frozenset({"__pycache__", "idle_test", "site-packages", "test", "tests"})
