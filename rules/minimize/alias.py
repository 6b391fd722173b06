"""Which written forms mean the same person, or the same number.

A form is compared with the forms before it and never with those after it, so that a conversation
that grows keeps the groups it had. Where a form would suit two groups, or might be another person
(a physician with the patient's surname), it starts a group of its own: a value is always restored
as it was written, but a wrong group would mislead the model.
"""

import re
from dataclasses import dataclass, field
from typing import Final, Protocol

_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019\u2010-][^\W\d_]+)*")
_MALE: Final = frozenset({"mr", "sir", "señor", "herr"})
_FEMALE: Final = frozenset({"mrs", "ms", "miss", "madam", "mme", "señora", "frau"})
_CLINICAL: Final = frozenset({"dr", "doctor", "prof", "professor", "md", "do", "np", "pa", "rn"})
# Beyond this many groups with a word in common, one more form with that word tells nothing.
_COMMON_WORD: Final = 64


class Grouping(Protocol):
    """Gives each form the number of its group; numbers count up from 0."""

    def group(self, form: str) -> int:
        """Return the group of a form that has not been asked for before."""
        ...


@dataclass(slots=True, repr=False)
class _Name:
    words: set[str] = field(default_factory=set)
    initials: set[str] = field(default_factory=set)
    surname: str = ""
    sex: str = ""
    clinical: bool = False

    def is_part_of(self, other: "_Name") -> bool:
        """True when this shorter (or equally long) form can be a form of the `other` name."""
        if not self.words <= other.words or (self.sex and other.sex and self.sex != other.sex):
            return False
        titled = bool(self.sex) or self.clinical
        if titled and len(self.words) == 1 and self.surname != other.surname:
            return False
        if self.words == other.words:
            return self.initials <= other.initials or other.initials <= self.initials
        rest = {word[0] for word in other.words - self.words}
        return self.initials <= rest | other.initials

    def absorb(self, other: "_Name") -> None:
        """Become the name that both forms mean."""
        if len(other.words) > len(self.words):
            self.surname = other.surname
        self.words |= other.words
        self.initials |= other.initials
        self.sex = self.sex or other.sex
        self.clinical = self.clinical or other.clinical


def _words(form: str) -> list[tuple[str, bool]]:
    """Return the words of a name, each with whether a comma stands before it."""
    words = form.split()
    # What most names are, in half the time.
    if form.isascii() and "".join(words).isalpha():
        return [(word, False) for word in words]
    comma = form.find(",")
    return [(match.group(), -1 < comma < match.start()) for match in _WORD.finditer(form)]


def _parse(form: str) -> _Name:
    name = _Name()
    words = name.words
    for written, behind_comma in _words(form):
        word = written.casefold().replace("\u2019", "'").removesuffix("'s")
        if word in _MALE:
            name.sex = "m"
        elif word in _FEMALE:
            name.sex = "f"
        # Small letters inside of a name are no degree: "Maria do Carmo".
        elif word in _CLINICAL and (written != word or not words):
            name.clinical = True
        elif len(word) == 1 and word.isascii():
            name.initials.add(word)
        elif word not in words:
            # "O'Donnell, Anna": the comma says that what stands before it was the surname.
            if not (behind_comma and len(words) == 1):
                name.surname = word
            words.add(word)
    return name


class People:
    """Groups the names of persons: `Mrs. O'Donnell`, `Anna O'Donnell` and `O'Donnell, A.`."""

    __slots__ = ("_by_word", "_groups")

    def __init__(self) -> None:
        self._groups: list[_Name] = []
        self._by_word: dict[str, list[int]] = {}

    def group(self, form: str) -> int:
        """Return the only group whose name this can be, or a new one."""
        name = _parse(form)
        new = len(self._groups)
        near = [self._by_word[word] for word in name.words if word in self._by_word]
        if near:
            crowded = any(len(groups) > _COMMON_WORD for groups in near)
            fitting = set() if crowded else {g for gs in near for g in gs if self._fits(name, g)}
            if len(fitting) == 1:
                found = fitting.pop()
                self._index(name.words - self._groups[found].words, found)
                self._groups[found].absorb(name)
                return found
            if fitting or crowded:
                # A form that suits several groups stays alone: nothing later may join it.
                self._groups.append(name)
                return new
        self._groups.append(name)
        self._index(name.words, new)
        return new

    def _fits(self, name: _Name, group: int) -> bool:
        known = self._groups[group]
        if name.is_part_of(known):
            return known.clinical or not name.clinical
        return known.is_part_of(name) and known.clinical == name.clinical

    def _index(self, words: set[str], group: int) -> None:
        for word in words:
            self._by_word.setdefault(word, []).append(group)


class Written:
    """Groups forms that differ in case and spaces only, or, with `loose`, in punctuation too."""

    __slots__ = ("_groups", "_loose")

    def __init__(self, *, loose: bool) -> None:
        self._loose = loose
        self._groups: dict[str, int] = {}

    def group(self, form: str) -> int:
        """Return the group of all forms that are written alike."""
        folded = form.casefold()
        if self._loose:
            key = "".join(filter(str.isalnum, folded)) or folded
        else:
            key = " ".join(folded.split())
        return self._groups.setdefault(key, len(self._groups))
