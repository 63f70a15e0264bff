"""What of the session the model does not get to see."""

import pytest

from beaker.kernel.hiding import HIDDEN, INSTEAD, MARGIN, Hiding, names_a_secret, secrets_of
from beaker.messages.look import VariableShown
from beaker.messages.turn import Variable, Variables

OWN = "0123456789abcdef"
THEIRS = "wJalrXUtnFEMI/K7MDENG"


@pytest.fixture
def hiding() -> Hiding:
    return Hiding(lambda: [OWN], [THEIRS])


SECRET = [
    "api_key",
    "apiKey",
    "OPENAI_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "access_key",
    "password",
    "db_password",
    "dbPassword",
    "passwd",
    "pwd",
    "secret",
    "client_secret",
    "token",
    "auth_token",
    "GITHUB_TOKEN",
    "refreshToken",
    "credentials",
    "passphrase",
    "private_key",
    "passwords",
    "access_tokens",
]
ORDINARY = [
    "key",
    "keys",
    "primary_key",
    "keyword",
    "monkey",
    "tokens_per_day",
    "max_tokens",
    "n_tokens",
    "tokens",
    "token_count",
    "tokenizer",
    "password_file",
    "secret_name",
    "secretary",
    "bypass",
    "df",
    "x",
    "_",
]


@pytest.mark.parametrize(("name", "secret"), [*((name, True) for name in SECRET), *((name, False) for name in ORDINARY)])
def test_a_name_tells_a_secret_from_what_is_only_about_one(name: str, secret: bool) -> None:
    assert names_a_secret(name) is secret


def test_a_list_of_variables_has_no_value_where_a_name_says_that_it_is_a_secret(hiding: Hiding) -> None:
    seen = [
        Variable(name="api_key", type="str", summary="'abc123'"),
        Variable(name="passwords", type="list", summary="['abc', 'b']"),
        Variable(name="db_password", type="dict", summary="{'x': 'abc'}"),
        Variable(name="token", type="int", summary="5"),
        Variable(name="secret", type="DataFrame", summary="3 rows x 2 columns: a (int64), b (int64)"),
        Variable(name="header", type="dict", summary="{'Authorization': 'Bearer abcdefgh12345678'}"),
        Variable(name="x", type="int", summary="41"),
    ]
    told = hiding.variables(Variables(variables=seen, note="as of now"))
    assert told.note == "as of now"
    assert [each.summary for each in told.variables] == [
        HIDDEN,
        HIDDEN,
        HIDDEN,
        "5",
        "3 rows x 2 columns: a (int64), b (int64)",
        "{'Authorization': 'Bearer [hidden]'}",
        "41",
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("str of 9 characters\nswordfish", "str of 9 characters"),
        ("bytes: b'swordfish'", "bytes"),
        ("list of 2 items\n  'swordfish'\n  'b'", "list of 2 items"),
        (' chr "swordfish"', "chr"),
        ('declare -- password="swordfish"', "declare"),
        ('String\n"swordfish"', "String"),
        ("str\n'swordfish'\n\nThe last look in detail, of 12:00:00, 3 s ago:\nstr of 9 characters\nswordfish", "str"),
    ],
)
def test_such_a_variable_in_detail_is_its_kind_and_how_the_user_can_show_it(hiding: Hiding, text: str, kind: str) -> None:
    told = hiding.variable(VariableShown(name="password", text=text, line="swordfish"))
    assert told.text.startswith(f"{kind}: {HIDDEN}. ")
    assert "@password" in told.text
    assert "swordfish" not in told.text + told.line


def test_a_variable_of_another_name_is_told_without_what_looks_like_a_secret(hiding: Hiding) -> None:
    told = hiding.variable(VariableShown(name="config", text="dict of 2 items\n  'password': 'swordfish'\n  'host': 'db'", line=""))
    assert told.text == "dict of 2 items\n  'password': '[hidden]'\n  'host': 'db'"
    assert hiding.variable(VariableShown(name="x", text="int\n41", line="41")) == VariableShown(name="x", text="int\n41", line="41")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk-proj-abc_DEF-0123456789 here", "key [hidden] here"),
        ("sk_live_0123456789abcdef, hf_abcdefghijklmnopqrst, ghp_0123456789abcdefghij", "[hidden], [hidden], [hidden]"),
        ("AKIAIOSFODNN7EXAMPLE", "[hidden]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "[hidden]"),
        ("Authorization: Bearer abcdefgh-12345678", "Authorization: Bearer [hidden]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----\nx = 1", "[hidden]\nx = 1"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "[hidden]"),
        ("postgresql://me:swordfish@db:5432/x", "postgresql://me:[hidden]@db:5432/x"),
        ("https://host.test/?a=1&access_token=abcdef123&b=2", "https://host.test/?a=1&access_token=[hidden]&b=2"),
        ("api_key = 'abcdef'\nclient(api_key=api_key)", "api_key = '[hidden]'\nclient(api_key=api_key)"),
        ("os.environ['API_TOKEN'] = \"abcdef\"", "os.environ['API_TOKEN'] = \"[hidden]\""),
        ("credentials = ['me', 'swordfish']\nx = ['a']", "credentials = [[hidden]]\nx = ['a']"),
        ("{'user': 'me', 'password': 'swordfish'}", "{'user': 'me', 'password': '[hidden]'}"),
        ('{"client_secret": "abcdef", "key": "value"}', '{"client_secret": "[hidden]", "key": "value"}'),
        (
            "HOME=/root\nDB_PASSWORD=swordfish\nexport API_KEY=abcdef\nLANG=C",
            "HOME=/root\nDB_PASSWORD=[hidden]\nexport API_KEY=[hidden]\nLANG=C",
        ),
        ("machine x login me password swordfish", "machine x login me password [hidden]"),
        (f"a {OWN} b {THEIRS} c {OWN}", "a [hidden] b [hidden] c [hidden]"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out_of_texts(hiding: Hiding, text: str, shown: str) -> None:
    assert hiding.text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "tokens = ['the', 'cat']; secret = [1, 2]; passwords = get()",
        "df['token'].value_counts()\ntoken    count\nthe        12",
        "{'key': 'value', 'tokens': ['a', 'b'], 'n_tokens': 5}",
        "from sklearn.pipeline import make_pipeline  # sk-learn",
        "Index(['user', 'password', 'email'], dtype='object')",
        "def f(token: str, password: str | None = None) -> None: ...",
        "getpass('Password: ')",
        "the bearer of good news, basic internationalization",
        "http://host.test:8080/path?key=1",
        "tokenizer = 'bert-base-uncased'",
        "2024-01-01 12:00:00  risk-0123456789",
        "password = getpass.getpass()",
        "TOKENIZER=AutoTokenizer\nMAX_TOKENS=100000\nTOKEN=get_token()",
    ],
)
def test_ordinary_texts_stay_as_they_are(hiding: Hiding, text: str) -> None:
    assert hiding.text(text) == text


def test_a_secret_that_lies_across_the_edge_of_a_piece_is_hidden(hiding: Hiding) -> None:
    text = f"{'a' * 100}{OWN}{'b' * 100}"
    for start in range(90, 120):
        for stop in range(start, 130):
            piece = hiding.piece(text, start, stop)
            assert not any(OWN[at : at + 3] in piece for at in range(len(OWN) - 2))
            assert set(piece.replace(INSTEAD, "")) <= {"a", "b"}
    assert hiding.piece(text, 0, 110) == "a" * 100 + INSTEAD
    assert hiding.piece(text, 110, 120) == INSTEAD + "b" * 4
    assert hiding.piece(text, 0, 50) == "a" * 50
    key = "-----BEGIN PRIVATE KEY-----\n" + "x" * (MARGIN - 100) + "\n-----END PRIVATE KEY-----"
    assert hiding.piece(key, 3_000, 3_500) == INSTEAD


def test_secrets_that_overlap_are_hidden_once() -> None:
    hiding = Hiding(lambda: ["0123456789", "456789abcdef"])
    assert hiding.text("x 0123456789abcdef y") == "x [hidden] y"


def test_of_what_the_user_shows_herself_only_the_houses_own_secrets_are_taken_out(hiding: Hiding) -> None:
    assert hiding.own_taken_out(f"{OWN} {THEIRS} password='swordfish'") == f"[hidden] {THEIRS} password='swordfish'"


def test_a_short_secret_is_not_looked_for_in_texts() -> None:
    assert Hiding(lambda: ["none"], [""]).text("none of it") == "none of it"


def test_secrets_of_an_environment_are_the_values_of_what_is_named_so() -> None:
    environment = {
        "AWS_SECRET_ACCESS_KEY": THEIRS,
        "JUPYTER_TOKEN": OWN,
        "HOME": "/home/somebody",
        "PASSWORD_FILE": "a-long-name.txt",
        "SSH_KEY_TOKEN": "/run/secrets/token",
        "SHORT_TOKEN": "abc",
        "GPG_KEY": "7169605F62C751356D054A26A821E680E5FA6305",
    }
    assert secrets_of(environment) == [THEIRS, OWN]


@pytest.mark.parametrize(
    "text", ["a-" * 20_000, "PASSWORD" * 5_000, "password='" * 5_000, "-----BEGIN PRIVATE KEY-----" * 2_000, "://a:" * 8_000]
)
def test_no_text_takes_long(hiding: Hiding, text: str) -> None:
    hiding.piece(text, 10_000, 20_000)
