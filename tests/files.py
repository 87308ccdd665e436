"""What stands in a folder, to be compared with what stands there later."""


def all_files(folder):
    """The content of each file, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
