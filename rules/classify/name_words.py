"""What single words say about names: lists, endings, and the words that follow an eponym.

A word is in no list, or it is a first name, a last name, a plain word, or several of these at once.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from rules.classify.gazetteer import Gazetteer

FIRST: Final = 1
LAST: Final = 2
COMMON: Final = 4

# Degrees and suffixes that stand behind a name and are no part of it.
_BEHIND_NAMES: Final = (
    "md", "do", "rn", "np", "pa", "phd", "dds", "jr", "sr", "ii", "iii", "iv", "dpm", "lcsw",
    "msw", "aprn", "fnp", "crna", "dnp", "cnm", "lpn", "bsn", "dpt",
)  # fmt: skip
DEGREE: Final = re.compile(
    r",?[ ](?:M\.?D|D\.?O|R\.?N|N\.?P|P\.?A(?:-C)?|Ph\.?D|D\.?D\.?S|D\.?M\.?D|D\.?P\.?M|Pharm\.?D"
    r"|LCSW|MSW|APRN|FNP(?:-C|-BC)?|CRNA|DNP|CNM|LPN|BSN|MSN|DVM|Psy\.?D|DPT|OTR|RPh|MBBS|FACP"
    r"|FACS|Jr|Sr|Esq)\b"
)
# `Gilbert's syndrome` and `Jackson Pratt drain` are about no patient's name.
EPONYM: Final = re.compile(
    r"(?:'s?)?[ ](?:[a-z-]{2,12}[ ])?"
    r"(?:disease|syndrome|signs?|tests?|testing|scale|score|index|criteria|classification|lymphoma"
    r"|sarcoma|carcinoma|tumou?r|palsy|chorea|dementia|contracture|fracture|cyst|neuroma|nodes?"
    r"|nodules?|phenomenon|reflex|maneuver|manoeuvre|position|procedure|operation|technique|incision"
    r"|repair|catheter|drain|tube|clamp|retractor|forceps|pump|ring|fundoplication|esophagus"
    r"|thyroiditis|disorder|anomaly|deformity|triad|law|stain|agar|virus|fever|monitor|wires?|pins?"
    r"|rods?|line|bodies|cells?|canal|duct|gland|pouch|space|fascia|triangle|artery|ligament|tendon"
    r"|formula|equation|solution|method|stage|staging|grade)\b"
)
# Endings of English and medical words; a word that no list knows is no name with one of them.
_ENDINGS: Final = (
    "tion", "sion", "ment", "ness", "ology", "logist", "itis", "osis", "emia", "oma", "pathy",
    "ectomy", "otomy", "ostomy", "algia", "uria", "plasty", "scopy", "gram", "graphy", "ectasia",
    "rrhea", "plegia", "trophy", "penia", "mycin", "cillin", "prazole", "statin", "sartan",
    "olol", "dipine", "azine", "azole", "cort", "ings", "ions", "ities", "ance", "ence", "wise",
    "less", "ware", "ship", "hood", "ability",
)  # fmt: skip
# Without any context, more endings speak against a name.
_MORE_ENDINGS: Final = (
    "ing", "ity", "ism", "ous", "ical", "iac", "ic", "ive", "able", "ible", "ary", "ory", "idine",
    "mab", "nib", "vir", "pril", "pam", "lam", "ate", "ide", "ine", "one", "ol", "ular", "ally",
    "ly", "ers", "als", "ics", "ful", "data", "ult", "ted", "sed", "ned", "red", "ved", "ked",
    "ium", "ase", "gen",
)  # fmt: skip


def _by_last_letter(endings: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Sort endings by their last letters, so that a word is compared with few of them."""
    sorted_endings: dict[str, tuple[str, ...]] = {}
    for ending in endings:
        sorted_endings[ending[-1]] = (*sorted_endings.get(ending[-1], ()), ending)
    return sorted_endings


_WORDY: Final = _by_last_letter([*_ENDINGS, *(f"{ending}s" for ending in _ENDINGS)])
_VERY_WORDY: Final = _by_last_letter([*_ENDINGS, *_MORE_ENDINGS])


def is_wordy(text: str) -> bool:
    """Does a word in lower case end as plain words do?"""
    return text.endswith(_WORDY.get(text[-1], ()))


def is_very_wordy(text: str) -> bool:
    """Does a word in lower case end as plain words often do?"""
    return text.endswith(_VERY_WORDY.get(text[-1], ()))


class Word(NamedTuple):
    """A word at a place in a text, with what the lists say about it."""

    text: str
    start: int
    end: int
    mask: int

    @property
    def is_initial(self) -> bool:
        """A single letter."""
        return len(self.text) == 1

    @property
    def is_clear(self) -> bool:
        """A name and nothing else."""
        return 0 < self.mask < COMMON

    @property
    def is_unknown(self) -> bool:
        """A word that no list knows."""
        return not self.mask and len(self.text) > 1

    @property
    def is_behind_names(self) -> bool:
        """A degree or a suffix."""
        return self.text.lower() in _BEHIND_NAMES


class Lexicon:
    """The lists of a gazetteer, merged for one look at a word."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.masks: dict[str, int] = {}
        """What the lists say of words in lower case or with a capital: `mask` knows of more."""
        self._add(gazetteer.first, FIRST)
        self._add(gazetteer.last, LAST)
        self._add(gazetteer.common, COMMON)
        # As most words are spelled that are looked up: one look at a big table is costly enough.
        self.plain = frozenset(
            word.capitalize() for word, mask in self.masks.items() if mask == COMMON
        )

    def _add(self, words: Iterable[str], bit: int) -> None:
        for word in words:
            key = word.replace("'", "")
            self.masks[key] = self.masks.get(key, 0) | bit

    def word(self, text: str, start: int) -> Word:
        """Return `text`, which stands at `start`, as a word."""
        return Word(text, start, start + len(text), self.mask(text))

    def mask(self, text: str) -> int:
        """Say in which lists a word is, however it is spelled; or its parts, if it has several."""
        key = text.lower()
        mask = self.masks.get(key)
        if mask is not None or key.isalpha():
            return mask or 0
        key = key.replace("'", "")
        mask = self.masks.get(key)
        if mask is not None:
            return mask
        clear = plain = 0
        for part in key.split("-"):
            mask = self.masks.get(part, 0)
            if mask < COMMON:
                clear = max(clear, mask)
            else:
                plain = COMMON
        return clear or plain
