"""What a checkpoint is, before any of it is loaded: its folder, its settings, its fingerprint."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from skencoder.checkpoint_files.locate import locate_checkpoint
from skencoder.checkpoint_files.modules import Modules, read_modules
from skencoder.checkpoint_files.sentence import SentenceSettings, read_sentence_settings
from skencoder.checkpoint_files.weight_files import find_weights
from skencoder.files import TOKENIZER_FILES, file_sha256


@dataclass(frozen=True)
class CheckpointFiles:
    """A checkpoint's files, found and read as far as that takes no tensor library.

    Parameters
    ----------
    folder : Path
        The checkpoint's own folder.
    modules : Modules
        Its steps and where they lie.
    settings : SentenceSettings
        Pooling, unit length, limits and prompts of its authors.
    with_code : bool
        Whether its own code counts, because it may be run.
    """

    folder: Path
    modules: Modules
    settings: SentenceSettings
    with_code: bool

    @property
    def fingerprint(self) -> str:
        """SHA-256 over configuration, weights, tokenizer and settings, 64 hexadecimal digits."""
        folder = self.modules.transformer
        tokenizer = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
        tokenizer += sorted(folder.glob("*.py")) if self.with_code else []
        dense = [
            path
            for place in self.modules.dense
            for path in (place / "config.json", *find_weights(place))
        ]
        config = folder / "config.json"
        # Of a static model it may be missing; of any other that is an error that names the file.
        configs = [config] if config.is_file() or not self.modules.static else []
        paths = [*configs, *find_weights(folder), *tokenizer, *dense]
        hashes = "".join(path.name + file_sha256(path) for path in paths)
        return hashlib.sha256(f"{hashes}{self.settings!r}".encode()).hexdigest()


def read_checkpoint_files(name: str | Path, *, trust_remote_code: bool = False) -> CheckpointFiles:
    """Find a checkpoint and read its small files.

    Parameters
    ----------
    name : str or Path
        A folder, the name of an installed model package, or a hub id.
    trust_remote_code : bool, default=False
        Whether code from the checkpoint may be run later, and so counts.

    Returns
    -------
    CheckpointFiles
        Folder, steps and settings.

    Raises
    ------
    CheckpointNotFoundError
        If there is no such checkpoint.
    CheckpointError
        If a file is damaged, or asks for something that is not computed here.
    """
    folder = locate_checkpoint(name, trust_remote_code=trust_remote_code)
    modules = read_modules(folder)
    settings = read_sentence_settings(folder, modules)
    return CheckpointFiles(folder, modules, settings, trust_remote_code)
