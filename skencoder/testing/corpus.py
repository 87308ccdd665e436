"""The suite's own texts: two topics, short, without digits, one text twice. Data, no code."""

COOKING = (
    "Slice the onions and fry them in butter until golden.",
    "The soup needs more salt and a little pepper.",
    "Bake the bread for one hour in a hot oven.",
    "She stirred the sauce slowly over a low flame.",
    "Fresh basil makes any tomato salad taste better.",
    "Let the dough rest under a damp towel overnight.",
    "He grilled the fish with lemon and olive oil.",
    "A pinch of sugar takes the edge off vinegar.",
    "Boil the potatoes, then mash them with warm milk.",
    "The cake fell because the oven door was opened.",
)
SAILING = (
    "The crew raised the sails as the wind turned north.",
    "Strong waves pushed the small boat towards the rocks.",
    "She tied the rope to the mast before the storm.",
    "The captain read the stars to find the harbour.",
    "A lighthouse warned the ships of the shallow reef.",
    "They dropped anchor in a quiet bay at sunset.",
    "Without wind the yacht drifted for three days.",
    "The tide carried driftwood far along the coast.",
    "He steered the ferry through thick morning fog.",
    "Sailors painted the hull blue during the winter.",
)

# Topics take turns, so that any run of neighbours holds both; the last text stands twice.
TEXTS = (*(text for pair in zip(COOKING, SAILING, strict=True) for text in pair), SAILING[-1])
LABELS = ("cooking", "sailing") * len(COOKING) + ("sailing",)

UNUSUAL_TEXTS = (
    "\N{GRINNING FACE} \N{SAILBOAT}",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u4f60\u597d\u4e16\u754c",
    "e\u0301 \u00e9 \ufb01 \u212b \u1e9e",
    "tab\tnewline\ncarriage\rreturn\u2028separator",
    "zero\u200bwidth\u200djoiner\ufeff",
    "\x00\x01\x1f\x7f",
    "long " * 2000,
)
