"""Forms: each kind is found where it stands, and everyday numbers of a chart are not."""

import pytest

from rules.classify.patterns import FormRecognizer

RECOGNIZER = FormRecognizer()


def _found(text):
    found = sorted(RECOGNIZER.recognize([text]), key=lambda f: f.start)
    return [(f.entity, text[f.start : f.end]) for f in found]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("US_SSN", "id <123-45-6789>"),
        ("US_SSN", "id <123 45 6789> ok"),
        ("US_SSN", "SSN: <123456789>"),
        ("US_SSN", "SSN ending in <6789>"),
        ("US_SSN", "<XXX-XX-6789>"),
        ("US_SSN", "<***-**-6789>"),
        ("US_ITIN", "<912-70-1234>"),
        ("US_ITIN", "ITIN <912701234>"),
        ("MEDICAL_RECORD_NUMBER", "MRN: <00123456>"),
        ("MEDICAL_RECORD_NUMBER", "MRN#<A-00123456>, seen"),
        ("MEDICAL_RECORD_NUMBER", "mrn is <001 234 567>"),
        ("MEDICAL_RECORD_NUMBER", "Medical Record No. <123456>"),
        ("MEDICAL_RECORD_NUMBER", "medical record number (MRN): <123456>"),
        ("MEDICAL_RECORD_NUMBER", '{"mrn": "<0012>"}'),
        ("MEDICAL_RECORD_NUMBER", "patient id <P12345>"),
        ("MEDICAL_RECORD_NUMBER", "Accession #: <S24-12345>"),
        ("MEDICAL_RECORD_NUMBER", "Rx number <7654321>"),
        ("MEMBER_ID", "Member ID: <XYZ123456789>"),
        ("MEMBER_ID", "policy number <POL-88-1234>"),
        ("MEMBER_ID", "claim # <CLM20240001>"),
        ("US_MBI", "<1EG4-TE5-MK73>"),
        ("US_MBI", "<1EG4TE5MK73>"),
        ("US_NPI", "NPI: <1234567893>"),
        ("DEA_NUMBER", "<AB1234563>"),
        ("DEA_NUMBER", "DEA no. <AB1234560>"),
        ("US_DRIVER_LICENSE", "driver's license <D1234567>"),
        ("ACCOUNT_NUMBER", "account number: <98765432>"),
        ("ACCOUNT_NUMBER", "acct <98765432>"),
        ("CREDIT_CARD", "<4111 1111 1111 1111> 12/27"),
        ("CREDIT_CARD", "<378282246310005>"),
        ("CREDIT_CARD", "card number <4111111111111112>"),
        ("IBAN_CODE", "<GB82 WEST 1234 5698 7654 32> OK"),
        ("IBAN_CODE", "<de89370400440532013000>"),
        ("VEHICLE_ID", "<1M8GDM9AXKP042788>"),
        ("VEHICLE_ID", "license plate: <7ABC123>"),
        ("DEVICE_ID", "<(01)00643169001763(21)PJN1234>"),
        ("DEVICE_ID", "serial number <PJN123456H>"),
        ("DEVICE_ID", "mac <00:1B:44:11:3A:B7>"),
        ("PHONE_NUMBER", "ring <(555) 123-4567>."),
        ("PHONE_NUMBER", "<555.123.4567 ext. 89>"),
        ("PHONE_NUMBER", "<+1-604-696-5272x565>"),
        ("PHONE_NUMBER", "<+44 20 7946 0958>"),
        ("PHONE_NUMBER", "<0688 872 49 99>"),
        ("PHONE_NUMBER", "call <5551234567>"),
        ("PHONE_NUMBER", "phone: <555-1234>"),
        ("PHONE_NUMBER", "fax number is <555 123 4567>"),
        ("EMAIL_ADDRESS", "to <anna.o'donnell+x@mail.example.org>."),
        ("URL", "see <https://example.org/p?id=1>."),
        ("URL", "<www.example.org>"),
        ("IP_ADDRESS", "<192.168.10.1>"),
        ("IP_ADDRESS", "<6e40:4041:c617:e898:c11:40d2:c669:2eb4>"),
        ("IP_ADDRESS", "at <fe80::1>"),
        ("DATE_TIME", "<2026-03-04>"),
        ("DATE_TIME", "<2026-03-04T10:22:33.5Z>"),
        ("DATE_TIME", "on <3/4/2026>."),
        ("DATE_TIME", "on <3/4/26>,"),
        ("DATE_TIME", "<03-04-2026 10:15 am>"),
        ("DATE_TIME", "<31/12/1999>"),
        ("DATE_TIME", "<20260304>"),
        ("DATE_TIME", "<20260304101500+0100>"),
        ("DATE_TIME", "<March 4, 2026>"),
        ("DATE_TIME", "<March 4th>"),
        ("DATE_TIME", "<4 Mar 2026>"),
        ("DATE_TIME", "<4th of March, 2026>"),
        ("DATE_TIME", "<04-MAR-2026>"),
        ("DATE_TIME", "in <March 2026>"),
        ("DATE_TIME", "in <3/2026>"),
        ("DATE_TIME", "seen on <3/14>"),
        ("DATE_TIME", "DOB: <030460>"),
        ("DATE_TIME", "born <3 4 1960>"),
        ("AGE_OVER_89", "<94>-year-old"),
        ("AGE_OVER_89", "<94> y/o"),
        ("AGE_OVER_89", "aged <92>"),
        ("AGE_OVER_89", "age: <101>"),
        ("AGE_OVER_89", "<ninety-four> years old"),
        ("AGE_OVER_89", "in her late <90s>"),
        ("AGE_OVER_89", "a <nonagenarian>"),
        ("STREET_ADDRESS", "<123 N. Main Street Apt 4B>"),
        ("STREET_ADDRESS", "<12-34 56th Ave>"),
        ("STREET_ADDRESS", "<45 old mill street>"),
        ("STREET_ADDRESS", "<P.O. Box 1234>"),
        ("STREET_ADDRESS", "<PSC 6293, Box 8158\nAPO AP 04336>"),
        ("STREET_ADDRESS", "<Via Roma 12>"),
        ("STREET_ADDRESS", "<Lindenstrasse 5a>"),
        ("STREET_ADDRESS", "address: <5 Foo Bar>"),
        ("STREET_ADDRESS", '"line": ["<5 Foo Bar>"]'),
        ("LOCATION", "<Springfield>, Illinois"),
        ("LOCATION", "<St. Paul>, MN"),
        ("LOCATION", '"city": "<Boston>"'),
        ("LOCATION", "lives in <Fayetteville>"),
        ("LOCATION", "at <Mercy General> Hospital"),
        ("ZIP_CODE", "MA <02139>"),
        ("ZIP_CODE", "ZIP code: <02139-1234>"),
        ("API_KEY", "<sk-abcdEFGH1234567890abcd>"),
        ("API_KEY", "<ghp_abcdefghijklmnopqrstuvwxyz0123456789>"),
        ("API_KEY", "<AKIAIOSFODNN7EXAMPLE>"),
        ("API_KEY", "<eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF123>"),
        ("API_KEY", "<-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY----->"),
        ("API_KEY", "password: <hunter2hunter2>"),
    ],
)
def test_an_identifier_is_found_exactly_where_it_stands(entity, text):
    value = text[text.index("<") + 1 : text.rindex(">")]
    plain = text.replace("<", "", 1)[::-1].replace(">", "", 1)[::-1]
    assert _found(plain) == [(entity, value)]


@pytest.mark.parametrize(
    "text",
    [
        "BP 120/80, HR 72, temp 98.6 F, SpO2 99% on 2 L",
        "3/6 systolic murmur, strength 5/5, vision 20/20",
        "HbA1c 7.2 %, glucose 150-200, LOINC 12345-6, CPT 99213, ICD-10 E11.9",
        "Lisinopril 10 mg, take 1-2 tablets every 4-6 hours",
        "at 10:30 and 22:15:33, in 2019, 1988",
        "a 62-year-old, age 45, aged 12, 90 minutes",
        "G2P2, weight 180 lb, 5 feet 10 inches",
        "version 1.2.3, section 3.4.5.6.7, 300.1.2.3",
        "member since 2019, policy of care, group therapy, MRN unknown",
        "4111 1111 1111 1112 and 1234567890123456",
        "AB1234560, NPI pending, 1M8GDM9AXKP042789, GB82 WEST 1234 5698 7654 33",
        "std::vector, dead::beef, 1::2::3, 1111:2:3:4:5:6:7::8:9:1",
        "http://loinc.org and https://terminology.hl7.org/CodeSystem/v3-ActCode",
        "the Pain Clinic and our Community Hospital, seen in Urgent Care Clinic",
        "lives in Texas, email address: pending, address: unknown",
        "123 456 7890, 45/45/2020, 13/13/13",
        "sk-your-own-key-goes-here, password: changeme",
        "",
    ],
)
def test_everyday_numbers_are_no_identifiers(text):
    assert _found(text) == []


def test_an_address_is_found_part_by_part():
    assert _found("123 Main St, Springfield, IL 62704-1234") == [
        ("STREET_ADDRESS", "123 Main St"),
        ("LOCATION", "Springfield"),
        ("ZIP_CODE", "62704-1234"),
    ]
    assert _found("in Springfield, Illinois 62704") == [
        ("LOCATION", "Springfield"),
        ("ZIP_CODE", "62704"),
    ]


def test_a_rejected_value_does_not_hide_what_follows_in_it():
    assert _found("Address: anna@example.org") == [("EMAIL_ADDRESS", "anna@example.org")]
    assert _found("address: 12 Main Street") == [("STREET_ADDRESS", "12 Main Street")]
    assert _found("0000 1111 1111 1112 555-123-4568") == [("PHONE_NUMBER", "555-123-4568")]


def test_underscores_part_words_and_are_no_part_of_a_value():
    assert _found("note_123-45-6789_b 2024-01-02_x") == [
        ("US_SSN", "123-45-6789"),
        ("DATE_TIME", "2024-01-02"),
    ]


def test_texts_are_numbered():
    assert [f.slot for f in RECOGNIZER.recognize(["x", "123-45-6789"])] == [1]
