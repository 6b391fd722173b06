"""What announces a name: titles, labels, phrases and kin.

Each cue is an RE2 expression that ends with the first letter of the name it announces.
"""

from enum import StrEnum
from typing import Final


class Cue(StrEnum):
    """How strongly a context asks for a name, and how the name may be written there."""

    TITLE = "title"
    LABEL = "label"
    ROLE = "role"
    PHRASE = "phrase"
    KIN = "kin"


_TITLES: Final = (
    r"(?i:mrs?|ms|mx|drs?|prof|rev|sra?|capt|sgt|lt)\.?\s{1,2}[A-Za-z]"
    r"|(?i:miss|professor|doctor|nurse|reverend)\s{1,2}[A-Z]"
)
_COLON: Final = r"[\"']?\s?[:=?]\s{0,3}[\"'\[{]{0,3}\s{0,3}[\"']?[A-Za-z]"
_LABELS: Final = (
    r"(?i:(?:(?:full|first|last|middle|maiden|legal|preferred|given|family|user|member|subscriber"
    r"|guarantor|patient|pt|provider|physician|doctor|contact|display|account|emergency)[ _-]?)?"
    r"names?|surname|family|given|(?:(?:electronically|digitally) )?(?:signed|dictated|transcribed"
    rf"|reviewed|verified|entered|authored|prepared|referred|reported|seen) by){_COLON}"
)
_ROLES: Final = (
    r"(?i:patient|pt|physician|provider|attending|surgeon|nurse|author|clinician|practitioner|pcp"
    r"|client|radiologist|pathologist|anesthesiologist|cardiologist|therapist|resident|fellow"
    r"|intern|mother|father|spouse|wife|husband|daughter|son|sister|brother|guardian|nok"
    r"|caregiver|next of kin|(?:emergency )?contact|subscriber|insured|guarantor|cardholder"
    r"|beneficiary"
    r"|member|employee|applicant|witness|interpreter|sender|recipient|cc|attn|attention|from|to"
    rf"|referring (?:physician|provider)){_COLON}"
)
_PHRASES: Final = (
    r"(?i:(?:(?:my|your|his|her|their) )?(?:(?:first|last|maiden|full) )?name is"
    r"|name's|i am|i'm|dear|named|signed|sincerely,|regards,|goes by|known as)\s{1,2}[A-Za-z]"
)
_KIN: Final = (
    r"(?i:this is|signed by|dictated by|hello,?|hi,?|hey,?|yours,|thanks,|thank you,"
    r"|spoke (?:with|to)|speaking (?:with|to)|discussed with|accompanied by|referred by|seen by"
    r"|evaluated by|signed off by|married to|called|calls me|call me|patient|daughter|son|wife"
    r"|husband|mother|father|brother|sister|partner|spouse|friend|aunt|uncle|niece|nephew|cousin"
    r"|grandson|granddaughter|fiancee?|caregiver|colleague|kid|child|cc'd|emailed|paged)"
    r",?\s{1,2}[A-Z]"
)
CUES: Final = (
    (Cue.TITLE, _TITLES),
    (Cue.LABEL, _LABELS),
    (Cue.ROLE, _ROLES),
    (Cue.PHRASE, _PHRASES),
    (Cue.KIN, _KIN),
)
