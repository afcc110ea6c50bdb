"""Credentials that a text spells out stay on the machine; everything else leaves as it is."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.config.fields import Style
from pushover_logging.notice import TEXT_BOUND
from pushover_logging.render.alert import trim
from pushover_logging.render.record import Renderer
from pushover_logging.render.redact import Redactor

WORDS = st.lists(st.text(alphabet="abcdefghij ÄÖ.,!?()", max_size=20), max_size=10).map(" ".join)
SECRETS = st.text(alphabet="abcdefghijkXYZ0123456789-_.", min_size=8, max_size=40)
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"
MIXED = "aB3dE5fG7hJ9kL1mN2pQ4rS6"
GITHUB = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE"
PEM_START = f"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA{'aB3/' * 12}\n{'xY7+' * 16}"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\nqZ3gE4Yh\n-----END RSA PRIVATE KEY-----"
)

CREDENTIALS = [
    # Names and values in plain texts, settings and environments.
    ("password=hunter2", "password=***"),
    ("password = hunter2, user=ann", "password = ***, user=ann"),
    ("PASSWORD: hunter2", "PASSWORD: ***"),
    ("db_password=hunter2", "db_password=***"),
    ("passwd=a pwd=b passphrase=c", "passwd=*** pwd=*** passphrase=***"),
    ("password: letmein was refused", "password: *** was refused"),
    ("password=must", "password=***"),
    ("shop.password: letmein was refused", "shop.password: *** was refused"),
    ("shop.auth: abc123 was refused", "shop.auth: *** was refused"),
    ("shop.token: letmein", "shop.token: ***"),
    ("secret: environment", "secret: ***"),
    ("MYSQL_PWD=/a", "MYSQL_PWD=***"),
    ("passwords=['this', 'that']", "passwords=***"),
    ("secret: 'none of these'", "secret: ***"),
    ("MYSQL_ROOT_PASSWORD=t0p export", "MYSQL_ROOT_PASSWORD=*** export"),
    ("PGPASSWORD=hunter2 psql -h db", "PGPASSWORD=*** psql -h db"),
    ("MYSQL_PWD=hunter2 mysqldump shop", "MYSQL_PWD=*** mysqldump shop"),
    ("DBPASS=hunter2", "DBPASS=***"),
    ("user=ann pass=hunter2", "user=ann pass=***"),
    ("smtp pass: Tr0ub4dor&3", "smtp pass: ***"),
    ("SECRET_KEY=django-insecure-4f%x", "SECRET_KEY=***"),
    ("STRIPE_KEY=abc", "STRIPE_KEY=***"),
    ("export SIGNING_KEY='a b c'", "export SIGNING_KEY=***"),
    ("mailer_key=abcdef", "mailer_key=***"),
    ("apikey=abc", "apikey=***"),
    ("API-KEY: abc", "API-KEY: ***"),
    ("api key: abc123", "api key: ***"),
    ("access_key=abc private-key=d", "access_key=*** private-key=***"),
    (f"aws_secret_access_key = {KEY}", "aws_secret_access_key = ***"),
    ("AccountName=shop;AccountKey=abc+/==;EndpointSuffix=x", "AccountName=shop;AccountKey=***;EndpointSuffix=x"),  # noqa: E501
    ("auth=ann:hunter2", "auth=***"),
    ("http_auth = hunter2", "http_auth = ***"),
    ("requests.get(url, auth=('ann', 'hunter2'))", "requests.get(url, auth=***)"),
    ("signature=abc&credential=d", "signature=***&credential=***"),
    ("client_secret=abc-def", "client_secret=***"),
    ("clientSecret=abc-def", "clientSecret=***"),
    ("csrfmiddlewaretoken=abcdef", "csrfmiddlewaretoken=***"),
    ("password_confirmation=hunter2", "password_confirmation=***"),
    ("password2=hunter2", "password2=***"),
    ("token := abc", "token := ***"),
    (":password => hunter2,", ":password => ***,"),
    ("password == 'hunter2'", "password == ***"),
    ("passwords=['a', 'b']", "passwords=***"),
    ("user[password]=hunter2", "user[password]=***"),
    ("Server=db;Uid=sa;Pwd=hun,ter2;Database=shop", "Server=db;Uid=sa;Pwd=***;Database=shop"),
    ("Pwd={hun;ter2};Database=shop", "Pwd=***;Database=shop"),
    ("host=db password='hun ter2' user=ann", "host=db password=*** user=ann"),
    ("password=it's,me", "password=***"),
    ("password=a)b]c}d", "password=***"),
    ("login(password=hunter2)", "login(password=***)"),
    ("password=p\\ss", "password=***"),
    ("vault secret_id=5f9c", "vault secret_id=***"),
    ("SECRET_KEY            = 'abcdef0123'", "SECRET_KEY            = ***"),
    ("password:         hunter2", "password:         ***"),
    ("refresh_tokens=['abc1']", "refresh_tokens=***"),
    ("tokens={'access': 'abc1'}", "tokens=***"),
    ('"access_tokens": ["abc1"]', '"access_tokens": ***'),
    ("API_TOKENS=abc1def", "API_TOKENS=***"),
    ("API_TOKENS=abcdef", "API_TOKENS=***"),
    # Names with a suffix.
    ("SECRET_KEY_BASE=abcdef0123", "SECRET_KEY_BASE=***"),
    ("SECRET_KEY_FALLBACKS = ['abcdefg1']", "SECRET_KEY_FALLBACKS = ***"),
    ("DB_PASSWORD_PROD=hunter2", "DB_PASSWORD_PROD=***"),
    (f"API_KEY_PROD={MIXED}", "API_KEY_PROD=***"),
    (f"API_KEY_2={MIXED}", "API_KEY_2=***"),
    (f"AUTH_TOKEN_1={MIXED}", "AUTH_TOKEN_1=***"),
    (f"TOKEN_GITHUB={MIXED}", "TOKEN_GITHUB=***"),
    (f"TOKEN_SHOP_EU: Bearer {MIXED}", "TOKEN_SHOP_EU: Bearer ***"),
    ("password_old=hunter2 password_new=abc", "password_old=*** password_new=***"),
    ("API_KEY_MAPS='ab12cd'", "API_KEY_MAPS=***"),
    # In Python, JSON, XML and forms.
    ('{"api_key": "abc def", "n": 1}', '{"api_key": ***, "n": 1}'),
    ("{'secret': 'abc'}", "{'secret': ***}"),
    ("{'password': b'hunter2', 'n': 1}", "{'password': ***, 'n': 1}"),
    ('{"password":"hunter2","n":1}', '{"password":***,"n":1}'),
    ('{"password": "hun\\"ter2", "n": 1}', '{"password": ***, "n": 1}'),
    ('{"pin": 1, "password": 12345}', '{"pin": 1, "password": ***}'),
    ('body {\\"password\\": \\"hunter2\\", \\"n\\": 1}', 'body {\\"password\\": ***, \\"n\\": 1}'),
    ('{\\\\\\"token\\\\\\": \\\\\\"abc\\\\\\"}', '{\\\\\\"token\\\\\\": ***}'),
    ('unterminated {"password": "hunter2 and mo', 'unterminated {"password": ***'),
    ("User(name='ann', password='x y')", "User(name='ann', password=***)"),
    ("Login(token=b\"abc\", n=1)", "Login(token=***, n=1)"),
    ("<password>hunter2</password>", "<password>***</password>"),
    ("<b>password</b>: hunter2", "<b>password</b>: ***"),
    ('<input name="password" value="hunter2">', '<input name="password" value=***>'),
    ("settings.SECRET = `abc`", "settings.SECRET = ***"),
    ("password='hunter2\nnext line", "password=***\nnext line"),
    ("OrderedDict([('password', 'hunter2')])", "OrderedDict([('password', ***)])"),
    ("Config(password=SecretStr('hunter2'), n=1)", "Config(password=***, n=1)"),
    ('<password type="x">hunter2</password>', '<password type="x">***</password>'),
    ("password was 'hunter2'", "password was ***"),
    ("password -> hunter2", "password -> ***"),
    ("bind_pw=hunter2", "bind_pw=***"),
    ("FERNET_KEYS=hunter2", "FERNET_KEYS=***"),
    # In addresses, also percent-encoded.
    ("?api_key=abc123&page=2", "?api_key=***&page=2"),
    ("?access_token=abc123&page=2", "?access_token=***&page=2"),
    ("GET /maps?key=a1b2c3d4e5&q=x", "GET /maps?key=***&q=x"),
    ("blob?sv=2024&sig=abc%2Fdef123%3D", "blob?sv=2024&sig=***"),
    ("?next=%2Flogin%3Fpassword%3Dhunter2%26page%3D2", "?next=%2Flogin%3Fpassword%3D***%26page%3D2"),  # noqa: E501
    ("q=%22password%22%3A%20%22hunter2%22%7D", "q=%22password%22%3A%20%22***%22%7D"),
    ("token%253Dabc123&x", "token%253D***&x"),
    ("h=Authorization%3A%20Bearer%20abc123", "h=Authorization%3A%20Bearer%20***"),
    ("X-Amz-Signature=fe5f80&X-Amz-Date=1", "X-Amz-Signature=***&X-Amz-Date=1"),
    # Data sources with any password.
    ("postgres://ann:hunter2@db/shop", "postgres://ann:***@db/shop"),
    ("redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
    ("amqp://ann:p@ss/w:rd?#@mq/vhost failed", "amqp://ann:***@mq/vhost failed"),
    ("mongodb+srv://ann:1234@a.example,b.example/x", "mongodb+srv://ann:***@a.example,b.example/x"),
    ("mysql+pymysql://ann:%40b%2Fc@db/shop", "mysql+pymysql://ann:***@db/shop"),
    ('"https:\\/\\/ann:hunter2@example.org"', '"https:\\/\\/ann:***@example.org"'),
    ("dsn=postgres%3A%2F%2Fann%3Ahunter2%40db", "dsn=postgres%3A%2F%2Fann%3A***%40db"),
    (f"clone https://{HEX}@git.example/x", "clone https://***@git.example/x"),
    ("ann:hunter2@tcp(db:3306)/shop", "ann:***@tcp(db:3306)/shop"),
    ("smtp://ann@a.example:hunter2@mail:25", "smtp://ann@a.example:***@mail:25"),
    ("jdbc:oracle:thin:ann/hunter2@db:1521", "jdbc:oracle:thin:ann/***@db:1521"),
    ("postgres://ann:it's2long@db/shop", "postgres://ann:***@db/shop"),
    ('postgres://ann:hun"ter2@db/shop', "postgres://ann:***@db/shop"),
    ('dsn="postgres://ann:hunter2@db/shop" n=1', 'dsn="postgres://ann:***@db/shop" n=1'),
    ('"postgres://ann:hunter2@db", "ann@example.org"', '"postgres://ann:***@db", "ann@example.org"'),  # noqa: E501
    ("postgres://ann:12345/x@db/shop", "postgres://ann:***@db/shop"),
    ("redis://:12345/0@cache:6379", "redis://:***@cache:6379"),
    (f"postgres://ann:{'hunter2' * 43}@db/shop", "postgres://ann:***@db/shop"),
    ("postgres%253A%252F%252Fann%253Ahunter2%2540db", "postgres%253A%252F%252Fann%253A***%2540db"),
    (f"https://{MIXED}:@api.example/", "https://***:@api.example/"),
    (f"https://{HEX}:x-oauth-basic@github.com/x", "https://***:***@github.com/x"),
    (f"https://abcd-{MIXED}@api.example/", "https://***@api.example/"),
    # Headers: Authorization of any scheme, cookies, keys.
    ("Authorization: Bearer abcDEF123.xyz-9", "Authorization: Bearer ***"),
    ("authorization: basic dXNlcjpwYXNz", "authorization: basic ***"),
    ('"Authorization": "Token abcdefgh"', '"Authorization": "Token ***"'),
    ("{'Authorization': 'Bearer abc', 'n': 1}", "{'Authorization': 'Bearer ***', 'n': 1}"),
    ("(b'authorization', b'Bearer abc')", "(b'authorization', b'Bearer ***')"),
    ('Authorization: Digest username="ann", response="6629fae4"', "Authorization: Digest ***"),
    ("Authorization: AWS4-HMAC-SHA256 Credential=x, Signature=y", "Authorization: AWS4-HMAC-SHA256 ***"),  # noqa: E501
    ("Authorization: ApiKey abc", "Authorization: ApiKey ***"),
    ("Authorization: Custom a1b2c3d4e5", "Authorization: Custom ***"),
    ("Authorization: a1b2c3d4e5f6", "Authorization: ***"),
    ("Proxy-Authorization: Negotiate YIIabc", "Proxy-Authorization: Negotiate ***"),
    ("sent Bearer abcDEFghiJKLmnoPQR to it", "sent Bearer *** to it"),
    ("sent token 9944b09199c62bcf", "sent token ***"),
    ("X-Api-Key: abc", "X-Api-Key: ***"),
    (f"X-Auth-Token: Bearer {MIXED}", "X-Auth-Token: Bearer ***"),
    ("X-Auth-Token: Bearer abc", "X-Auth-Token: Bearer ***"),
    (f"token: Bearer {MIXED}", "token: Bearer ***"),
    (f"auth=Bearer {MIXED}", "auth=Bearer ***"),
    (f"X-Api-Key: Bearer {MIXED}", "X-Api-Key: Bearer ***"),
    (f"access_token=Bearer {MIXED} n=1", "access_token=Bearer *** n=1"),
    (f"auth: token {MIXED}", "auth: token ***"),
    ("Auth: Basic YW5uOmh1bnRlcjI=", "Auth: Basic ***"),
    ("[('X-Auth-Token', 'abc')]", "[('X-Auth-Token', ***)]"),
    ("Cookie: theme=dark; session=a.b-c", "Cookie: ***"),
    ("Set-Cookie: sid=abc; Path=/\nHost: x", "Set-Cookie: ***\nHost: x"),
    ("{'Cookie': 'sid=abc; a=b', 'n': 1}", "{'Cookie': ***, 'n': 1}"),
    ("cookies={'sid': 'abc'} n=1", "cookies=*** n=1"),
    ("sessionid=38afes7a8 n=1", "sessionid=*** n=1"),
    ("/cart;jsessionid=1A2B3C4D5E?x", "/cart;jsessionid=***?x"),
    ("PHPSESSID=el4ukv0kqbvoirg7", "PHPSESSID=***"),
    ("connect.sid=s%3Aj8x9k2l3", "connect.sid=***"),
    # Commands.
    ("mysqldump --password hunter2 shop", "mysqldump --password *** shop"),
    ("vault login --token=abc", "vault login --token=***"),
    ("deploy --api-key 'a b' --now", "deploy --api-key *** --now"),
    ("vault --token to --now", "vault --token *** --now"),
    ("['psql', '--password', 'hunter2']", "['psql', '--password', ***]"),
    ("curl -u ann:hunter2 https://x", "curl -u ann:*** https://x"),
    ("['curl', '-u', 'ann:hunter2']", "['curl', '-u', 'ann:***']"),
    ("curl --user ann:hunter2 x", "curl --user ann:*** x"),
    ("sshpass -p hunter2 ssh db", "sshpass -p *** ssh db"),
    ("sshpass -p 'hun ter2' ssh db", "sshpass -p '***' ssh db"),
    ("curl -u 'ann:hun ter2' x", "curl -u 'ann:***' x"),
    ("exec -u ann:hunter2 https://x", "exec -u ann:*** https://x"),
    ("['--password=hun ter2', 'x']", "['--password=***', 'x']"),
    ('"Env": ["DB_PASSWORD=hun ter2"]', '"Env": ["DB_PASSWORD=***"]'),
    ("-e 'DB_PASSWORD=hun ter2' img", "-e 'DB_PASSWORD=***' img"),
    ("Password=hun ter2;Initial Catalog=x", "Password=***;Initial Catalog=x"),
    ("mysql -u root -phunter2 shop", "mysql -u root -p*** shop"),
    ("docker login -u ann -p hunter2 hub", "docker login -u ann -p *** hub"),
    # Tokens that stand alone.
    (f"got {JWT} back", "got *** back"),
    # After an escape, whose last letter is no part of the word that follows.
    (f"b'export A=1\\n{GITHUB}\\n'", "b'export A=1\\n***\\n'"),
    ("b'id\\nAKIAIOSFODNN7EXAMPLE\\n'", "b'id\\n***\\n'"),
    ("'a\\txoxb-123456789012-abcdefABCDEF'", "'a\\t***'"),
    (f"https%3A%2F%2F{GITHUB}%40github.com", "https%3A%2F%2F***%40github.com"),
    ("?x=%22AKIAIOSFODNN7EXAMPLE", "?x=%22***"),
    (f"b'x\\nBearer {MIXED}'", "b'x\\nBearer ***'"),
    (f"?h=%20Bearer%20{MIXED}", "?h=%20Bearer%20***"),
    (f"b'user=a\\nsig={MIXED}\\n'", "b'user=a\\nsig=***\\n'"),
    (f"b'user=a\\nsid={MIXED}\\n'", "b'user=a\\nsid=***\\n'"),
    (f"b'tok\\n{JWT}'", "b'tok\\n***'"),
    (f"loaded {PEM} from disk", "loaded *** from disk"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEpAIB", "***"),
    (f"{PEM_START}\nfailed to parse", "***\nfailed to parse"),
    (PEM_START.replace("\n", "\n" + " " * 12) + "\nfailed to", "***\nfailed to"),
    (PEM_START.replace("\n", "\n  | ") + "\nfailed to", "***\nfailed to"),
    (f"{PEM_START}\nqZ3gE4Yh\nfailed to", "***\nfailed to"),
    (f"{PEM_START}\nTraceback (most recent", "***\nTraceback (most recent"),
    (f'key: "{PEM_START}\nY0gT", line 3', 'key: "***", line 3'),
    (f"{PEM_START}\nY0gT", "***"),
    (f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n{'aB3/' * 16}\norder 17", "***\norder 17"),  # noqa: E501
    ("-----BEGIN EC PRIVATE KEY-----\\nMHcC\\n-----END EC PRIVATE KEY-----", "***"),
    ("AKIAIOSFODNN7EXAMPLE denied", "*** denied"),
    (f"push by {GITHUB}", "push by ***"),
    ("github_pat_11ABCDEFG0abcdefghijkl_mnop", "***"),
    ("glpat-xyZ_12345-abcdefghi", "***"),
    ("xoxb-123456789012-abcdefABCDEF", "***"),
    ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "***"),
    ("AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "***"),
    ("SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYzrn", "***"),
    ("npm_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789", "***"),
    ("hvs.CAESIJlWh2kq3example-token", "***"),
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "***"),
    ("sk-proj-abc123def456ghi789", "***"),
    ("pypi-AgEIcHlwaS5vcmcCJDU3", "***"),
    ("ya29.a0AfH6SMBx-example_123", "***"),
    ("https://hooks.slack.com/services/T0/B0/XyZ failed", "https://hooks.slack.com/services/*** failed"),  # noqa: E501
    ("https://discord.com/api/webhooks/123/abc-DEF", "https://discord.com/api/webhooks/123/***"),
    ("https://api.telegram.org/bot123456:AAE-def_ghi789jkl/send", "https://api.telegram.org/bot***"),
    ("https://x.webhook.office.com/webhookb2/a@b/c", "https://x.webhook.office.com/webhookb2/***"),
    (f'https://hooks.slack.com:443 "POST /services/T01ABCDEF/B01ABCDEF/{MIXED} HTTP/1.1" 404 None', 'https://hooks.slack.com:443 "POST /services/*** HTTP/1.1" 404 None'),  # noqa: E501
    (f"Max retries exceeded with url: /services/T01ABCDEF/B01ABCDEF/{MIXED} (Caused by X)", "Max retries exceeded with url: /services/*** (Caused by X)"),  # noqa: E501
    ("with url: /bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawX/sendMessage", "with url: /bot***/sendMessage"),  # noqa: E501
    ("with url: /webhookb2/a@b/c (Caused by X)", "with url: /webhookb2/*** (Caused by X)"),
    ("POST /x/IncomingWebhook/a/b HTTP/1.1", "POST /x/IncomingWebhook/*** HTTP/1.1"),
    ("POST /hooks/catch/12/ab/ HTTP/1.1", "POST /hooks/catch/*** HTTP/1.1"),
    ("https://chat.example/hooks/xw8rq5zj3tfmze1ubs7c9kd4oy", "https://chat.example/hooks/***"),
]  # fmt: skip

INNOCENT = [
    "",
    "password reset sent",
    "the password was wrong",
    "password: must not be blank",
    "password: Required.",
    "password changed for user 17",
    "Wrong password for ann@example.org",
    "password: str",
    "def login(name: str, password: str) -> None:",
    "password=None",
    '{"password": null}',
    "Password expires in 3 days: see https://example.org/reset",
    "token expired",
    "auth: token expired for user 17",
    "token expired at line 3",
    "Invalid token encountered at line 3",
    "SyntaxError: unexpected token: foo",
    "token validation failed",
    "Token authentication/authorization refused",
    "max_tokens=4096, total_tokens: 512",
    "tokens=512 in 3 s",
    "tokens: {'prompt': 17, 'completion': 20}",
    "tokens: ['the', 'cat']",
    "DB_PASSWORD_FILE=/run/secrets/db2",
    "password_reset_timeout=3600s",
    "token_type=oauth2",
    "token_url=https://idp2.example/token",
    "token_expires_at=2024-01-01T12:00:00Z",
    "token_seen=2024-01-01T12:00:00Z",
    "secret_name=db2-tls",
    "auth_backend=ldap2",
    "password_policy=min12",
    "API_KEY_ID=key17",
    "secret: none configured",
    "The secret santa list: Ann, Bob",
    "api_key: isn't known",
    "ERROR shop.auth: Timeout reaching ldap",
    "ERROR:auth:Connection refused",
    "open /etc/passwd: permission denied",
    "open /etc/shop/db_password: permission denied",
    "POST /api/token: 500 Internal Server Error",
    "No module named 'auth': skip",
    "sudo: ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/ls",
    "PWD=/home/ann OLDPWD=/root",
    "pwd: /srv/shop",
    "error: argument --password: expected one argument",
    "--password is required",
    "Use --token instead of --user",
    "api_key: Input should be a valid string",
    "{'password': ['This field is required.']}",
    "{'password': [ErrorDetail(string='This field may not be blank.', code='blank')]}",
    "SECRET_KEY: variable is not set",
    "DATABASE_PASSWORD: environment variable not set",
    "api_key: value is not a valid string",
    "token: extra fields not permitted",
    "API key missing",
    "KeyError: 'amount'",
    "duplicate primary_key=17",
    "foreign_key: orders.id",
    "sort_key=created",
    "monkey: banana",
    "json.dumps(value, sort_keys=True)",
    "mysql -h db -P3306 shop",
    "mysql-python and mysql-pool",
    "keyboard=us",
    "bearer of bad news",
    "Bearer certificate/key mismatch",
    "basic authentication failed for bob",
    "Basic configuration loaded",
    "Authorization: denied",
    "Authorization failed: user 7 lacks the role",
    "author=Ann Smith",
    "authority: example.org",
    "bypass=1 compass=north",
    "12 pass: 11, fail: 1",
    "passed: 11 failed: 1",
    "passenger=Ann",
    "cookie: expired",
    "cookies are disabled",
    "session: closed after 30 s",
    "session_id=17",
    "inside=1 sidebar=2 signal=9",
    "see https://example.org/a:b",
    "https://example.org:8080/path?mail=ann@example.org",
    "rtsp://camera:554/ch1@main",
    "redis://cache:6379/0?owner=ann@example.org",
    '"http://api:8080","ann@example.org"',
    '{"url": "https://example.org:x","mail":"ann@example.org"}',
    "ssh://build-agent-1234567@host",
    "GET /services/tickets/17 500",
    "mail ann@example.org: it is late",
    "git@github.com:ann/shop.git",
    "at 12:30:05 user 17 left",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "request 123e4567-e89b-12d3-a456-426614174000 failed",
    "image sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "docker run -u 1000:1000 shop",
    "docker run -u root:root x",
    "git push -u origin:main",
    "curl failed\ndocker run -u root:root x",
    "login of ann from 10.0.0.1 -p 22 failed",
    "sort -u names.txt: No such file",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "Traceback\nexpecting: -----BEGIN RSA PRIVATE KEY-----\n"
    '  File "a.py", line 3\nValueError: no start line\norder 17 lost',
    "could not find -----BEGIN PRIVATE KEY----- in file /etc/ssl/a.pem, giving up",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 ann@laptop",
    "at charge, shop/payments.py:42\n  raise ValueError('no amount')",
    "SELECT name FROM keys WHERE id = 17",
    "progress 50%3 of 100%",
    "https://hooks.example.org/status",
    "/api/webhooks/orders returned 500",
    "disk-usage-of-the-data-volume is at 91%",
    "sk-learn-contrib-something-else installed",
]


@pytest.mark.parametrize(("text", "shown"), CREDENTIALS)
def test_a_credential_is_blanked(text: str, shown: str) -> None:
    assert Redactor()(text) == shown


def test_the_tables_are_as_long_as_promised() -> None:
    assert len(CREDENTIALS) >= 120
    assert len(INNOCENT) >= 60


@pytest.mark.parametrize("text", INNOCENT)
def test_a_text_without_a_credential_stays_as_it_is(text: str) -> None:
    assert Redactor()(text) == text


@pytest.mark.parametrize(("text", "shown"), CREDENTIALS)
def test_a_credential_is_found_in_the_middle_of_a_text(text: str, shown: str) -> None:
    assert Redactor()(f"one\n{text}\nthree") == f"one\n{shown}\nthree" or text.startswith("---")


@pytest.mark.parametrize(("text", "shown"), CREDENTIALS)
def test_blanking_a_blanked_text_changes_nothing(text: str, shown: str) -> None:
    assert Redactor()(shown) == shown


@pytest.mark.parametrize(("text", "shown"), CREDENTIALS)
def test_the_search_that_spares_most_texts_the_rules_misses_no_credential(
    text: str, shown: str
) -> None:
    tidy = Renderer(Redactor()).tidy_for(Style())

    assert tidy(text) == shown


@given(WORDS)
def test_plain_words_are_never_changed(text: str) -> None:
    assert Redactor()(text) == text


@given(
    WORDS,
    st.sampled_from(["password=", "api_key: ", "Authorization: Bearer ", "secret="]),
    SECRETS,
    WORDS,
)
def test_no_credential_survives_and_its_surroundings_do(
    before: str, name: str, secret: str, after: str
) -> None:
    shown = Redactor()(f"{before} {name}{secret} {after}")

    assert shown == f"{before} {name}*** {after}"


@given(WORDS, st.sampled_from(["Bearer ", "basic ", "Token "]), SECRETS, WORDS)
def test_no_credential_with_a_digit_survives_its_scheme(
    before: str, scheme: str, secret: str, after: str
) -> None:
    shown = Redactor()(f"{before} {scheme}{secret}7 {after}")

    assert shown == f"{before} {scheme}*** {after}"


@given(st.text(max_size=300))
def test_blanking_twice_is_blanking_once(text: str) -> None:
    redact = Redactor()

    assert redact(redact(text)) == redact(text)


def test_given_patterns_are_blanked_whole_beside_the_usual() -> None:
    redact = Redactor([re.compile(r"\d{4}-\d{4}"), re.compile("Ann")])

    assert redact("Ann paid with 1234-5678, password=x") == "*** paid with ***, password=***"


def test_patterns_of_a_style_are_added_to_those_of_the_redactor() -> None:
    redact = Redactor([re.compile("Ann")]).with_patterns((("bob", re.IGNORECASE), ("Ann", 32)))

    assert redact("Ann and Bob and Cy") == "*** and *** and Cy"


def test_patterns_that_are_there_already_are_not_added() -> None:
    redact = Redactor([re.compile("Ann")])

    assert redact.with_patterns((("Ann", re.compile("Ann").flags),)) is redact


def test_the_handlers_own_token_and_keys_are_blanked_wherever_they_stand() -> None:
    token, user = "aZ1" * 10, "uY2" * 10
    redact = Redactor(secrets=[token, user])

    assert redact(f"sent {token}to{user}.") == "sent ***to***."
    assert token not in repr(redact)
    assert Renderer(redact).tidy_for(Style())(f"sent {token}") == "sent ***"


class TestAnEndlessText:
    """Nothing that could be a half of a credential is left at the place of the cut."""

    @pytest.mark.parametrize("offset", [0, 1, 13, 51, 63])
    def test_leaves_no_part_of_a_key_that_lies_across_the_cut(self, offset: int) -> None:
        key = "0123456789abcdef" * 4
        redact = Redactor([re.compile("[0-9a-f]{64}")])
        for middle in (TEXT_BOUND // 2 - 1, 100_000 - TEXT_BOUND // 2 + 1):
            start = middle - offset
            text = ("word " * 50_000)[:start] + key + " " + ("word " * 50_000)
            text = text[:100_000]

            shown = redact(text)

            assert not re.search("[0-9a-f]{8}", shown)
            assert shown.startswith("word word")
            assert shown.endswith("rd word"[-4:]) or "word" in shown[-8:]

    def test_that_was_cut_before_is_known_by_its_length(self) -> None:
        key = "0123456789abcdef" * 4
        cut, _ = trim("word " * 818 + key + " word" * 10_000 + key + " word" * 805)

        assert not re.search("[0-9a-f]{8}", Redactor([re.compile("[0-9a-f]{64}")])(cut))

    @pytest.mark.parametrize(
        "text",
        [
            f"password={'x' * 20_000}",
            f'"password": "{"x y " * 5_000}"',
            f"key {PEM[:60]}{'A' * 9000}",
        ],
    )
    def test_that_is_a_single_credential_is_blanked_whole(self, text: str) -> None:
        shown = Redactor()(text)

        assert shown.endswith("***")
        assert len(shown) < 30

    def test_meets_no_pattern_in_its_full_length(self) -> None:
        seen = []

        class Recorded:
            pattern, flags = "x", 0

            def sub(self, _: str, text: str) -> str:
                seen.append(len(text))
                return text

        Redactor([Recorded()])("x" * 1_000_000)  # type: ignore[list-item]

        assert seen == [TEXT_BOUND - 1]


PIECES = [text for text, _ in CREDENTIALS] + [
    *("password", "password=", "key=", "://a:", "@", "--", "-u a:", "Authorization: ", "cookie: "),
    *("-----BEGIN PRIVATE KEY-----", "eyJ", "a,", "a;", "%3D", "token%", "\\", '"', "'", "`", "("),
    *("{", "[", "<", "mysql ", "hooks/", "sig=", "pass" * 10, "</b>", "x-", "a=", "aws4 "),
    *("authorization:aws4", "sk-", "SG.", "/hooks/a/", "eyJa.", "%3A%2F%2Fa:", "cookie={"),
]


@pytest.mark.parametrize("piece", PIECES)
def test_time_is_linear_in_the_length_of_a_text(piece: str) -> None:
    redact = Redactor()

    def seconds(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        best = 1.0
        for _ in range(3):
            started = time.process_time()
            redact._blanked(text)
            best = min(best, time.process_time() - started)
        return best

    # Linear: 4 times as long for 4 times the text; quadratic: 16 times. Short times are noise.
    assert seconds(32_000) < 0.01 + 12 * seconds(8_000)
    assert seconds(32_000) < 1
