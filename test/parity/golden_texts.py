"""The 200 texts of the golden file of the default preset, all of our own.

From data/sentences.tsv and the lists below, drawn with a seed: every length
from nothing to beyond 256 positions, and what tables hold: questions, tickets,
products, code, numbers, other scripts.
"""
import os
import random

COUNT = 200
SENTENCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "sentences.tsv")

NEXT_TO_NOTHING = ("", " ", "\t\n ", "a", ".", "?!", "\u00a0\u3000", "--", "\U0001f600", "[MASK]")

WORDS = ("hello", "invoice", "Bicycle", "PHOTOSYNTHESIS", "mother-in-law", "don't", "anaesthetist", "refund", "e-mail",
         "antidisestablishmentarianism", "colour", "xylophone", "Thursdays", "unputdownable", "x" * 101)

QUESTIONS = """
How do I change the address on an order that I have already paid for?
why does my phone get hot when it is charging
What is the difference between a lease and a licence?
Is it safe to run the dishwasher overnight?
Who pays for the damage if a tree falls on my neighbour's fence?
When should I prune the roses?
how many people fit in a two-bedroom flat
Where can I see which index a query used?
Can two transactions update the same row at the same time?
Which train goes to the harbour on Sundays?
What happens to my points if I cancel my account?
do cats remember people
Is there a way to undo the last import, or do I have to restore the backup?
How long does a parcel to Iceland take?
What did the council decide about the old swimming pool?
""".strip().split("\n")

COMPLAINTS = ("does not start", "loses its connection every few minutes", "shows the wrong date",
              "is slower than before the update", "prints empty pages", "asks for the password twice",
              "crashed while it was saving", "cannot be opened on a phone")
THINGS = ("The order form", "Our label printer", "The backup job", "The calendar", "My account", "The report of last month",
          "The search page", "The nightly export")
DETAILS = ("It worked yesterday.", "I have tried another browser.", "The log says: connection reset by peer.",
           "Three of my colleagues see the same.", "Restarting did not help.", "This is urgent, customers are waiting.",
           "Please call me back after 4 p.m.", "A screenshot is attached.")

QUALITIES = ("Waterproof", "Foldable", "Second-hand", "Hand-made", "Lightweight", "Rechargeable", "Classic", "Large")
PRODUCTS = ("rain jacket", "desk lamp", "camping stove", "wooden puzzle", "bread knife", "travel pillow", "bicycle bell",
            "wall clock")
FEATURES = ("with reflective stripes", "for left-handed people", "in dark green", "made of recycled steel",
            "with a five-year guarantee", "easy to clean", "without batteries", "that fits into a coat pocket")

CODE = (
    "SELECT id, body FROM ticket ORDER BY embedding <=> electra_embed('printer')::vector LIMIT 5;",
    "CREATE INDEX CONCURRENTLY ON orders (customer_id, created_at DESC) WHERE NOT paid;",
    "def mean(values):\n    return sum(values) / len(values) if values else 0.0",
    "for (int i = 0; i < n; i++)\n\tsum += (double) a[i] * b[i];",
    "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }",
    "git log --oneline --since='2 weeks ago' | wc -l",
    "ERROR:  deadlock detected\nDETAIL:  Process 4711 waits for ShareLock on transaction 815; blocked by process 42.",
    "{\"name\": \"kettle\", \"price\": 24.90, \"tags\": [\"kitchen\", \"steel\"]}",
    "<p class=\"note\">Closed on <b>Mondays</b></p>",
    "https://www.example.org/search?q=red+shoes&page=2#results",
    "std::vector<std::pair<int, std::string>> rows;",
    "x = (-b + sqrt(b^2 - 4*a*c)) / (2*a)",
)

NUMBERS = ("42", "3.14159", "1,234,567.89", "+44 20 7946 0958", "2026-11-22T23:50:00Z", "EUR 19.99 (incl. 20% VAT)",
           "18:30-19:15, room B-204", "ISBN 978-0-306-40615-7", "5 ft 11 in = 180.3 cm", "1e-12", "192.168.0.1:5432",
           "no. 7, 3rd floor")

MARKS = ("Crème brûlée and a café au lait, s'il vous plaît.", "Der Bäcker verkauft süße Brötchen für 2 €.",
         "El niño mañana sueña con piñatas.", "Zażółć gęślą jaźń.", "cafe\u0301 CAFÉ cafe", "naïve façade, déjà vu",
         "“Quoted” — ‘curly’ … and • bullets", "Thanks!! 😀🎉 See you tomorrow 👍🏽", "❤️ 👨‍👩‍👧‍👦 🏳️‍🌈 ☕",
         "½ cup sugar, 180 °C, ≈ 25 min", "soft\u00adhyphen and zero\u200bwidth", "ＦＵＬＬ ｗｉｄｔｈ and ﬁ ligatures",
         "a [SEP] b [CLS] ##c", "Straße, İstanbul, Ærø, Łódź", "中文 and русский and ελληνικά in one line")

FREQUENT = ("the of and to in is that it was for on as with he be at by this had not are but from or have an they which "
            "one you were her all she there would their we him been has when who will more no if out so").split()
# Words of one token each in any vocabulary: around the last of 256 positions, two of which are special.
NUMBERS_OF_WORDS = (250, 252, 253, 254, 255, 256, 257, 260, 320)
NUMBERS_OF_SENTENCES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 26, 32, 60)


# Topics of data/sentences.tsv.
OTHER_LANGUAGES = ("arabic", "armenian", "chinese", "french", "georgian", "german", "greek", "hebrew", "hindi", "italian",
                   "japanese", "korean", "polish", "portuguese", "russian", "spanish", "thai", "turkish", "ukrainian",
                   "vietnamese")


class Draw:
    """random.random() alone is the same in every Python."""

    def __init__(self, seed):
        self.random = random.Random(seed).random

    def one(self, values):
        return values[int(self.random() * len(values))]

    def some(self, values, count):
        """Different ones, in random order."""
        left = list(values)
        return [left.pop(int(self.random() * len(left))) for _ in range(count)]


def sentences():
    """English ones, and those of other languages."""
    english, others = [], []
    with open(SENTENCES, encoding="utf-8") as file:
        for line in file:
            topic, sentence = line.rstrip("\n").split("\t")
            (others if topic in OTHER_LANGUAGES else english).append(sentence)
    return english, others


def build_texts():
    draw = Draw(20261122)
    english, others = sentences()
    texts = [*NEXT_TO_NOTHING, *WORDS, *QUESTIONS, *CODE, *NUMBERS, *MARKS]
    texts += [f"{draw.one(THINGS)} {draw.one(COMPLAINTS)}. {' '.join(draw.some(DETAILS, 1 + n % 3))}" for n in range(20)]
    texts += [f"{draw.one(QUALITIES)} {draw.one(PRODUCTS)} {', '.join(draw.some(FEATURES, 1 + n % 3))}" for n in range(18)]
    texts += draw.some(others, 20)
    texts += [" ".join(draw.some(english, count)) for count in NUMBERS_OF_SENTENCES]
    texts += [" ".join(draw.one(FREQUENT) for _ in range(count)) for count in NUMBERS_OF_WORDS]
    texts += ["word" * 2000, "\u4e2d\u6587" * 200, "! " * 300]
    texts += draw.some(english, COUNT - len(texts))
    return texts
