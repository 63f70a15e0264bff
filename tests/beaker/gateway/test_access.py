"""Who may come in, by tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beaker.gateway.access import LOOPBACK, Admitted, BadOrigin, Refused, Rules, Visit, decide, host_of, parse_origin
from beaker.gateway.cookies import LIFE_S, Sessions

NOW_S = 1_800_000_000.0
SESSIONS = Sessions(b"secret of this gateway")
COOKIE = SESSIONS.begin(NOW_S)
RULES = Rules(token="right", secure=False, hosts=LOOPBACK | {"lab.example.org"}, origins=frozenset({"https://lab.example.org"}))
HOST = {"Host": "localhost:8888"}


def _decide(
    headers: dict[str, str], *, method: str = "GET", public: bool = False, rules: Rules = RULES, now_s: float = NOW_S, **more: str | bool
) -> Admitted | Refused:
    visit = Visit(
        method=method,
        headers={**HOST, **headers},
        query_token=str(more.get("query_token", "")),
        cookie=str(more.get("cookie", "")),
        websocket=bool(more.get("websocket")),
    )
    return decide(visit, rules, SESSIONS, public=public, now_s=now_s)


def _status(decision: Admitted | Refused) -> int:
    return decision.status if isinstance(decision, Refused) else 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "token right"},
        {"Authorization": "Token right"},
        {"Authorization": "Bearer right"},
        {"Authorization": "bearer  right "},
    ],
)
def test_a_token_in_its_header_opens(headers: dict[str, str]) -> None:
    assert _decide(headers) == Admitted(by="token")


def test_a_token_in_the_address_opens() -> None:
    assert _decide({}, query_token="right") == Admitted(by="token")


@pytest.mark.parametrize("given", ["", "wrong", "righ", "right2", "RIGHT", "rigth", "right\x00", "\udcff"])
def test_nothing_else_does(given: str) -> None:
    assert _status(_decide({"Authorization": f"token {given}"})) == 401
    assert _status(_decide({}, query_token=given)) == 401
    assert _status(_decide({"Authorization": f"Basic {given}"})) == 401


def test_a_wrong_token_is_not_made_up_for_by_a_cookie() -> None:
    assert _status(_decide({"Authorization": "token wrong"}, cookie=COOKIE)) == 401


def test_a_session_reads() -> None:
    assert _decide({}, cookie=COOKIE) == Admitted(by="session")


def test_a_session_runs_out() -> None:
    assert _status(_decide({}, cookie=COOKIE, now_s=NOW_S + LIFE_S)) == 401


@pytest.mark.parametrize(
    "changed",
    [COOKIE[:-1], COOKIE + "0", "x" + COOKIE[1:], COOKIE.replace(".", "", 1), "..", "right", "é.1.2", "a" * 999],
    ids=["cut", "longer", "another name", "without a dot", "empty parts", "a word", "not ASCII", "long"],  # of no chance, as the cookie is
)
def test_a_changed_cookie_is_none(changed: str) -> None:
    assert _status(_decide({}, cookie=changed)) == 401


def test_a_cookie_of_another_gateway_is_none() -> None:
    assert _status(_decide({}, cookie=Sessions(b"another").begin(NOW_S))) == 401


def test_a_session_writes_with_the_word_that_belongs_to_it() -> None:
    headers = {"X-XSRFToken": SESSIONS.xsrf(COOKIE), "Content-Type": "application/json; charset=utf-8"}
    assert _decide(headers, method="POST", cookie=COOKIE) == Admitted(by="session")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/json"},
        {"X-XSRFToken": "wrong", "Content-Type": "application/json"},
        {"X-XSRFToken": SESSIONS.xsrf(SESSIONS.begin(NOW_S)), "Content-Type": "application/json"},
        {"X-XSRFToken": SESSIONS.xsrf(COOKIE), "Content-Type": "text/plain"},
        {"X-XSRFToken": SESSIONS.xsrf(COOKIE), "Content-Type": "multipart/form-data"},
    ],
)
def test_a_forged_request_is_refused(method: str, headers: dict[str, str]) -> None:
    assert _status(_decide(headers, method=method, cookie=COOKIE)) == 403


def test_with_the_token_no_more_is_needed_to_write() -> None:
    assert _decide({"Authorization": "token right", "Content-Type": "text/plain"}, method="POST") == Admitted(by="token")


OPENED = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "same-site", **OPENED}, 200),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://lab.example.org", "Sec-Fetch-Mode": "cors"}, 200),
    ],
)
def test_what_a_page_of_another_port_takes_in_carries_the_cookie_and_gets_nothing(headers: dict[str, str], status: int) -> None:
    assert _status(_decide(headers, cookie=COOKIE)) == status
    assert _status(_decide({**headers, "Authorization": "token right"})) == 200


def test_a_websocket_by_cookie_must_say_whose_page_it_is() -> None:
    assert _status(_decide({}, cookie=COOKIE, websocket=True)) == 403
    assert _decide({"Origin": "http://localhost:8888"}, cookie=COOKIE, websocket=True) == Admitted(by="session")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.test",
        "http://localhost:9999",
        "https://localhost:8888",
        "null",
        "",
        "http://localhost:8888.evil.test",
        "https://lab.example.org.evil.test",
        "https://lab.example.org:444",
        "http://lab.example.org",
        "https://lab.example.org/",
        "https://LAB.example.org",
    ],
)
@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_foreign_page_is_refused_even_with_the_token(origin: str, public: bool, method: str) -> None:
    assert _status(_decide({"Authorization": "token right", "Origin": origin}, method=method, public=public)) == 403


def test_an_origin_that_is_allowed_by_name_comes_in_and_may_read_the_answer() -> None:
    headers = {"Authorization": "token right", "Origin": "https://lab.example.org"}
    assert _decide(headers) == Admitted(by="token", origin="https://lab.example.org")
    assert _decide({"Origin": "https://lab.example.org"}, method="OPTIONS") == Admitted(by="nothing", origin="https://lab.example.org")
    assert _status(_decide({"Origin": "https://lab.example.org"})) == 401


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:8888",
        "localhost.evil.test",
        "",
        "localhost@evil.test",
        "127.0.0.1.nip.io",
        "localhost:8888/x",
        "localhost:x",
        "[::1",
        "a\tb",
    ],
)
@pytest.mark.parametrize("public", [False, True])
def test_a_name_that_is_not_ours_is_refused(host: str, public: bool) -> None:
    assert _status(_decide({"Host": host, "Authorization": "token right"}, public=public)) == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:8888", "lab.example.org"])
def test_our_names_are_known_with_any_port(host: str) -> None:
    assert _status(_decide({"Host": host, "Authorization": "token right"})) == 200


@pytest.mark.parametrize("base_url", ["/", "/lab/"])
def test_who_has_no_token_is_told_the_page_where_it_is_taken(base_url: str) -> None:
    refused = _decide({}, rules=Rules(token="right", secure=False, base_url=base_url))
    assert isinstance(refused, Refused)
    assert f"or sign in at the page {base_url}login. " in refused.message


def test_a_public_route_is_for_everybody() -> None:
    assert _decide({}, public=True) == Admitted(by="nothing")
    assert _decide({}, public=True, cookie="wrong") == Admitted(by="nothing")


def test_where_no_token_is_asked_for_a_foreign_page_and_a_foreign_name_are_refused_all_the_same() -> None:
    rules = Rules(token=None, secure=False)
    assert _decide({}, rules=rules, method="POST") == Admitted(by="nothing")
    assert _status(_decide({"Origin": "https://evil.test"}, rules=rules, method="POST")) == 403
    assert _status(_decide({"Host": "evil.test"}, rules=rules)) == 403


def test_over_tls_our_own_origin_is_https() -> None:
    rules = Rules(token="right", secure=True)
    assert _status(_decide({"Origin": "https://localhost:8888", "Authorization": "token right"}, rules=rules)) == 200
    assert _status(_decide({"Origin": "http://localhost:8888", "Authorization": "token right"}, rules=rules)) == 403


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://lab.example.org", "https://lab.example.org"),
        ("http://LOCALHOST:3000/", "http://localhost:3000"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    ["", "*", "lab.example.org", "https://", "https://a/b", "https://a?b", "https://u@a", "ftp://a", "https://a:x", "null", "https://*.a"],
)
def test_what_is_no_origin_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadOrigin, match=r"origin|pattern"):
        parse_origin(text)


def test_the_name_in_an_origin() -> None:
    assert host_of("https://lab.example.org:8443") == "lab.example.org"


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50), st.booleans())
def test_no_request_raises_and_none_without_a_right_word_comes_in(host: str, origin: str, word: str, websocket: bool) -> None:
    headers = {"Host": host, "Origin": origin, "Authorization": word}
    decision = decide(
        Visit(method="GET", headers=headers, query_token=word, cookie=word, websocket=websocket), RULES, SESSIONS, public=False, now_s=NOW_S
    )
    assert isinstance(decision, Refused)
