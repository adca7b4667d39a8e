"""The stand-in is held to the installed SDK: its routes, its parameters, the classes of its answers and events."""

import threading

import pytest
import stripe

from perks.payments.client import API_VERSION, Transient, client, errors
from perks.payments.standin import FakeStripe, FakeTransport, Fault, contract, serve
from perks.payments.standin.records import HANDLERS, ContractBroken, class_named
from perks.payments.standin.routes import match, routes


@pytest.fixture
def v1(standin):
    return client().v1


def test_every_route_of_the_stand_in_is_one_of_the_sdks():
    known = {(route.method, route.template): route for route in routes()}
    assert set(HANDLERS) <= set(known)
    assert len(known) > 600
    assert len(HANDLERS) > 50


def test_each_of_them_has_the_sdks_types_to_be_held_to():
    for key in HANDLERS:
        route, _ = match(key[0], key[1].replace("{", "").replace("}", ""))
        assert (route.method, route.template) == key
        assert contract.fields_of(contract.load(route.params)), key
        # A list of meter event summaries, say, is held to the class of its rows.
        assert issubclass(contract.load(route.answer), stripe.StripeObject), key


def test_the_version_is_the_one_we_pin():
    assert stripe.api_version == API_VERSION


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        (
            {"amount": 1_000, "currency": "eur", "payment_method_types": ["card"]},
            "parameter_unknown",
            "payment_method_types",
        ),
        ({"amount": "ten", "currency": "eur"}, "parameter_invalid_integer", "amount"),
        ({"currency": "eur"}, "parameter_missing", "amount"),
        ({"amount": 1_000, "currency": "eur", "capture_method": "later"}, None, "capture_method"),
        (
            {"amount": 1_000, "currency": "eur", "payment_method_options": {"card": {"request_extended": "always"}}},
            "parameter_unknown",
            "payment_method_options[card][request_extended]",
        ),
    ],
)
def test_parameters_that_the_sdk_does_not_know_are_refused(standin, v1, params, code, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        v1.payment_intents.create(params)
    assert (refused.value.code, refused.value.param) == (code, param)
    assert standin.objects == {}


def test_a_refused_parameter_is_not_kept_under_the_key(standin, v1):
    key = {"idempotency_key": "k"}
    with pytest.raises(stripe.InvalidRequestError):
        v1.customers.create({"nome": "A"}, key)
    assert v1.customers.create({"name": "A"}, key).name == "A"


def test_an_answer_that_breaks_the_sdks_class_is_an_error_of_the_stand_in():
    answer = {"id": "re_1", "object": "refund", "amount": "ten", "status": 7, "colour": "red"}
    assert contract.check_answer(stripe.Refund, answer) == [
        "refund: unknown key 'colour'",
        "refund: missing key 'created'",
        "refund: missing key 'currency'",
    ]
    fake = FakeStripe()
    customer = fake.put(stripe.Customer, {"id": "cus_1", "object": "customer", "created": 0, "livemode": False})
    customer["shoe_size"] = 44
    with pytest.raises(ContractBroken, match="shoe_size"):
        fake.emit("customer.created", customer)
    del customer["shoe_size"]
    with pytest.raises(ContractBroken, match=r"customer\.danced"):
        fake.emit("customer.danced", customer)


def test_what_the_stand_in_does_not_do_it_says(v1):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        v1.payouts.create({"amount": 1_000, "currency": "eur"})
    assert (refused.value.code, refused.value.http_status) == ("not_in_stand_in", 404)


@pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x", "nonsense"])
def test_live_keys_are_refused(key):
    live = stripe.StripeClient(key, http_client=FakeTransport(FakeStripe()), max_network_retries=0)
    with pytest.raises(stripe.AuthenticationError):
        live.v1.customers.list()


def test_a_key_reaches_no_account_that_is_not_connected(standin, v1):
    with pytest.raises(Transient), errors():
        v1.customers.create({}, {"stripe_account": "acct_other"})
    assert standin.objects == {}


def test_a_key_that_is_in_use_is_refused_until_its_answer_is_there():
    fake = FakeStripe()
    server, base = serve(fake)
    bases = dict.fromkeys(("api", "files", "connect", "meter_events"), base)
    http = stripe.StripeClient(
        "sk_test_x", base_addresses=bases, http_client=stripe.RequestsClient(timeout=5), max_network_retries=0
    )
    fake.faults.append(Fault("POST /v1/customers$", "slow", seconds=0.3))
    same = {"idempotency_key": "one"}
    first = threading.Thread(target=http.v1.customers.create, args=({}, same))
    first.start()
    while not fake.calls:
        first.join(0.01)
    with pytest.raises(stripe.APIError) as refused:
        http.v1.customers.create({}, same)
    assert refused.value.http_status == 409
    with pytest.raises(Transient), errors():
        raise refused.value
    first.join()
    server.shutdown()
    server.server_close()
    again = http_free(fake).v1.customers.create({}, same)
    assert [customer["id"] for customer in fake.all("customer")] == [again.id]


def http_free(fake):
    return stripe.StripeClient("sk_test_x", http_client=FakeTransport(fake))


def test_pages_of_a_list_are_followed_to_their_end(v1):
    made = [v1.customers.create({"name": str(number)}).id for number in range(7)]
    assert [customer.id for customer in v1.customers.list({"limit": 3}).auto_paging_iter()] == made[::-1]
    page = v1.customers.list({"limit": 2, "ending_before": made[2]})
    assert ([customer.id for customer in page.data], page.has_more) == ([made[4], made[3]], True)


def test_signed_events_are_taken_by_the_sdk(standin, v1):
    v1.customers.create({})
    body, signature = standin.signed(standin.events[0], "whsec_x")
    event = client().construct_event(body, signature, "whsec_x", tolerance=300)
    assert (event.type, type(event.data.object)) == ("customer.created", stripe.Customer)
    for secret, header in (
        ("whsec_y", signature),
        ("whsec_x", standin.signed(standin.events[0], "whsec_x", timestamp=1)[1]),
    ):
        with pytest.raises(stripe.SignatureVerificationError):
            client().construct_event(body, header, secret, tolerance=300)


def test_every_kind_the_stand_in_makes_has_a_class():
    kinds = ("account", "account_link", "billing.meter", "billing_portal.session", "charge", "checkout.session")
    assert {class_named(kind).OBJECT_NAME for kind in kinds} == set(kinds)
