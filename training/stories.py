"""Little stories: somebody wants or loses something, tries, is helped, and is happy at the end.

This room believes that what makes a story is what stays the same in it: the hero, the friend, the
thing and the place that the first lines name come back in the last ones. It does not cover
surprise.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from training import lexicon as words
from training.english import Who, Writer, close


@dataclass(frozen=True, slots=True)
class Cast:
    """What stays the same in a story; `being` and `going` are its place, as in "at the sea"."""

    name: str
    again: Who
    friend: str
    thing: str
    look: str
    being: str
    going: str

    @property
    def a_look(self) -> str:
        """The thing as first named: a red ball."""
        return f"{words.article(self.look)} {self.look}"


def story(noise: random.Random) -> str:
    """One story of 5 to 15 sentences with a beginning, a middle, some talk and an end."""
    writer = Writer(noise)
    hero, name = _hero(writer)
    friend = writer.pick([animal for animal in words.ANIMALS if animal not in name])
    thing = writer.pick(words.TOYS + words.THINGS)
    look = writer.pick(words.COLORS + words.LOOKS)
    place = writer.pick(list(words.PLACES))
    being, going = words.PLACES[place]
    again = Who(hero.he, hero.he, hero.him, hero.his)
    cast = Cast(
        name,
        again,
        friend,
        thing,
        f"{look} {thing}",
        f"{being} the {place}",
        f"{going} the {place}",
    )
    lines = _beginning(writer, hero, name, being, place)
    plot = writer.noise.choice([_lost, _wish, _meeting, _help])
    lines += plot(writer, cast)
    lines += _end(writer, cast)
    return " ".join(lines)


def _hero(writer: Writer) -> tuple[Who, str]:
    """The hero as first named and as named later: (a little girl named Lily, Lily)."""
    nature = writer.pick(words.NATURES + words.STATURES)
    if writer.chance(0.55):
        who = writer.named()
        kind = writer.pick(
            ["girl", "princess", "child"] if who.he == "she" else ["boy", "prince", "child"]
        )
        return Who(
            f"{words.article(nature)} {nature} {kind} named {who.text}", who.he, who.him, who.his
        ), who.text
    kind = writer.pick(words.ANIMALS + words.WORKERS)
    he, him, his = writer.noise.choice([("he", "him", "his"), ("she", "her", "her")])
    return Who(f"{words.article(nature)} {nature} {kind}", he, him, his), f"the {kind}"


def _beginning(writer: Writer, hero: Who, name: str, being: str, place: str) -> list[str]:
    opening = writer.pick(
        ["Once upon a time,", "Once upon a time", "One day,", "Long ago,", "Once"]
    )
    where = f"{being} {words.article(place)} {place}"
    lines = [
        writer.noise.choice(
            [
                f"{opening} there was {hero.text}.",
                f"{opening} there lived {hero.text} {where}.",
                f"{opening} {hero.text} lived {where}.",
                f"{close(name, '')} was {hero.text.split(' named ')[0]} who lived {where}.",
            ]
        )
    ]
    if writer.chance(0.5):
        lines.append(f"{close(hero.he, '')} liked to {writer.pick(words.ACTIVITIES)}.")
    if writer.chance(0.3):
        lines.append(close(writer.weather()))
    return lines


def _lost(writer: Writer, cast: Cast) -> list[str]:
    he, him, his = cast.again.he, cast.again.him, cast.again.his
    behind = writer.pick([*words.FURNITURE, "tree", "gate", "bridge"])
    spot = f"{writer.pick(['under', 'behind', 'near'])} the {behind}"
    lines = [
        f"{close(he, '')} had {cast.a_look}.",
        f"One day, {cast.name} lost {his} {cast.thing} {cast.being}.",
        f"{close(he, '')} was very {writer.pick(['sad', 'angry', 'unhappy', 'scared'])}.",
    ]
    if writer.chance(0.6):
        lines.append(f'"Where is my {cast.thing}?" {he} {writer.pick(["asked", "cried", "said"])}.')
    lines.append(f"{close(he, '')} looked {spot}, but it was not there.")
    lines.append(f"Then {words.article(cast.friend)} {cast.friend} came {cast.going}.")
    if writer.chance(0.6):
        lines.append(f'"I can help you," said the {cast.friend}.')
    lines.append(f"The {cast.friend} found the {cast.thing} {writer.place()} and gave it to {him}.")
    return lines


def _wish(writer: Writer, cast: Cast) -> list[str]:
    he, his = cast.again.he, cast.again.his
    helper = writer.pick(["mother", "father", "grandmother", "friend", "uncle", "aunt"])
    reply = writer.pick(["You must work for it", "We will make one", "Let us look for one"])
    worked = writer.pick(["worked hard", "helped a friend", "looked for one", "fed the ducks"])
    lines = [
        f"{close(cast.name, '')} wanted {cast.a_look} more than anything.",
        f'"I want {cast.a_look}," {he} said to {his} {helper}.',
        f'"{reply}," said {his} {helper}.',
        f"So {he} went {cast.going} every day and {worked}.",
        writer.sentence(cast.again),
    ]
    day = writer.pick(["One morning", "At last", "One evening", "The next day"])
    lines.append(f"{day}, {his} {helper} gave {cast.again.him} {cast.a_look}.")
    if writer.chance(0.5):
        lines.append(f"The {cast.friend} wanted to play with the {cast.thing} too.")
    return lines


def _meeting(writer: Writer, cast: Cast) -> list[str]:
    he, his = cast.again.he, cast.again.his
    name, friend = cast.name, cast.friend
    nature = writer.pick(words.NATURES)
    mood = writer.pick(["sad", "hungry", "cold", "tired", "lonely", "scared"])
    lines = [
        f"One day, {name} went {cast.going} and met {words.article(nature)} {nature} {friend}.",
        f"The {friend} was {mood}.",
        f'"Why are you {mood}?" asked {name}.',
        writer.noise.choice(
            [
                f'"I have no friends," said the {friend}.',
                f'"I lost my {cast.thing}," said the {friend}.',
                f'"I am far from home," said the {friend}.',
            ]
        ),
        f"So {name} gave the {friend} {writer.food()} and {cast.a_look}.",
        f'"Thank you," said the {friend}. "You are very kind."',
        f"Then {he} and the {friend} {writer.noise.choice(words.RESTS[7:]).past} {cast.being}.",
    ]
    if writer.chance(0.4):
        lines.insert(3, writer.sentence(cast.again))
    if writer.chance(0.4):
        lines.append(f"{close(he, '')} showed {his} new friend the {cast.thing}.")
    return lines


def _help(writer: Writer, cast: Cast) -> list[str]:
    he, him, his = cast.again.he, cast.again.him, cast.again.his
    trouble, remedy = writer.noise.choice(
        [
            ("fell into the water", "pulled"),
            ("was stuck in a hole", "helped"),
            ("could not find the way", "led"),
            ("was too tired to walk", "carried"),
            ("was lost in the rain", "brought"),
        ]
    )
    when = writer.pick(["One day", "One night", "That morning"])
    nature = writer.pick(["brave", "scared, but kind", "small, but strong", "very clever"])
    where = writer.pick(["home", "out", "back", "to the house"]) if remedy != "helped" else "out"
    lines = [
        f"{when}, {cast.name} heard a loud sound {cast.being}.",
        f"{writer.pick(['Oh no!', 'Look!', 'It was sad.'])} The {cast.friend} {trouble}.",
        f'"Please help me!" {writer.pick(["cried", "called", "shouted"])} the {cast.friend}.',
        f"{close(cast.name, '')} was {nature}.",
        f"{close(he, '')} took {cast.a_look} and ran {cast.going}.",
        f"Then {he} {remedy} the {cast.friend} {where}.",
    ]
    if writer.chance(0.5):
        lines.append(f"The {cast.friend} thanked {him} and gave {him} {writer.food()}.")
    if writer.chance(0.3):
        whom = writer.pick(["mother", "father", "friends"])
        lines.append(f"{close(cast.name, '')} told {his} {whom} about it.")
    return lines


def _end(writer: Writer, cast: Cast) -> list[str]:
    he, name, friend = cast.again.he, cast.name, cast.friend
    return [
        writer.noise.choice(
            [
                f"{close(name, '')} was very happy. From that day on, "
                f"{he} and the {friend} were good friends.",
                f"They played together all day, and {name} was happy.",
                f"Then {he} went home and slept in {cast.again.his} warm bed.",
                f'{close(name, "")} smiled and said, "This is the best day." The end.',
                f"After that, {name} and the {friend} lived happily ever after.",
                f"{close(name, '')} hugged the {friend}, and they were never lonely again.",
            ]
        )
    ]
