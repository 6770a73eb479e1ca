"""The words of the small English: what there is, what it does and how it looks.

This room believes that a small model learns grammar from few words used in many ways, and that the
classes are what makes a text sensible: bread is eaten, doors are opened, and only animals and
people want things. It does not cover rare words, the plural of mass nouns, or any knowledge of the
world beyond these classes.
"""

from __future__ import annotations

from typing import NamedTuple


def _list(text: str, mark: str = " ") -> list[str]:
    return text.split(mark)


_DOUBLING = _list("run sit swim stop hop put drop hug clap get begin cut dig rub shut nod plan")


class Verb(NamedTuple):
    """One verb in the forms that the grammar needs: walk, walks, walked, walking."""

    base: str
    third: str
    past: str
    ing: str


def _verb(entry: str) -> Verb:
    base, _, past = entry.partition(":")
    if base.endswith(("s", "sh", "ch", "x", "o")):
        third = base + "es"
    elif base.endswith("y") and base[-2] not in "aeiou":
        third = base[:-1] + "ies"
    else:
        third = base + "s"
    doubled = base + base[-1] if base in _DOUBLING else base
    if base.endswith("ie"):
        ing = base[:-2] + "ying"
    elif base.endswith("e") and not base.endswith("ee"):
        ing = base[:-1] + "ing"
    else:
        ing = doubled + "ing"
    if not past:
        if base.endswith("e"):
            past = base + "d"
        elif third.endswith("ies"):
            past = base[:-1] + "ied"
        else:
            past = doubled + "ed"
    return Verb(base, third, past, ing)


def _verbs(text: str) -> list[Verb]:
    return [_verb(entry) for entry in text.split()]


def plural(noun: str) -> str:
    """The plural of one of our nouns."""
    irregular = {
        "man": "men", "woman": "women", "child": "children", "mouse": "mice", "fish": "fish",
        "sheep": "sheep", "goose": "geese", "leaf": "leaves", "wolf": "wolves",
        "knife": "knives", "loaf": "loaves",
    }  # fmt: skip
    if noun in irregular:
        return irregular[noun]
    if noun.endswith(("s", "sh", "ch", "x")) or noun in ("potato", "tomato"):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def article(word: str) -> str:
    """`a` or `an`, by the sound our words begin with."""
    return "an" if word[0] in "aeiou" else "a"


GIRLS = _list("Lily Anna Mia Rose Sara Emma Nora Ella Lucy Ivy Clara Julia")
BOYS = _list("Tom Ben Max Sam Leo Jack Tim Paul Noah Oscar Finn Peter")
WOMEN = _list("girl woman queen mother grandmother princess aunt sister")
MEN = _list("boy man king father grandfather prince uncle brother")
WORKERS = _list("farmer teacher baker sailor doctor painter gardener child friend neighbor")
ANIMALS = _list(
    "cat dog bird fox bear rabbit mouse horse cow duck frog owl pig goat sheep wolf lion hen goose "
    "squirrel turtle bee puppy kitten fish monkey elephant"
)
TOYS = _list("ball doll kite drum toy puzzle top balloon bell robot train")
THINGS = _list(
    "book hat key lamp cup coin stone stick rope map letter picture shoe basket bag box coat "
    "blanket flower leaf feather shell candle clock ring spoon plate brush ladder umbrella chair"
)
FOODS = _list(
    "apple cake pear cookie egg carrot potato tomato sandwich pie banana orange cherry nut loaf"
)
MASS_FOODS = _list("bread soup cheese honey rice butter jam")
DRINKABLE = _list("milk water juice tea soup lemonade")
CONTAINERS = _list("box bag basket drawer chest")
OPENABLE = _list("door window box gate book bag chest letter umbrella")
FURNITURE = _list("table chair bed bench shelf")
NATURE = _list("sun moon wind rain snow star sky cloud")

# place -> (preposition of being there, preposition of going there)
PLACES = {
    "house": ("in", "to"), "garden": ("in", "into"), "forest": ("in", "into"),
    "river": ("by", "to"), "school": ("at", "to"), "park": ("in", "to"),
    "kitchen": ("in", "into"), "village": ("in", "to"), "market": ("at", "to"),
    "hill": ("on", "up"), "lake": ("by", "to"), "barn": ("in", "into"),
    "farm": ("on", "to"), "beach": ("on", "to"), "bridge": ("on", "over"),
    "road": ("on", "along"), "field": ("in", "across"), "town": ("in", "to"),
    "castle": ("in", "to"), "shop": ("in", "to"), "room": ("in", "into"),
    "street": ("on", "down"), "tree": ("under", "to"), "pond": ("by", "to"),
    "cave": ("in", "into"), "tower": ("in", "up"), "island": ("on", "to"),
    "yard": ("in", "into"),
}  # fmt: skip

MOVES = _verbs("walk run:ran go:went hurry jump hop travel return come:came")
RESTS = _verbs("sleep:slept sit:sat rest wait stand:stood stay hide:hid play live sing:sang dance")
FEELS = _verbs("smile laugh cry clap nod shout")
EATS = _verbs("eat:ate taste share cook buy:bought bring:brought love like want smell find:found")
DRINKS = _verbs("drink:drank taste pour want like share")
HANDLES = _verbs(
    "find:found take:took see:saw hold:held carry drop lose:lost bring:brought want like need "
    "hide:hid buy:bought make:made fix clean paint break:broke keep:kept pick wash"
)
TOWARDS = _verbs(
    "see:saw help meet:met love like follow call chase hug watch visit thank know:knew find:found "
    "hear:heard miss greet feed:fed teach:taught"
)
GIVES = _verbs("give:gave show bring:brought send:sent sell:sold lend:lent")
OPENS = _verbs("open close shut:shut")
PUTS = _verbs("put:put leave:left hide:hid place find:found see:saw")
PURSUES = _verbs("want try hope learn love like need begin:began decide plan")
SAYS = _verbs("say:said think:thought know:knew hope believe hear:heard feel:felt")

STATIVE = _list("want like love need know hope believe think feel hear see live keep smell taste")

SIZES = _list("big small little tall tiny huge long short")
STATURES = _list("big small little tall tiny huge")
COLORS = _list("red blue green yellow white black brown gray pink golden")
LOOKS = _list("old new shiny pretty soft clean broken heavy round beautiful")
NATURES = _list(
    "kind brave clever young old gentle lazy funny wise quiet friendly hungry shy strong"
)
TASTES = _list("sweet warm fresh hot cold tasty big small")
PLACE_LOOKS = _list("old quiet big small green dark beautiful lovely busy wide")
MOODS = _list(
    "happy sad tired hungry angry scared proud excited cold lonely thirsty surprised glad afraid"
)
STATES = _list("new old clean dirty broken heavy full empty wet dry lost ready")
SKIES = _list("bright cold beautiful high dark soft")
WEATHER = _list("sunny warm cold rainy windy bright quiet snowy beautiful cloudy")

COMPARATIVES = {
    "big": "bigger", "small": "smaller", "old": "older", "tall": "taller",
    "fast": "faster", "strong": "stronger", "young": "younger", "quiet": "quieter",
    "heavy": "heavier", "kind": "kinder", "wise": "wiser",
}  # fmt: skip
MANNERS = _list(
    "slowly quickly quietly happily sadly softly carefully loudly gently alone together again"
)
PAST_TIMES = _list(
    "yesterday|last night|last week|one day|one morning|that evening|in the morning|after lunch|"
    "then|in the afternoon|at night|in the winter|in the summer|long ago|later|soon|that day|"
    "the next day",
    "|",
)
PRESENT_TIMES = _list(
    "every day|every morning|on Sundays|today|now|at night|in the evening|often|in the spring",
    "|",
)
FUTURE_TIMES = _list("tomorrow|soon|next week|tonight|one day|in the summer|later", "|")
NUMBERS = _list("two three four five six seven eight nine ten many some")
ACTIVITIES = _list(
    "play in the garden|swim in the lake|read a book|sing a song|bake a cake|climb the tree|"
    "fly a kite|go home|draw a picture|help a friend|find a treasure|learn to dance|build a house|"
    "paint the door|plant a flower|see the stars|sleep in a warm bed|tell a story|catch a fish|"
    "cross the river|ride a horse|play with a ball|make a new friend|drink some water|eat an apple|"
    "look at the moon|visit the farm|feed the ducks",
    "|",
)
