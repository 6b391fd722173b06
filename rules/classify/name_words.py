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
_BEHIND_NAMES: Final = re.compile(
    r"md|do|rn|np|pa|phd|dds|jr|sr|i{2,3}|iv|dpm|lcsw|msw|aprn|fnp|crna|dnp|cnm|lpn|bsn|dpt",
    re.IGNORECASE,
)
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
    r"tion|sion|ment|ness|ology|logist|itis|osis|emia|oma|pathy|ectomy|otomy|ostomy|algia|uria"
    r"|plasty|scopy|gram|graphy|ectasia|rrhea|plegia|trophy|penia|mycin|cillin|prazole|statin|sartan"
    r"|olol|dipine|azine|azole|cort|ings|ions|ities|ance|ence|wise|less|ware|ship|hood|ability"
)
WORDY: Final = re.compile(rf"(?:{_ENDINGS})s?$")
# Without any context, more endings speak against a name.
VERY_WORDY: Final = re.compile(
    rf"(?:{_ENDINGS}|ing|ity|ism|ous|ical|iac|ic|ive|able|ible|ary|ory|idine|mab|nib|vir|pril|pam|lam"
    r"|ate|ide|ine|one|ol|ular|ally|ly|ers|als|ics|ful|data|ult|ted|sed|ned|red|ved|ked|ium|ase|gen)$"
)


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
        return bool(self.mask) and not self.mask & COMMON

    @property
    def is_unknown(self) -> bool:
        """A word that no list knows."""
        return not self.mask and len(self.text) > 1

    @property
    def is_behind_names(self) -> bool:
        """A degree or a suffix."""
        return _BEHIND_NAMES.fullmatch(self.text) is not None


class Lexicon:
    """The lists of a gazetteer, merged for one look at a word."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._masks: dict[str, int] = {}
        self._add(gazetteer.first, FIRST)
        self._add(gazetteer.last, LAST)
        self._add(gazetteer.common, COMMON)
        self.plain = frozenset(
            word.capitalize() for word, mask in self._masks.items() if mask == COMMON
        )
        """Words that are no names at all, with a capital as at the start of a sentence."""

    def _add(self, words: Iterable[str], bit: int) -> None:
        for word in words:
            key = word.replace("'", "")
            self._masks[key] = self._masks.get(key, 0) | bit

    def word(self, text: str, start: int) -> Word:
        """Return `text`, which stands at `start`, as a word."""
        return Word(text, start, start + len(text), self._mask(text))

    def _mask(self, text: str) -> int:
        key = text.lower().replace("'", "")
        mask = self._masks.get(key)
        if mask is not None or "-" not in key:
            return mask or 0
        parts = [self._masks.get(part, 0) for part in key.split("-")]
        clear = [part for part in parts if part and not part & COMMON]
        return max(clear) if clear else COMMON if any(parts) else 0
