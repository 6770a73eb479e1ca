"""Simple English made by rules: sentences with agreement, tense and clauses, and little stories
that hang together.

This room believes that the order of words in a sentence is learned from variety of form, not from
many words: every rule picks its parts anew, so that articles, agreement, tense, negation,
questions, comparison, subordinate clauses, direct speech and pronouns all occur in millions of
surroundings. It does not cover idiom, irony or facts.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from training import lexicon as words
from training.lexicon import Verb


class Who(NamedTuple):
    """Somebody or something that acts: the words, the pronouns and whether the verb is plural."""

    text: str
    he: str
    him: str
    his: str
    many: bool = False


class Writer:
    """Writes sentences and stories out of one stream of random choices."""

    def __init__(self, noise: random.Random) -> None:
        self.noise = noise

    def chance(self, probability: float) -> bool:
        return self.noise.random() < probability

    def pick(self, choices: list[str]) -> str:
        return self.noise.choice(choices)

    def verb(self, choices: list[Verb]) -> Verb:
        return self.noise.choice(choices)

    # -- things and places --------------------------------------------------------------------

    def noun(self, kind: str, looks: list[str], *, definite: float = 0.6) -> str:
        """A noun with its article, possibly an adjective or two: `the old red hat`."""
        described = kind
        if self.chance(0.4):
            described = f"{self.pick(looks)} {kind}"
            if looks is words.LOOKS and self.chance(0.4):
                described = f"{self.pick(looks)} {self.pick(words.COLORS)} {kind}"
        return (
            f"the {described}"
            if self.chance(definite)
            else f"{words.article(described)} {described}"
        )

    def thing(self, *, definite: float = 0.55) -> str:
        if self.chance(0.15):
            return (
                f"{self.pick(words.NUMBERS)} {words.plural(self.pick(words.THINGS + words.TOYS))}"
            )
        looks = self.noise.choice([words.LOOKS, words.LOOKS, words.COLORS, words.SIZES])
        return self.noun(self.pick(words.THINGS + words.TOYS), looks, definite=definite)

    def food(self) -> str:
        if self.chance(0.35):
            return f"{self.pick(['the', 'some', 'warm', 'fresh'])} {self.pick(words.MASS_FOODS)}"
        if self.chance(0.2):
            return f"{self.pick(words.NUMBERS)} {words.plural(self.pick(words.FOODS))}"
        return self.noun(self.pick(words.FOODS), words.TASTES, definite=0.45)

    def place(self, *, going: bool = False, definite: float = 0.85) -> str:
        kind = self.pick(list(words.PLACES))
        return (
            f"{words.PLACES[kind][going]} {self.noun(kind, words.PLACE_LOOKS, definite=definite)}"
        )

    # -- who ----------------------------------------------------------------------------------

    def who(self, *, named: float = 0.3, pronoun: float = 0.0, many: float = 0.12) -> Who:
        draw = self.noise.random()
        if draw < named:
            return self.named()
        if draw < named + pronoun:
            return self.noise.choice(
                [
                    Who("he", "he", "him", "his"), Who("she", "she", "her", "her"),
                    Who("they", "they", "them", "their", True), Who("we", "we", "us", "our", True),
                    Who("I", "I", "me", "my", True), Who("you", "you", "you", "your", True),
                ]
            )  # fmt: skip
        if draw < named + pronoun + many:
            kind = words.plural(self.pick(words.ANIMALS + words.WORKERS + words.MEN[:2]))
            lead = self.pick(["the", "the", "two", "three", "many", "some", "all the"])
            if self.chance(0.3):
                kind = f"{self.pick(words.NATURES)} {kind}"
            return Who(f"{lead} {kind}", "they", "them", "their", True)
        if draw < named + pronoun + many + 0.05:
            one, two = self.named(), self.named()
            if one.text != two.text:
                return Who(f"{one.text} and {two.text}", "they", "them", "their", True)
        return self.creature()

    def named(self) -> Who:
        if self.chance(0.5):
            return Who(self.pick(words.GIRLS), "she", "her", "her")
        return Who(self.pick(words.BOYS), "he", "him", "his")

    def creature(self, *, definite: float = 0.75) -> Who:
        looks = words.NATURES if self.chance(0.75) else words.STATURES
        draw = self.noise.random()
        if draw < 0.5:
            return Who(
                self.noun(self.pick(words.ANIMALS), looks, definite=definite), "it", "it", "its"
            )
        if draw < 0.65:
            return Who(
                self.noun(self.pick(words.WOMEN), looks, definite=definite), "she", "her", "her"
            )
        if draw < 0.8:
            return Who(
                self.noun(self.pick(words.MEN), looks, definite=definite), "he", "him", "his"
            )
        he, him, his = self.noise.choice([("he", "him", "his"), ("she", "her", "her")])
        return Who(self.noun(self.pick(words.WORKERS), looks, definite=definite), he, him, his)

    # -- what is done -------------------------------------------------------------------------

    def action(self, who: Who, *, progressive: bool = False) -> tuple[Verb, str]:
        """A verb with everything after it: (eat, ` the apple in the kitchen`)."""
        while True:
            verb, rest = self._action(who)
            if not (progressive and verb.base in words.STATIVE):
                return verb, rest

    def _action(self, who: Who) -> tuple[Verb, str]:
        draw = self.noise.random()
        if draw < 0.16:
            return self.verb(words.MOVES), f" {self.place(going=True)}"
        if draw < 0.28:
            tail = f" {self.place()}" if self.chance(0.75) else f" {self.pick(words.MANNERS)}"
            return self.verb(words.RESTS), tail
        if draw < 0.33:
            return self.verb(words.FEELS), f" {self.pick(words.MANNERS)}" if self.chance(
                0.5
            ) else ""
        if draw < 0.45:
            if self.chance(0.3):
                lead = self.pick(["the", "some", "warm", "cold", "fresh"])
                verb, taken = self.verb(words.DRINKS), f"{lead} {self.pick(words.DRINKABLE)}"
            else:
                verb, taken = self.verb(words.EATS), self.food()
            return verb, f" {taken}" + self._maybe_place(0.25)
        if draw < 0.62:
            own = self.chance(0.2)
            thing = f"{who.his} {self.pick(words.THINGS + words.TOYS)}" if own else self.thing()
            return self.verb(words.HANDLES), f" {thing}" + self._maybe_place(0.3)
        if draw < 0.76:
            return self.verb(words.TOWARDS), f" {self.who(many=0.05).text}" + self._maybe_place(
                0.25
            )
        if draw < 0.84:
            verb, other = self.verb(words.GIVES), self.who(many=0.05).text
            if self.chance(0.5):
                return verb, f" {self.thing(definite=0.3)} to {other}"
            return verb, f" {other} {self.thing(definite=0.2)}"
        if draw < 0.89:
            return self.verb(
                words.OPENS
            ), f" {self.noun(self.pick(words.OPENABLE), words.LOOKS, definite=0.8)}"
        if draw < 0.94:
            spots = words.FURNITURE if self.chance(0.6) else words.CONTAINERS
            beside = "in" if spots is words.CONTAINERS else self.pick(["on", "on", "under", "near"])
            return self.verb(words.PUTS), f" {self.thing()} {beside} the {self.pick(spots)}"
        return self.verb(words.PURSUES), f" to {self.pick(words.ACTIVITIES)}"

    def _maybe_place(self, probability: float) -> str:
        return f" {self.place()}" if self.chance(probability) else ""

    # -- clauses ------------------------------------------------------------------------------

    def clause(self, who: Who | None = None, *, tense: str | None = None) -> str:
        """Subject and predicate in one of the tenses, without capital or full stop."""
        who = who or self.who(pronoun=0.2)
        tense = (
            tense
            or self.noise.choices(
                ["past", "present", "future", "was", "doing", "can", "be"],
                [46, 12, 8, 10, 5, 8, 11],
            )[0]
        )
        singular = not who.many
        if tense == "be":
            be = (
                ("was" if singular or who.text == "I" else "were")
                if self.chance(0.7)
                else self._am(who)
            )
            negation = " not" if self.chance(0.12) else ""
            return f"{who.text} {be}{negation} {self._quality()}"
        verb, rest = self.action(who, progressive=tense in ("was", "doing"))
        if tense == "was":
            return f"{who.text} {'was' if singular or who.text == 'I' else 'were'} {verb.ing}{rest}"
        if tense == "doing":
            return f"{who.text} {self._am(who)} {verb.ing}{rest}"
        if tense == "can":
            modal = self.pick(["can", "could", "must", "should", "could not", "cannot", "may"])
            return f"{who.text} {modal} {verb.base}{rest}"
        if tense == "future":
            return f"{who.text} will{' not' if self.chance(0.15) else ''} {verb.base}{rest}"
        if tense == "present":
            if self.chance(0.12):
                return f"{who.text} {'does' if singular else 'do'} not {verb.base}{rest}"
            return f"{who.text} {verb.third if singular else verb.base}{rest}"
        if self.chance(0.1):
            return f"{who.text} did not {verb.base}{rest}"
        return f"{who.text} {verb.past}{rest}"

    def _am(self, who: Who) -> str:
        return "am" if who.text == "I" else "are" if who.many else "is"

    def _quality(self) -> str:
        draw = self.noise.random()
        if draw < 0.5:
            degree = self.pick(["", "", "very ", "so ", "too "])
            return f"{degree}{self.pick(words.MOODS)}"
        if draw < 0.75:
            return f"{self.pick(words.NATURES)} and {self.pick(words.NATURES)}"
        return self.place()

    def timed(self, who: Who | None = None) -> str:
        """A clause with a time before or after it."""
        tense = self.noise.choice(["past", "past", "past", "present", "future"])
        times = {
            "past": words.PAST_TIMES,
            "present": words.PRESENT_TIMES,
            "future": words.FUTURE_TIMES,
        }[tense]
        time, clause = self.pick(times), self.clause(who, tense=tense)
        return f"{time} {clause}" if self.chance(0.5) else f"{clause} {time}"

    # -- sentences ----------------------------------------------------------------------------

    def sentence(self, who: Who | None = None) -> str:
        """One sentence of any of the forms, with capital and closing mark."""
        draw = self.noise.random()
        first = who or self.who(pronoun=0.2)
        same = (
            Who(first.he, first.he, first.him, first.his, first.many)
            if self.chance(0.6)
            else self.who()
        )
        if draw < 0.34:
            return close(self.clause(first))
        if draw < 0.47:
            return close(self.timed(first))
        if draw < 0.56:
            link = self.pick(["and", "and then", "but", "so", "while"])
            comma = "," if link in ("but", "so") else ""
            begun = self.clause(first, tense="past")
            return close(f"{begun}{comma} {link} {self.clause(same, tense='past')}")
        if draw < 0.63:
            link = self.pick(["because", "when", "before", "after", "until"])
            return close(
                f"{self.clause(first, tense='past')} {link} {self.clause(same, tense='past')}"
            )
        if draw < 0.68:
            link = self.pick(["when", "after", "before", "because", "as"])
            return close(
                f"{link} {self.clause(first, tense='past')}, {self.clause(same, tense='past')}"
            )
        if draw < 0.73:
            subject = self.creature()
            verb, rest = self.action(subject)
            which = "that" if subject.he == "it" else "who"
            other, tail = self.action(subject)
            return close(f"{subject.text} {which} {verb.past}{rest} {other.past}{tail}")
        if draw < 0.78:
            verb = self.verb(words.SAYS)
            return close(f"{first.text} {verb.past} that {self.clause(same, tense='past')}")
        if draw < 0.83:
            return self.question(first)
        if draw < 0.87:
            plain = self.pick(list(words.COMPARATIVES))
            than = self.who(many=0.0).text
            be = "was" if not first.many or first.text == "I" else "were"
            if self.chance(0.5):
                return close(f"{first.text} {be} {words.COMPARATIVES[plain]} than {than}")
            return close(f"{first.text} {be} as {plain} as {than}")
        if draw < 0.92:
            if self.chance(0.4):
                many = words.plural(self.pick(words.THINGS + words.ANIMALS))
                be, count = self.pick(["are", "were"]), self.pick(words.NUMBERS)
                return close(f"there {be} {count} {many} {self.place()}")
            be = self.pick(["is", "was"])
            thing = self.thing_or_creature()
            return close(f"there {be} {thing} {self.place()}")
        if draw < 0.96:
            state = self.pick(words.STATES + words.COLORS)
            kind = self.noun(self.pick(words.THINGS + words.TOYS), words.SIZES, definite=1.0)
            return close(f"{kind} {self.pick(['is', 'was'])} {state}")
        return close(self.weather())

    def thing_or_creature(self) -> str:
        if self.chance(0.5):
            return self.creature(definite=0.0).text
        return self.noun(self.pick(words.THINGS + words.TOYS), words.LOOKS, definite=0.0)

    def question(self, who: Who) -> str:
        verb, rest = self.action(who)
        be = "were" if who.many and who.text != "I" else "was"
        known = who.him if who.text == who.he else who.text
        lead = self.noise.choice(
            [
                f"did {who.text} {verb.base}{rest}",
                f"why did {who.text} {verb.base}{rest}",
                f"when did {who.text} {verb.base}{rest}",
                f"where did {who.text} {self.verb(words.MOVES + words.RESTS).base}",
                f"what did {who.text} {self.verb(words.HANDLES).base}",
                f"can {who.text} {verb.base}{rest}",
                f"will {who.text} {verb.base}{rest}",
                f"{be} {who.text} {self._quality()}",
                f"who {self.verb(words.TOWARDS).past} {known}",
            ]
        )
        return close(lead, "?")

    def weather(self) -> str:
        day = self.pick(["day", "morning", "evening", "night", "afternoon"])
        kind = self.pick(words.WEATHER)
        return self.noise.choice(
            [
                f"it was {words.article(kind)} {kind} {day}",
                f"the {self.pick(words.NATURE)} was {self.pick(words.SKIES)}",
                "the sun was warm and the sky was blue",
                f"the wind was {self.pick(['cold', 'strong', 'soft'])} and the leaves fell",
            ]
        )

    def paragraph(self) -> str:
        """Two to six sentences, most about the same somebody, who becomes a pronoun."""
        hero = self.who(named=0.5, many=0.08)
        lines = [self.sentence(hero)]
        again = Who(hero.he, hero.he, hero.him, hero.his, hero.many)
        for _ in range(self.noise.randint(1, 5)):
            lines.append(self.sentence(self.noise.choice([hero, again, again, None])))
        return " ".join(lines)


def close(clause: str, mark: str = ".") -> str:
    """A clause as a sentence: capital letter and closing mark."""
    return clause[0].upper() + clause[1:] + mark
