"""Check digits: known good numbers hold, and one changed digit breaks them."""

import pytest

from rules.classify import checksums


@pytest.mark.parametrize(
    ("check", "number"),
    [
        (checksums.luhn, "4111 1111 1111 1111"),
        (checksums.luhn, "378282246310005"),
        (checksums.npi, "1234567893"),
        (checksums.dea, "AB1234563"),
        (checksums.dea, "F91234563"),
        (checksums.vin, "1M8GDM9AXKP042788"),
        (checksums.vin, "1hgcm82633a004352"),
        (checksums.iban, "GB82 WEST 1234 5698 7654 32"),
        (checksums.iban, "de89370400440532013000"),
    ],
)
def test_a_good_number_holds_and_any_changed_last_digit_breaks_it(check, number):
    assert check(number)
    for digit in "0123456789":
        assert check(number[:-1] + digit) is (digit == number[-1])


@pytest.mark.parametrize(
    ("check", "number"),
    [
        (checksums.luhn, ""),
        (checksums.luhn, "4111x"),
        (checksums.luhn, "٤١١١"),
        (checksums.npi, "123456789"),
        (checksums.npi, "9234567893"),
        (checksums.dea, "1B1234563"),
        (checksums.dea, "AB12345"),
        (checksums.dea, "AB12345x3"),
        (checksums.vin, "1M8GDM9AXKP04278"),
        (checksums.vin, "1M8GDM9AXKP04278O"),
        (checksums.iban, "GB82"),
        (checksums.iban, "12GB345698765432"),
        (checksums.iban, "GBXXWEST12345698765432"),
        (checksums.iban, "GB82WEST1234569876543é"),
    ],
)
def test_what_has_the_wrong_form_does_not_hold(check, number):
    assert not check(number)
