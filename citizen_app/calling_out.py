"""Calls to addresses that somebody else chose (webhooks, push services): to the public internet only, and not for long.

An address is checked when it is saved (`check_address`) and again at every call: the name is resolved once, the
address it has is judged, and the connection goes to exactly that one (requests-hardened), so a name that means
something else a moment later leads nowhere. Nothing is redirected, no proxy or password of this machine is used, the
answer is read up to 64 KB, and the whole call ends at its deadline whatever the other side does.
"""

import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, urlsplit

import requests
import requests_hardened
import urllib3.exceptions
from django.conf import settings
from django.http.request import validate_host
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES, InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.util import parse_url

MOST_BODY: Final = 64 * 1024
MOST_ADDRESS: Final = 500
DEADLINE: Final = 15.0
LOOKUP: Final = 5.0
"""Seconds a name may take to be resolved when an address is saved."""
LONGEST_PAUSE: Final = timedelta(hours=24)
"""The most that `Retry-After` is believed."""
NOT_PUBLIC: Final = "It is not on the public internet."
TOO_LONG: Final = "It took too long."
USER_AGENT: Final = "CitizenApp/1"

IP = IPv4Address | IPv6Address
T = TypeVar("T")


class CallFailed(Exception):
    """No answer came; `reason` is a short phrase that quotes nothing of the other side."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AddressRefused(CallFailed):
    """The address is none that is called; `reason` says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most the first 64 KB of the body, as it was sent."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def check_address(url: str) -> None:
    """Refuse an address that is not called: `AddressRefused` says why.

    Resolves its name; `CallFailed` when that takes too long.
    """
    parts = _parts_of(url)
    host, port = parts.hostname or "", _port_of(parts)
    try:
        found = _within(LOOKUP, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise AddressRefused("Its name has no address.") from error
    for *_, where in found:
        _require_callable(ip_address(str(where[0])), parts.scheme, port)


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    deadline: float = DEADLINE,
    hosts: Collection[str] | None = None,
) -> Answer:
    """Send `body` and return the answer, whatever its status; redirects are answers too.

    `deadline` is in seconds for the whole call, the look-up of its name included; `hosts` are the only ones called
    (`.example.com` means those under it too). Raises `AddressRefused` and `CallFailed`.
    """
    with session_for(deadline=deadline, hosts=hosts) as session:
        response = session.post(url, data=body, headers=dict(headers))
    return Answer(response.status_code, response.content, response.headers)


def asked_pause(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """What `Retry-After` asks for, in seconds or as a date, at most a day; None without one that can be read."""
    asked = headers.get("Retry-After", "").strip()
    try:
        wait = timedelta(seconds=int(asked)) if asked.isdecimal() else parsedate_to_datetime(asked) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), LONGEST_PAUSE)


def session_for(*, deadline: float = DEADLINE, hosts: Collection[str] | None = None) -> requests.Session:
    """Give a session that calls by the same rules, for a library that sends by itself."""
    return _Session(deadline, hosts)


class _Session(requests_hardened.HTTPSession):
    def __init__(self, deadline: float, hosts: Collection[str] | None) -> None:
        config = requests_hardened.Config(
            # Its own filter is in the adapters that `send` mounts: they know when the call must end.
            ip_filter_enable=False,
            ip_filter_allow_loopback_ips=False,
            never_redirect=True,
            default_timeout=(deadline, deadline),
            user_agent_override=USER_AGENT,
        )
        super().__init__(config)
        self.trust_env = False
        # As it was sent: nothing is unpacked here.
        self.headers["Accept-Encoding"] = "identity"
        self._deadline, self._hosts = deadline, hosts

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nothing is redirected: even to note where to, requests would read the whole body first."""

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        # Before requests mends it: what it makes of an address is judged again when it is sent.
        _parts_of(str(request.url), hosts=self._hosts)
        return super().prepare_request(request)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        _parts_of(request.url or "", hosts=self._hosts)
        watch = _Watch(self._deadline)
        for scheme in ("https", "http"):
            self.mount(f"{scheme}://", _Pinning(scheme, watch))
        try:
            response = super().send(request, **kwargs | {"stream": True, "timeout": (watch.left(), watch.left())})
            with response:
                # What `content` and `text` give.
                response._content = _read(response)
            if watch.is_over:  # what was cut looks like an answer that had ended
                raise CallFailed(TOO_LONG)
            return response
        except InvalidIPAddress as error:
            raise AddressRefused(NOT_PUBLIC) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise CallFailed(TOO_LONG if watch.is_over else _reason_of(error)) from error
        finally:
            watch.end()


class _Pinning(IPFilterAdapter):
    """Connects to the address that was judged, and to no other."""

    def __init__(self, scheme: str, watch: "_Watch") -> None:
        super().__init__(is_https_proto=scheme == "https", allow_loopback=settings.CALL_OUT_TO_LOOPBACK)
        self._watch = watch

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        # The name is resolved in here, once; a name server has no deadline of its own.
        resolve = super().build_connection_pool_key_attributes
        where, how = _within(self._watch.left(), lambda: resolve(request, verify, cert))
        parts = urlsplit(request.url)
        _require_callable(ip_address(where["host"].strip("[]")), parts.scheme, _port_of(parts))
        return where, how

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        watch = self._watch

        class Watched(pool.ConnectionCls):  # of http or of https
            def _new_conn(self) -> socket.socket:
                made: socket.socket = super()._new_conn()
                watch.over(made)
                return made

        pool.ConnectionCls = Watched
        return pool


class _Watch:
    """Ends a call at its deadline: a timeout of a socket begins anew with each byte, this one does not."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._ends_at = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def left(self) -> float:
        return max(self._ends_at - time.monotonic(), 0.001)

    def over(self, connected: socket.socket) -> None:
        """Watch a connection, by a handle of its own: TLS takes the given one over."""
        with self._lock:
            self._sockets.append(connected.dup())
        if self.is_over:
            self._cut()

    def end(self) -> None:
        self._timer.cancel()
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()

    def _cut(self) -> None:
        self.is_over = True
        with self._lock:
            for each in self._sockets:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the other side was quicker


def _parts_of(url: str, *, hosts: Collection[str] | None = None) -> SplitResult:
    """Take an address apart, if it says plainly and in one way whom to call."""
    if (
        not url.isascii()
        or not url.isprintable()
        or len(url) > MOST_ADDRESS
        or any(sign in url for sign in ' \\"<>^`{|}')
    ):
        raise AddressRefused(f"It must be plain ASCII (punycode, %-escapes) of at most {MOST_ADDRESS} characters.")
    if "#" in url:
        raise AddressRefused("It must have no fragment (#).")
    try:
        parts, other = urlsplit(url), parse_url(url)
        port = _port_of(parts)
    except (ValueError, urllib3.exceptions.LocationParseError) as error:
        raise AddressRefused("It is no address.") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.CALL_OUT_TO_LOOPBACK):
        raise AddressRefused("It must begin with https://.")
    if "@" in parts.netloc:
        raise AddressRefused("It must hold no name and no password.")
    host = parts.hostname or ""
    if not host or host != (other.host or "").strip("[]") or "%" in host:
        raise AddressRefused("It must name one host.")
    if host.endswith("."):
        raise AddressRefused("Its host must not end in a dot.")
    if _is_own(host, port):
        raise AddressRefused("It leads back to this service.")
    if hosts is not None and not validate_host(host, hosts):
        raise AddressRefused("It is none of the hosts that are called for this.")
    if not settings.CALL_OUT_TO_LOOPBACK:
        _require_port(port)
    return parts


def _port_of(parts: SplitResult) -> int:
    if parts.port is not None:
        return parts.port
    return 80 if parts.scheme == "http" else 443


def _is_own(host: str, port: int) -> bool:
    """Whether a host is this service: of one on this machine, its port decides where this machine may be called."""
    issuer = urlsplit(settings.OIDC_ISSUER)
    if (host, port) == (issuer.hostname, _port_of(issuer)):
        return True
    here = {"127.0.0.1", "localhost", "[::1]"} if settings.CALL_OUT_TO_LOOPBACK else set()
    named = f"[{host}]" if ":" in host else host
    return validate_host(named, [own for own in settings.ALLOWED_HOSTS if own != "*" and own not in here])


def _require_port(port: int) -> None:
    if port != 443 and str(port) not in settings.CALL_OUT_PORTS:
        raise AddressRefused("Only port 443 is called.")


def _require_callable(ip: IP, scheme: str, port: int) -> None:
    """Refuse what a name turned out to mean."""
    plain = (ip.ipv4_mapped if isinstance(ip, IPv6Address) else None) or ip
    if settings.CALL_OUT_TO_LOOPBACK and plain.is_loopback:
        return
    if scheme != "https":
        raise AddressRefused("It must begin with https://.")
    _require_port(port)
    special = plain.is_multicast or plain.is_reserved or any(plain in block for block in EXTRA_BLOCKED_NET_RANGES)
    if special or not plain.is_global or getattr(plain, "is_site_local", False):
        raise AddressRefused(NOT_PUBLIC)


def _within(seconds: float, work: Callable[[], T]) -> T:
    """Do it in a thread that is no longer waited for after `seconds`."""
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run, name="calling-out", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not results:
        raise CallFailed("Its name took too long to resolve.")
    return results[0]


def _read(response: requests.Response) -> bytes:
    """Read the beginning of the answer as it arrives; a longer one is not waited for."""
    body = bytearray()
    while len(body) < MOST_BODY and (part := response.raw.read1(MOST_BODY - len(body), decode_content=False)):
        body += part
    return bytes(body)


def _reason_of(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "Its certificate or its TLS does not do."
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return TOO_LONG
    if "resolve" in str(error):
        return "Its name has no address."
    return "The connection was refused or broke off."
