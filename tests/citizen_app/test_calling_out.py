"""Threat 25 and group N: what is called is on the public internet, is what was judged, and cannot hold us up."""

import socket
import time

import pytest

from citizen_app import calling_out
from citizen_app.calling_out import AddressRefused, CallFailed, check_address, post
from tests.receiving import plain, serving

PUBLIC = "93.184.215.14"

TRICKY = [
    "https://[::ffff:127.0.0.1]/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://[64:ff9b::7f00:1]/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://localhost./",
    "https://someone@127.0.0.1/",
    "https://127.0.0.1#@public.example/",
    "https://127.0.0.1\\@public.example/",
    "https://[::1]/",
    "https://[::]/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://172.16.0.1/",
    "https://224.0.0.1/",
    "https://[fd00:ec2::254]/",
    "https://[fec0::1]/",
    "https://255.255.255.255/",
    "https://127.0.0.1/",
    "https://127.0.0.1:443/",
    "https://017700000001/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[2001:0:7f00:1::]/",
    "https://[ff02::1]/",
    "https://198.18.0.1/",
    "https://192.0.0.192/latest/",
    "https://public.example:443@127.0.0.1/",
    "https://public.example%2f@127.0.0.1/",
    "https://127.0.0.1%00.public.example/",
]
NOT_HTTPS = [
    "http://public.example/",
    "file:///etc/passwd",
    "gopher://public.example/",
    "//public.example/",
    "public.example",
    "https:///path",
    "https://",
    "https://public.example:22/",
    "https://public.example:99999/",
    "https://public.example/ with space",
    "https://public.example/\r\nX: y",
    "https://bücher.example/",
    f"https://public.example/{'a' * 500}",
    "https://user:word@public.example/",
    "https://public.example/#part",
    "https://public.example./",
]


@pytest.fixture
def names(monkeypatch):
    """A name server of the test's own: what each name means, in turn."""
    meanings = {"public.example": [PUBLIC]}
    asked = []
    real = socket.getaddrinfo

    def getaddrinfo(host, port, family=0, type=0, *rest, **more):
        if host in meanings:
            asked.append(host)
            answers = meanings[host]
            address = answers.pop(0) if len(answers) > 1 else answers[0]
            kind = socket.AF_INET6 if ":" in address else socket.AF_INET
            return [(kind, socket.SOCK_STREAM, 6, "", (address, port))]
        return real(host, port, family, type, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    meanings["asked"] = asked
    return meanings


@pytest.fixture
def dialled(monkeypatch):
    """Where connections were attempted; none is made."""
    attempts = []

    def create_connection(address, *args, **kwargs):
        attempts.append(address)
        raise OSError("no network here")

    monkeypatch.setattr("urllib3.util.connection.create_connection", create_connection)
    return attempts


@pytest.fixture
def loopback(settings):
    settings.CALL_OUT_TO_LOOPBACK = True


def call(url, **more):
    return post(url, body=b"{}", headers={"Content-Type": "application/json"}, **more)


# -- Which addresses --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("url", TRICKY + NOT_HTTPS)
def test_tricky_addresses_are_refused_at_save_and_at_send(url, names, dialled):
    with pytest.raises(AddressRefused):
        check_address(url)
    with pytest.raises(AddressRefused):
        call(url)
    assert dialled == []


@pytest.mark.parametrize(
    "meaning", ["127.0.0.1", "10.1.2.3", "::ffff:10.0.0.1", "::1", "64:ff9b::a00:1", "169.254.169.254"]
)
def test_a_name_that_means_an_inner_address_is_refused_at_save_and_at_send(meaning, names, dialled):
    names["inner.example"] = [meaning]
    with pytest.raises(AddressRefused, match="public internet"):
        check_address("https://inner.example/")
    with pytest.raises(AddressRefused, match="public internet"):
        call("https://inner.example/")
    assert dialled == []


def test_a_public_name_passes_and_its_address_is_dialled(names, dialled):
    check_address("https://public.example/hooks?for=us")
    with pytest.raises(CallFailed, match="refused or broke off"):
        call("https://public.example/hooks")
    assert dialled == [(PUBLIC, 443)]


def test_a_name_that_changes_its_meaning_is_dialled_where_it_was_judged(names, dialled):
    names["rebinding.example"] = [PUBLIC, "127.0.0.1"]
    with pytest.raises(CallFailed):
        call("https://rebinding.example/")
    assert dialled == [(PUBLIC, 443)]
    assert names["asked"] == ["rebinding.example"]
    with pytest.raises(AddressRefused):  # what it means by now
        call("https://rebinding.example/")
    assert dialled == [(PUBLIC, 443)]


def test_every_address_of_a_name_is_judged_at_save(monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in (PUBLIC, "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: both)
    with pytest.raises(AddressRefused, match="public internet"):
        check_address("https://two.example/")


def test_a_name_without_address_is_refused_at_save(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(AddressRefused, match="has no address"):
        check_address("https://nowhere.example/")
    with pytest.raises(CallFailed, match="has no address"):
        call("https://nowhere.example/")


def test_our_own_host_is_refused(settings, names, dialled):
    settings.ALLOWED_HOSTS = ["id.example.org", ".citizen.example"]
    for host in ("id.example.org", "ID.example.org", "citizen.example", "api.citizen.example"):
        names[host] = [PUBLIC]
        with pytest.raises(AddressRefused, match="leads back"):
            check_address(f"https://{host}/webhooks/stripe")
    assert names["asked"] == []


def test_other_ports_are_called_where_the_settings_name_them(settings, names, dialled):
    settings.CALL_OUT_PORTS = ["8443"]
    check_address("https://public.example:8443/")
    with pytest.raises(AddressRefused, match="port"):
        check_address("https://public.example:8444/")


def test_only_the_named_hosts_are_called(names, dialled):
    with pytest.raises(AddressRefused, match="none of the hosts"):
        call("https://public.example/", hosts=["push.example", ".notify.example"])
    for host in ("push.example", "eu.notify.example"):
        names[host] = [PUBLIC]
        with pytest.raises(CallFailed, match="refused or broke off"):
            call(f"https://{host}/", hosts=["push.example", ".notify.example"])
    assert len(dialled) == 2


def test_loopback_is_called_only_where_the_settings_say_so(settings):
    with serving(plain) as url:
        with pytest.raises(AddressRefused):
            call(url)
        settings.CALL_OUT_TO_LOOPBACK = True
        check_address(url)
        assert call(url).status == 200


def test_with_loopback_no_other_address_is_called_without_tls(loopback, names, dialled):
    with pytest.raises(AddressRefused, match="https"):
        call("http://public.example/")
    with pytest.raises(AddressRefused, match="public internet"):
        call("https://10.0.0.1/")
    assert dialled == []


# -- What may come back -----------------------------------------------------------------------------------------------
def test_an_answer_is_its_status_body_and_headers(loopback):
    def answer(handler):
        assert handler.sent == b"{}"
        assert handler.headers["User-Agent"] == "CitizenApp/1"
        plain(handler, 503, b"later", Retry_After="7")

    with serving(answer) as url:
        answered = call(url)
    assert (answered.status, answered.body, answered.headers["retry-after"]) == (503, b"later", "7")


def test_a_redirect_is_an_answer_and_is_not_followed(loopback):
    asked = []

    def answer(handler):
        asked.append(handler.path)
        plain(handler, 302, b"", Location="http://169.254.169.254/latest/")

    with serving(answer) as url:
        assert call(url).status == 302
    assert asked == ["/hook"]


@pytest.mark.parametrize("status", [200, 301])
def test_a_body_of_a_hundred_megabytes_is_read_up_to_its_first_64_kilobytes(loopback, status):
    sent = []

    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(100 * 1024 * 1024))
        handler.send_header("Location", "/elsewhere")
        handler.end_headers()
        for _ in range(1600):
            handler.wfile.write(b"x" * 64 * 1024)
            sent.append(1)

    with serving(answer) as url:
        answered = call(url)
    assert (answered.status, len(answered.body)) == (status, 64 * 1024)
    assert len(sent) < 800


def test_a_packed_body_is_not_unpacked(loopback):
    with serving(lambda handler: plain(handler, body=b"\x1f\x8b\x08bomb", Content_Encoding="gzip")) as url:
        assert call(url).body == b"\x1f\x8b\x08bomb"


def drip_body(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"x")
        time.sleep(0.02)


def drip_head(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(100):
        handler.wfile.write(b"x")
        time.sleep(0.02)


@pytest.mark.parametrize("answer", [drip_body, drip_head, lambda handler: time.sleep(1)])
def test_a_call_ends_at_its_deadline_however_slowly_it_goes_on(loopback, answer):
    with serving(answer) as url:
        begun = time.monotonic()
        with pytest.raises(CallFailed, match="too long"):
            call(url, deadline=0.2)
        assert time.monotonic() - begun < 0.6


def test_a_slow_name_server_ends_at_the_deadline_too(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(1) or [])
    monkeypatch.setattr(calling_out, "LOOKUP", 0.1)
    begun = time.monotonic()
    with pytest.raises(CallFailed, match="too long"):
        check_address("https://slow.example/")
    with pytest.raises(CallFailed, match="too long"):
        call("https://slow.example/", deadline=0.1)
    assert time.monotonic() - begun < 0.6


def test_what_is_no_http_or_no_tls_is_a_failed_call(loopback):
    def no_http(handler):
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    with serving(no_http) as url:
        with pytest.raises(CallFailed, match="broke off"):
            call(url)
        with pytest.raises(CallFailed, match="TLS"):
            call(url.replace("http:", "https:"))


def test_proxies_and_passwords_of_this_machine_are_ignored(loopback, monkeypatch, tmp_path):
    with serving(lambda handler: plain(handler, 418)) as proxy, serving(plain) as url:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.delenv("NO_PROXY", raising=False)
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        assert call(url).status == 200
    with serving(lambda handler: plain(handler, 500 if handler.headers["Authorization"] else 204, b"")) as url:
        assert call(url).status == 204


def test_a_session_for_libraries_calls_by_the_same_rules(loopback):
    with serving(lambda handler: plain(handler, body=b"pushed")) as url, calling_out.session_for(deadline=1) as session:
        assert session.post(url, data=b"{}", timeout=10).text == "pushed"
        with pytest.raises(AddressRefused):
            session.post("https://10.0.0.1/", data=b"{}")
