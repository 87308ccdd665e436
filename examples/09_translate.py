# %% [markdown]
# # Find translations, and the words that belong together
#
# Mining finds, among thousands of sentences, those that say the same as given ones, and leaves the
# rest alone. The embedded model knows English only, so the "translations" here are from plain
# English into Python's documentation. With a multilingual encoder the same lines pair languages:
#
#     BitextMiner(EncoderVectorizer("intfloat/multilingual-e5-small", prompt="query: "))
#
# Compared with the plain way: each sentence's nearest by cosine. Within one language and with few
# sources cosines are on one scale, so expect no gain from the margin here; where the encoder
# knows a language badly it doubles what is found (docs/translation.md has the figures).
#
#     python examples/09_translate.py

# %%
import time

from skencoder import BitextMiner, EncoderVectorizer, TextEncoder, align_words
from skencoder.datasets import load_python_docs

START = time.perf_counter()

# %% [markdown]
# ## Two languages
#
# What a function does in everyday words, and the function whose documentation says so; and
# sentences that no function translates.

# %%
PAIRS = {
    "Glue a list of words into one line that a shell can read.": "shlex.join",
    "Take away the white space that all lines begin with.": "textwrap.dedent",
    "Duplicate a whole folder with everything in it.": "shutil.copytree",
    "Find the words that are spelled almost like this one.": "difflib.get_close_matches",
    "Combine several sorted sequences into a single sorted one.": "heapq.merge",
    "Tell whether a year has a 29th of February.": "calendar.isleap",
    "Keep only the names that fit a wildcard.": "fnmatch.filter",
    "Ask for a secret word without showing what is typed.": "getpass.unix_getpass",
    "Make a new folder for files that are soon thrown away.": "tempfile.mkdtemp",
    "Unpack everything that the zip archive holds.": "zipfile.ZipFile.extractall",
    "Build a full web address from a base and a relative one.": "urllib.parse.urljoin",
    "Find out the complete network name of a computer.": "socket.getfqdn",
    "Bring the items of a list into a haphazard order.": "random.Random.shuffle",
    "Give the middle value of the numbers.": "statistics.median",
    "Write every word with a big first letter.": "string.capwords",
    "Make characters harmless that mean something in web pages.": "html.escape",
    "Name the kind of processor that this computer has.": "platform.machine",
    "Give a secret string of random hexadecimal digits.": "secrets.token_hex",
    "Duplicate an object together with all that it contains.": "copy.deepcopy",
    "Give the program text of an object.": "inspect.getsource",
    "Wait until the thread has ended.": "threading.Thread.join",
    "Give the date as it is written at the top of a mail.": "email.utils.formatdate",
}
WITHOUT_PARTNER = [
    "The soup needs a little more salt.",
    "Our train leaves from the third platform.",
    "She has played the violin since she was six.",
    "The river froze twice this winter.",
    "He painted the fence green last summer.",
    "Tomatoes grow best in full sun.",
    "The museum is closed on Mondays.",
    "They named the puppy after a comet.",
    "Nobody remembered to water the plants.",
    "The bridge was built a century ago.",
    "My neighbour bakes bread on Sundays.",
    "The referee added four minutes.",
    "A storm took the roof off the barn.",
    "The choir sings every Friday evening.",
    "Please close the window before you leave.",
    "The goats climbed onto the roof.",
    "Grandfather kept bees behind the house.",
    "The ferry was late because of the fog.",
    "We picked blackberries along the path.",
    "The violin was older than the city.",
    "His boots were full of sand.",
    "The lighthouse keeper waved at us.",
]


# %%
def main() -> None:
    docs = load_python_docs()
    targets = [" ".join(text.partition("\n\n")[0].split()) for text in docs.data]
    rows = {name: row for row, name in enumerate(docs.names)}
    pairs = {text: rows[name] for text, name in PAIRS.items() if name in rows}
    sources = [*pairs, *WITHOUT_PARTNER]
    right = [*pairs.values(), *(-1 for _ in WITHOUT_PARTNER)]
    lonely = len(WITHOUT_PARTNER)
    print(f"{len(pairs)} sentences, {lonely} without a partner, {len(targets)} targets\n")

    # %% [markdown]
    # ## Mine
    #
    # Every second sentence chooses the threshold of each way, the others are mined.

    # %%
    encoder = EncoderVectorizer(overflow="truncate")
    ways = {
        "nearest by cosine": {"margin": "absolute", "matching": "nearest"},
        "mutual by cosine": {"margin": "absolute", "matching": "mutual"},
        "mutual by margin": {"margin": "ratio", "matching": "mutual"},
    }
    for name, options in ways.items():
        miner = BitextMiner(encoder, **options).fit(targets)
        plain = miner.score(sources[1::2], right[1::2])
        miner.calibrate(sources[::2], right[::2])
        chosen = miner.score(sources[1::2], right[1::2])
        threshold = f"with a threshold of {miner.threshold_:.2f}"
        print(f"  {name:<20} F1 {plain:.2f}   {threshold}: {chosen:.2f}")
    print("\nThe surest pairs of the last:")
    for row in miner.mine(sources[1::2]).head(5).itertuples():
        print(f"  {row.score:.2f}  {row.source_text}")
        print(f"        {docs.names[row.target]}: {row.target_text}")

    # %% [markdown]
    # ## Words
    #
    # The vectors of single words in one of the middle layers tell which of them belong together.

    # %%
    model = TextEncoder.load("all-MiniLM-L6-v2")
    source = "The doctor sold his old car yesterday."
    target = "Yesterday the physician sold his old automobile."
    print(f"\n{source}\n{target}")
    words = [(pair.source_word, pair.target_word) for pair in align_words(model, source, target)]
    print("  " + ", ".join(f"{one} = {other}" for one, other in words))
    print(f"\nTime: {time.perf_counter() - START:.0f} s")


if __name__ == "__main__":
    main()
