"""The pass: small enough for a till's camera, read without a network, and never from another hand."""

import base64
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import base45
import pytest
import segno
import zxingcpp
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from citizen_app.keys import derive_key
from citizen_app.public_ids import uuid7
from perks.passes import (
    PassSigner,
    UnknownPass,
    derive_seed,
    digits_at,
    digits_hold,
    key_id_of,
    keys_by_id,
    public_keys_document,
    read_pass,
    shown_pass,
    sign_pass,
    signer_from,
    tag_of,
)

SIGNER = signer_from(derive_key("a server's secret", "passes"))
OTHER = signer_from(derive_key("another server's secret", "passes"))
KEYS = keys_by_id(SIGNER.public_key)
REDEMPTION, MERCHANT, PERK = uuid7(), uuid7(), uuid7()
UNTIL = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
# RFC 6238, appendix B: the SHA-1 seed, and the last six of its eight digits.
RFC_SEED = base64.b32encode(b"12345678901234567890").decode()


def signed(signer: PassSigner = SIGNER, valid_until: datetime = UNTIL) -> str:
    return sign_pass(signer, redemption_id=REDEMPTION, merchant_id=MERCHANT, perk_id=PERK, valid_until=valid_until)


SIGNED = signed()
SHOWN = shown_pass(SIGNED, "123456")


def signed_bytes(claims: bytes, signer: PassSigner = SIGNER) -> str:
    """A pass over claims of the test's own making, with a true signature."""
    return shown_pass(base45.b45encode(claims + signer.private_key.sign(claims)).decode(), "123456")


def test_a_genuine_pass_says_what_was_signed():
    claims = read_pass(SHOWN, KEYS)
    assert claims.redemption_id == REDEMPTION
    assert claims.valid_until == UNTIL
    assert claims.digits == "123456"
    assert claims.key_id == SIGNER.key_id
    assert claims.is_at(MERCHANT)
    assert claims.is_for(PERK)


def test_a_till_knows_another_merchants_or_perks_pass():
    claims = read_pass(SHOWN, KEYS)
    assert not claims.is_at(PERK)
    assert not claims.is_for(MERCHANT)
    # Every random bit of a UUIDv7 is in the tag: ids of the same millisecond differ too.
    for bit in range(80):
        assert not claims.is_at(UUID(int=MERCHANT.int ^ 1 << bit))
    assert len(tag_of(MERCHANT)) == 10


@given(
    st.uuids(),
    st.uuids(),
    st.uuids(),
    st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)),
)
def test_any_pass_is_read_as_it_was_signed(redemption, merchant, perk, until):
    text = sign_pass(SIGNER, redemption_id=redemption, merchant_id=merchant, perk_id=perk, valid_until=until)
    claims = read_pass(shown_pass(text, "000000"), KEYS)
    assert claims.redemption_id == redemption
    assert claims.is_at(merchant)
    assert claims.is_for(perk)
    assert claims.valid_until == until.replace(microsecond=0)


def test_a_pass_is_always_the_same_text():
    assert signed() == SIGNED


def test_a_pass_never_outlives_its_redemption():
    claims = read_pass(shown_pass(signed(valid_until=UNTIL + timedelta(microseconds=999_999)), "000000"), KEYS)
    assert claims.valid_until == UNTIL
    assert claims.is_valid_at(UNTIL - timedelta(microseconds=1))
    assert not claims.is_valid_at(UNTIL)


def test_the_whole_string_fits_qr_version_7_and_is_read_back():
    code = segno.make(SHOWN, error="m", boost_error=False, micro=False)
    assert (code.mode, code.error, code.version) == ("alphanumeric", "M", 7)
    picture = io.BytesIO()
    code.save(picture, kind="png", scale=4)
    assert zxingcpp.read_barcode(Image.open(picture)).text == SHOWN


def test_every_pass_has_the_same_length():
    lengths = {
        len(sign_pass(SIGNER, redemption_id=uuid7(), merchant_id=uuid7(), perk_id=uuid7(), valid_until=UNTIL))
        for _ in range(20)
    }
    assert lengths == {165}


def test_a_pass_with_any_bit_flipped_is_unknown():
    whole = bytearray(base45.b45decode(SIGNED))
    assert len(whole) == 46 + 64
    for bit in range(8 * len(whole)):
        whole[bit // 8] ^= 1 << bit % 8
        with pytest.raises(UnknownPass):
            read_pass(shown_pass(base45.b45encode(bytes(whole)).decode(), "123456"), KEYS)
        whole[bit // 8] ^= 1 << bit % 8


def test_a_pass_with_any_character_changed_is_unknown():
    for place, right in enumerate(SIGNED):
        for step in (1, 22, 44):
            wrong = BASE45[(BASE45.index(right) + step) % 45]
            with pytest.raises(UnknownPass):
                read_pass(shown_pass(SIGNED[:place] + wrong + SIGNED[place + 1 :], "123456"), KEYS)


@given(st.integers(0, len(SHOWN)), st.integers(0, len(SHOWN)), st.text(max_size=8))
def test_a_pass_with_a_piece_replaced_is_unknown_or_the_same(start, end, piece):
    text = SHOWN[: min(start, end)] + piece + SHOWN[max(start, end) :]
    assume(text.strip()[:-6] != SHOWN[:-6])
    with pytest.raises(UnknownPass):
        read_pass(text, KEYS)


@given(
    st.one_of(
        st.text(),
        st.text(BASE45).map(lambda text: f"CA1:{text}"),
        st.text(BASE45, min_size=165, max_size=165).map(lambda text: f"CA1:{text}.123456"),
        st.binary(min_size=110, max_size=110).map(lambda whole: f"CA1:{base45.b45encode(whole).decode()}.123456"),
    )
)
def test_any_other_text_is_unknown_and_nothing_else(text):
    with pytest.raises(UnknownPass):
        read_pass(text, KEYS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        SIGNED,
        f"CA1:{SIGNED}",
        f"CA1:{SIGNED}.",
        f"CA1:{SIGNED}.12345",
        f"CA1:{SIGNED}.1234567",
        f"CA1:{SIGNED}.12345\u0666",
        f"CA1:{SIGNED}.abcdef",
        f"CA2:{SIGNED}.123456",
        f"ca1:{SIGNED}.123456",
        SHOWN.lower(),
        f"CA1: {SIGNED}.123456",
        f"CA1:{SIGNED[:-3]}.123456",
        f"CA1:{SIGNED}000.123456",
        f"CA1:{':' * 165}.123456",  # the right length, but no three such characters are two bytes
        SHOWN + SHOWN,
        "\x00" + SHOWN,
        "A" * 100_000,
        "12345-67890",
    ],
)
def test_what_is_not_a_pass_is_unknown(text):
    with pytest.raises(UnknownPass):
        read_pass(text, KEYS)


def test_space_around_a_pasted_pass_does_not_matter():
    assert read_pass(f"\n {SHOWN}\t", KEYS) == read_pass(SHOWN, KEYS)


def test_a_key_we_do_not_know_is_unknown():
    with pytest.raises(UnknownPass):
        read_pass(shown_pass(signed(OTHER), "123456"), KEYS)
    with pytest.raises(UnknownPass):
        read_pass(SHOWN, {})


def test_another_key_under_a_known_id_is_unknown():
    forger = PassSigner(SIGNER.key_id, OTHER.private_key)
    with pytest.raises(UnknownPass):
        read_pass(shown_pass(signed(forger), "123456"), KEYS)


def test_a_version_we_do_not_know_is_unknown_though_truly_signed():
    claims = base45.b45decode(SIGNED)[:46]
    assert read_pass(signed_bytes(claims), KEYS).redemption_id == REDEMPTION
    with pytest.raises(UnknownPass):
        read_pass(signed_bytes(b"\x02" + claims[1:]), KEYS)


def test_a_time_beyond_the_calendar_is_unknown_though_truly_signed():
    claims = base45.b45decode(SIGNED)[:46]
    with pytest.raises(UnknownPass):
        read_pass(signed_bytes(claims[:-5] + b"\xff" * 5), KEYS)


def test_both_keys_are_trusted_while_rotating():
    keys = keys_by_id(OTHER.public_key, SIGNER.public_key)
    assert read_pass(SHOWN, keys).key_id == SIGNER.key_id
    assert read_pass(shown_pass(signed(OTHER), "123456"), keys).key_id == OTHER.key_id


def test_the_signing_key_is_made_from_the_secret_as_rfc_8032_says():
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public_key = signer_from(secret).public_key
    assert public_key.public_bytes_raw().hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    # The same key as a JWK is the example of RFC 8037, appendix A.2.
    assert public_keys_document(public_key) == {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "use": "sig",
                "kid": "21fe31df",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }
        ]
    }


def test_the_published_document_is_enough_to_check_a_pass():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    document = public_keys_document(SIGNER.public_key, OTHER.public_key)
    fetched = {
        jwk["kid"]: Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwk["x"] + "="))
        for jwk in document["keys"]
    }
    assert list(fetched) == [key_id_of(SIGNER.public_key), key_id_of(OTHER.public_key)]
    assert read_pass(SHOWN, fetched).redemption_id == REDEMPTION
    assert not any("d" in jwk for jwk in document["keys"])


@pytest.mark.parametrize("secret", [b"", b"short", bytes(31), bytes(33)])
def test_a_secret_of_another_length_makes_no_key(secret):
    with pytest.raises(ValueError, match="32"):
        signer_from(secret)


def test_a_seed_is_derived_and_says_nothing_of_its_redemption():
    seed = derive_seed(b"k" * 32, REDEMPTION)
    assert len(base64.b32decode(seed)) == 20
    assert seed == derive_seed(b"k" * 32, REDEMPTION)
    assert len({seed, derive_seed(b"l" * 32, REDEMPTION), derive_seed(b"k" * 32, MERCHANT)}) == 3


@pytest.mark.parametrize(
    ("seconds", "digits"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_digits_are_those_of_rfc_6238(seconds, digits):
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert digits_at(RFC_SEED, at) == digits
    assert digits_hold(RFC_SEED, digits, at)


def test_digits_hold_half_a_minute_before_and_after_their_own():
    start = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
    digits = digits_at(RFC_SEED, start)
    instant = timedelta(microseconds=1)
    for at in (start, start + timedelta(seconds=30) - instant):
        assert digits_at(RFC_SEED, at) == digits
    for at in (start - timedelta(seconds=30), start, start + timedelta(seconds=60) - instant):
        assert digits_hold(RFC_SEED, digits, at)
    for at in (start - timedelta(seconds=30) - instant, start + timedelta(seconds=60)):
        assert not digits_hold(RFC_SEED, digits, at)


def test_digits_do_not_depend_on_the_zone_an_instant_is_written_in():
    from zoneinfo import ZoneInfo

    # The second 01:30 of the night the clocks go back: a local clock would be an hour out.
    at = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert digits_at(RFC_SEED, at.astimezone(ZoneInfo("Europe/London"))) == digits_at(RFC_SEED, at)


@pytest.mark.parametrize("digits", ["", "28708", "2870822", "28708\u0662", "2870 2", "287082\n", "\u0662" * 6])
def test_what_is_not_six_digits_does_not_hold(digits):
    assert not digits_hold(RFC_SEED, digits, datetime(1970, 1, 1, 0, 0, 59, tzinfo=UTC))


def test_digits_of_the_first_half_minute_of_the_epoch_hold():
    at = datetime(1970, 1, 1, tzinfo=UTC)
    assert digits_hold(RFC_SEED, digits_at(RFC_SEED, at), at)


def test_another_seed_has_other_digits():
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    seeds = [derive_seed(b"k" * 32, UUID(int=number)) for number in range(50)]
    assert sum(digits_hold(seeds[0], digits_at(seed, at), at) for seed in seeds) == 1
