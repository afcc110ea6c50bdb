"""Blanks what must not leave the machine in a push: credentials that a text spells out.

A rule names the words without which it cannot match, because most texts hold none of them and
searching for a word is much faster than any pattern. Rules see the text in lower case. All
repetitions that could overlap are bounded, so that the time is linear in the length of a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .alert import clean, halves

__all__ = ["BLANK", "LONG_WORD", "Redactor"]

BLANK = "***"
_RAGGED = 1024
"""The longest word that is taken away on either side of a cut."""
_SEAM = "\0"
"""Marks a cut while patterns are searched; a clean text does not hold it."""
_STYLES_KNOWN = 100

LONG_WORD = re.compile(
    r"""[A_.:-](?:
        (?<=A)(?:[KS]IA[A-Z0-9]{16}|Iza[\w-]{16})
      | (?<=_)[A-Za-z0-9+/]{16}
      | (?<=[:-])[\w+/-]{16}
      | (?<=\.)(?:eyJ|[\w-]{40}|(?:(?<=SG\.)|(?<=hv[sbr]\.)|(?<=ya29\.))[\w-]{16})
    )""",
    re.VERBOSE,
)
"""Finds what the tokens of most vendors have in common, such as ``ghp_`` and a long word."""


_SAID = (
    r"(?:an?|are|blank|can|cannot|changed|complete[d]?|denied|did|disabled|does|done|empty|enabled"
    r"|ensure|error|expired|failed|failure|field|granted|had|has|incorrect|invalid|is|may|minimum"
    r"|mismatch|missing|must|no|none|not|null|off|ok|on|optional|passed|please|refused|rejected"
    r"|required|revoked|shall|should|success(?:ful)?|the|this|too|undefined|unknown|unset|was|will"
    r"|wrong|(?:are|can|did|does|has|is|must|was)n't|can't|str|string|bytes|int|bool|any"
    r"|(?:expected|extra|variable|environment)(?=\ \w)|env\ var|input\ should|value\ (?:is|error)"
    r"|permission\ denied|no\ such|timed\ out|connection\ (?:refused|reset|timed)"
    r"|\d{3}\ (?:internal|bad|unauthorized|forbidden|not))"
)
"""Words that speak about a credential when they follow its name and a colon."""
_ABOUT = rf"(?:{_SAID}|and|as|flag|for|from|if|in|instead|option|or|to|via|when|with)"
_SPEECH = rf"(?:(?:bearer|basic|token)[ \t]+)?{_SAID}[.,;!?()\[\]|]?(?:\s|$)"
_LIST_OF_FAULTS = (
    r"""[ \t]*\[(?:errordetail\(string=)?["'](?:an?|ensure|enter|invalid|must|please|required|the"""
    r"""|this|value|your)[ ]"""
)
"""What frameworks for forms write after the name of a field."""
_IS = rf"""(?:
    (?:</\w{{1,10}}>|\[\w{{1,20}}\])?(?:\\{{0,8}}["'`]|\])?[ \t]{{0,64}}
        (?:=>|->|:=|={{1,3}}|:(?!//)(?![ \t]+{_SPEECH}|{_LIST_OF_FAULTS}))[ \t]{{0,64}}
  | ["'][ ]{{1,4}}value[ ]?=[ ]?
  | (?:[ ][\w:-]{{1,30}}=["'][^"'<>\n]{{0,60}}["']){{0,3}}>(?=[^<\n]{{1,256}}</)
  | ["'],[ ]?(?=b?["'][^"'\n]{{1,256}}["']\))
  | [ ](?:is|was)[ ](?=["'])
)(?!(?:none|null|nil|undefined|true|false|""|'')(?![\w."'-]))"""
"""What stands between the name and the value, in code, JSON, headers, XML and forms."""
_SCHEME = r"""(?:
    bearer[ \t]{1,8}(?=[^\s"'])
  | (?:basic|token|api-?key|negotiate)[ \t]{1,8}(?=\S{0,64}\d|\S{16}|\*\*\*)
)?"""
"""The word for the kind of a credential, which a header may hold before it."""
_UNQUOTED = r"""(?:
    [^\s,;&"'`(){}\[\]<>\\]
  | \\(?![nrt"'\\])
  | [,;&"'`(){}\[\]<>](?=[\w!@#$^*+~-])(?![\w.%-]{1,40}(?:[ \t]\w{1,20})?[ \t]?[=:])
)+"""
"""Ends at a space, and at punctuation unless a letter follows that begins no further name."""
_VALUE = rf"""(
    [bru]{{0,2}}"(?:[^"\\\n]|\\[^\n])*\\?(?:"|(?=\n)|\Z)
  | [bru]{{0,2}}'(?:[^'\\\n]|\\[^\n])*\\?(?:'|(?=\n)|\Z)
  | `[^`\n]*`
  | (\\+["'])[^\n]*?(?:\2|(?=\n)|\Z)
  | \{{[^{{}}\n]{{1,512}}\}} | \[[^\[\]\n]{{1,512}}\] | \([^()\n]{{1,512}}\) | <[^<>\s/]{{1,64}}>
  | [\w.]{{1,40}}\([^()\n]{{1,512}}\)
  | {_UNQUOTED}
)"""
_ENCODED = r"""(?:%(?:25){0,3}(?:22|27|5d))?%(?:25){0,3}3[ad]
    (?:%(?:25){0,3}(?:20|22|27)|\+){0,4}(?:(?:bearer|basic|token)(?:%20|\+))?
    ((?:[^\s&"'<>%+,;]|%(?!(?:25){0,3}(?:26|20|22|2c|3b|0a|27|7d)))+)"""
"""The same, percent-encoded once or several times."""
_TOKEN = r"""[^\s,;"'`\\]+"""
_ADDRESS = r"""([^\s"'<>\\)\],]+)"""


_PART = r"\w-"
"""What the words of a longer name are made of, in a set of characters."""


def _starts(word: str, no: str = "a-z") -> str:
    """Matches after a word that no letter precedes except that of an escape: ``\\n``, ``%2F``."""
    return rf"(?:(?<![{no}]{word})|(?<=\\[nrt]{word})|(?<=%[0-9a-f][0-9a-f]{word}))"


def _is_generated(_: str, value: str) -> bool:
    """Whether a value looks generated: it has a digit, or is long and of mixed case."""
    return any(c.isdigit() for c in value) or (
        len(value) >= 16 and re.search("[a-z][A-Z]", value) is not None
    )


_PLAIN_KEY = re.compile(
    r"(?:primary|foreign|sort|partition|cache|public|group|unique|idempotency|routing|lookup|hash"
    r"|index|object|s3|file|dict|order|message|event|lock|row|natural|config)[_-]keys?\W+\Z"
)


def _is_secret_key(before: str, value: str) -> bool:
    """Whether a value is that of a secret key rather than of, say, a primary key."""
    # In lower case, because a variable of the environment is always blanked.
    if _PLAIN_KEY.search(before[-32:]):
        return False
    return any(sign in before[-5:] for sign in "=\"'") or _is_generated(before, value)


_NAME_OF_TOKENS = re.compile(
    r"(?:api|access|refresh|auth|secret|bearer|session|csrf)[_-]?tokens\W+\Z", re.IGNORECASE
)
_NUMBERS = re.compile(r"[\s\d.,:;_%+TZkM\"'()\[\]{}-]*")
_WORD = re.compile(r"[\w-]{4,}")


def _holds_a_token(before: str, value: str) -> bool:
    """Whether a value of ``tokens`` is neither a number nor a list of numbers or plain words."""
    if _NUMBERS.fullmatch(value):
        return False
    return _NAME_OF_TOKENS.search(before[-32:]) is not None or any(
        _is_generated("", word) and not word.isdigit() for word in _WORD.findall(value)
    )


def _is_generated_text(before: str, value: str) -> bool:
    """Whether a value looks generated, and is no number, date, path or address."""
    return (
        value.lstrip("\"'")[:1] not in ("/", "$")
        and "://" not in value
        and _NUMBERS.fullmatch(value) is None
        and _is_generated(before, value)
    )


_OPENED = re.compile(r"""["']-{0,2}[\w.-]{0,64}=\Z""")


def _is_in_quotes(before: str, _: str) -> bool:
    """Whether a quote stands right before the name, so that the value ends at a quote."""
    return _OPENED.search(before[-72:]) is not None


def _is_for_http(before: str, _: str) -> bool:
    """Whether the command is one for HTTP, because ``-u`` is a user and a group elsewhere."""
    line = before[before.rfind("\n") + 1 :].lower()
    return "curl" in line or "wget" in line or "http" in line or "-proxy-user" in line


def _is_lower_p(before: str, _: str) -> bool:
    """Whether the option is ``-p``, because ``-P`` is that of a port."""
    return "-p" in before[-6:]


class _Rule(NamedTuple):
    words: tuple[str, ...]
    """The pattern cannot match a text that holds none of these."""
    pattern: re.Pattern[str]
    """Matches the text in lower case; the last of its groups is blanked."""
    is_secret: Callable[[str, str], bool] | None = None
    """A last test of the text right before the group, and of the group."""


def _rule(words: str, pattern: str, is_secret: Callable[[str, str], bool] | None = None) -> _Rule:
    return _Rule(tuple(words.split()), re.compile(pattern, re.VERBOSE), is_secret)


def _named(word: str, rest: str, is_secret: Callable[[str, str], bool] | None = None) -> _Rule:
    """The rule for a name that holds this word; the search for a fixed word is the fastest."""
    # The names of loggers, paths and modules: shop.auth: Timeout of ..., /etc/passwd: permission
    # ..., ERROR:auth:Connection refused, named 'auth'.
    before = "[./]" if word in ("auth", "token", "cred") else "/"
    path = rf"""(?!
        (?:(?<={before}{word})|(?<=[rgol]:{word})(?=:))
            [\w-]{{0,16}}:[ ]{{0,2}}(?:[a-z]{{2,24}}|\d{{3}})[ ][\w(]
      | (?<=named\ '{word})':
    )"""
    return _rule(word, f"{word}{path}{rest}(?:{_IS}{_SCHEME}{_VALUE}|{_ENCODED})", is_secret)


_SUFFIX = (
    r"(?:[_-](?:base|fallbacks?|prod|production|staging|stage|dev|development|test|testing|live"
    r"|local|old|new|current|previous|prev|next|primary|secondary|default|backup|main|admin|root"
    r"|db|ro|rw|\d{1,3}|github|gitlab|npm|pypi|slack|aws|azure|gcp)(?![\w-]))?"
)
"""What tells several credentials of the same name apart."""
_FACT = (
    r"(?:file|path|dir|url|uri|endpoint|name|type|kind|length|len|size|age|at|in|on|by|time|timeout"
    r"|ttl|counts?|policy|ids?|expir\w*|limit|version|alg\w*|format|field|header|prefix|suffix"
    r"|min|max|strength|status|reset|hint|hasher|validators?|backend|class|method|mode|env|ref"
    r"|rotation|index|usage|error|info|issue[drs]*|audience|scopes?|position|changed|created)"
    r"(?![a-z0-9])"
)
"""What makes of the name of a credential that of a fact about it."""
_KEYS = (
    "api access private encryption signing encrypt sign master service account storage auth app"
    " application client consumer license licence ssh deploy shared webhook hmac security"
    " subscription rsa cipher crypto aes project integration secret"
)
_OF_KEYS = f"(?:{'|'.join(f'(?<={word}key)|(?<={word}[ _-]key)' for word in _KEYS.split())})"
_NAMES = (
    (
        "pass",
        r"""(?<!bypass)(?<!compass)(?<!trespass)
        (?:words?|wd|phrase|code|(?!\s{0,4}[=:]\s{0,4}\d{1,3}(?!\w)))
        (?:[_-]?(?:\d{1,2}|confirm|confirmation|hash|again|repeat)(?![_-]?[a-z0-9]))?"""
        + _SUFFIX,
    ),
    ("pw", rf"(?:d(?!(?:(?<![a-z_]pwd)|(?<=oldpwd))[=:]\ ?/)|{_starts('pw')})"),
    ("secret", r"(?:s|[_-]?id)?" + _SUFFIX),
    ("token", r"(?<!unexpected\ token)(?:[_-]?(?:secret|value))?" + _SUFFIX),
    ("tokens", _SUFFIX, _holds_a_token),
    ("auth", rf"(?:{_starts('auth')}|(?<=oauth))(?:[_-]?(?:string|data|code))?"),
    ("bearer", ""),
    ("signature", ""),
    ("sig", _starts("sig")),
    ("cred", "(?:ential)?s?"),
    (
        "key",
        _OF_KEYS + "s?" + _SUFFIX,
    ),
    ("_key", "s?(?<![^a-z0-9]_key)(?<![^a-z0-9]_keys)", _is_secret_key),
    ("-key", "s?(?<![^a-z0-9]-key)(?<![^a-z0-9]-keys)", _is_secret_key),
)
_USER = r"""-(?<![\w-]-)(?:u|-user|-proxy-user)(?:["']?,[ ]?|[ \t]*|=)(?:
    (["'])[^\s:"'/,=]{0,64}:(?!\d+\b|[/\\])([^"'\n]{1,256})(?=\1)
  | ["']?[^\s:"'/,=]{0,64}:(?!\d+\b|[/\\])([^\s"']+)
)"""
"""The option of curl for a user and a password."""
_RULES = (
    # Private keys, whole or from where a text was cut: as far as lines look like base64.
    _rule(
        "-----",
        r"""(-----begin\ [a-z0-9 ]{0,40}private\ key(?:\ block)?-----(?:
            [^-]*(?:-(?!----)[^-]*)*-----end\ [a-z0-9 ]{0,40}private\ key(?:\ block)?-----
          | (?:(?:[\s>|"',]|\\[rn]){1,64}(?:
                (?:proc-type|dek-info|version|comment|charset|hash):[^\n\\]{0,128}
              | (?:mi|mh|mc|b3blbn)[a-z0-9+/=\0]*(?=[\s\\"',]|\Z)
              | (?:[a-z0-9+/=\0]{20,}|(?=[a-z+/=]{0,20}\d)[a-z0-9+/=\0]{8,})(?=[\s\\"',]|\Z)
            ))+(?:
                (?:[\s>|"',]|\\[rn]){1,64}[a-z0-9+/]{1,80}
                (?:={1,2}|(?=\\{0,8}["'])|(?=(?:\\[rn]|["'\s])*\Z))
            )?
        ))""",
    ),
    _rule(
        "-----",
        r"""\A((?:[a-z0-9+/=\s]|\\[rn])+-----end\ [a-z0-9 ]{0,40}private\ key(?:\ block)?-----)""",
    ),
    # https://token@host, and postgres://ann:hunter2@db/shop, whatever the password is made of.
    _rule(
        "@",
        r"""://((?:[a-z_]{0,64}|(?:(?<=http://)|(?<=https://))[a-z_-]{0,64})\d[\w-]{12,})
        (?=(?::(?:x-oauth-basic)?)?@)""",
    ),
    _rule(
        "@",
        r""":\\?/\\?/[^\s:/"'<>\[\]]{0,128}:(?!\d{1,5}(?:[/?\#\s"'),;]|$))
        (?=[^\s@<>]{0,512}@)([^\s"'<>]{1,512}(?:["'](?=[^\s"'<>,;:\\]{1,64}@)[^\s"'<>]{1,64}){0,4})(?=@)""",
    ),
    _rule(
        "@",
        r"""://(?:(?<=sql://)|(?<=postgres://)|(?<=mariadb://)|(?<=redis://)|(?<=rediss://)
        |(?<=amqp://)|(?<=amqps://)|(?<=mongodb://))
        [^\s:/"'<>\[\]]{0,128}:(\d{1,5}/[\w.+-]{0,64})(?=@)""",
    ),
    _rule("thin:", r"thin:[^\s/@]{1,64}/([^\s@]{1,128})(?=@)"),
    _rule("@tcp( @unix(", r":([^\s@/]{1,256})@(?:tcp|unix)\("),
    _rule(
        "%2f 252f",
        r"""%(?:25){0,3}3a%(?:25){0,3}2f%(?:25){0,3}2f[^\s/@%:]{0,64}(?:%(?:25){0,3}3a|:)
        ((?:[^\s%"'<>@]|%(?!(?:25){0,3}40|(?:25){0,3}2f%(?:25){0,3}2f)){1,256})
        (?=%(?:25){0,3}40|@)""",
    ),
    # Authorization: Bearer ..., in a header, a mapping or a list of pairs.
    _rule(
        "authorization",
        rf"""authorization\\{{0,8}}["'`]?\]?[ \t]{{0,4}}(?:=>|[:=,])[ \t]{{0,4}}[\[(]?
        \\{{0,8}}b?["'`]?(?:
            (?:bearer|basic|token|api-?key|key|jwt|bot|genie-?key|sso-key|splunk|negotiate|ntlm)
                [ \t]+(?!(?:token|auth\w*|scheme|header|realm|credentials?|{_SAID})\b)({_TOKEN})
          | (?:digest|aws4\S{{0,32}}|oauth|hawk|signature|(?:scram|hmac)\S{{0,32}}|mac|dpop)
                [ \t]+(?=[^\n]{{0,256}}=)([^\n]+)
        )""",
    ),
    _rule(
        "authorization",
        rf"""authorization\\{{0,8}}["'`]?\]?[ \t]{{0,4}}(?:=>|[:=])[ \t]{{0,4}}\\{{0,8}}b?["'`]?
        (?:[a-z][\w-]{{0,30}}[ \t]+)?(?!\S{{1,64}}[ \t]{{1,8}}\*\*\*)
        ((?=[^\s,;"']{{6}}){_TOKEN})""",
        _is_generated,
    ),
    # Cookies, whole, because any of them may be a session.
    _rule(
        "cookie",
        r"""cookies?\\{0,8}["'`]?[ \t]{0,4}(?:
            ,[ ]?(?<=["'],[ ])(b?"[^"\n]+"|b?'[^'\n]+')
          | (?:=>|[:=])[ \t]{0,4}(?:
                (b?"[^"\n]+"|b?'[^'\n]+'|\{[^{}\n]+\})
              | (?=(?:\\{1,8}["'])?[^\s=;,"'{}]{1,128}=)((?:[^\n\\]|\\(?![rn]))+)
              | (?=[^\s,;"']{0,100}\d)([^\s,;"']{8,})
            )
        )""",
    ),
    _rule(
        "sess sid",
        rf"""(?:sessid|sess(?:ion)?[_-]?(?:id|key|token|cookie)|sid{_starts("sid", "a-z0-9")}
        |session(?==))
        (?:\\{{0,8}}["'`])?[ \t]{{0,4}}(?:%3d|=>|[:=])[ \t]{{0,4}}(?:\\{{0,8}}b?["'`])?
        ((?:%[0-9a-f]{{2}}|[\w.:+/=!*~-]){{8,512}})""",
        _is_generated,
    ),
    # password=..., "api_key": "...", ?access_token=..., and the same percent-encoded.
    *(_named(*name) for name in _NAMES),
    *(
        _rule(
            word,
            rf"""{word}{rest}s?
            (?:[_-](?!{_FACT})[a-z0-9]{{1,20}}){{1,2}}(?![_-]){_IS}{_SCHEME}{_VALUE}""",
            _is_generated_text,
        )
        for word, rest in (("password", ""), ("secret", ""), ("token", ""), ("key", _OF_KEYS))
    ),
    # 'password=two words', and password=two words;Database=shop.
    _rule(
        "password= passwd= secret= token= key= pwd=",
        r"""=(?:(?<=password=)|(?<=passwd=)|(?<=secret=)|(?<=token=)|(?<=[_-]key=)|(?<=pwd=))
        (?=[^\s"']{1,128}[ ])([^"'\n=]{1,256})(?=["'])""",
        _is_in_quotes,
    ),
    _rule(
        "password= pwd=",
        r"""(?:password|pwd)=(?=[^\s"';]{1,128}[ ])([^"'\n=;{}]{1,256})(?=;[a-z][\w\ ]{1,40}=)""",
    ),
    _rule("authorization%", "authorization" + _ENCODED),
    _rule("key= sig=", r"""[?&](?:key|sig)=([^\s&"'<>\#]{8,})"""),
    _rule(
        "key token secret",
        r"""x-[\w-]{0,30}(?:key|token|secret|signature)["'],[ ]?(b?"[^"\n]+"|b?'[^'\n]+')""",
    ),
    # Options of commands, also as a list of arguments.
    _rule(
        "pass pwd secret token key cred",
        rf"""--[\w-]{{0,30}}?(?:password|passwd|passphrase|pass|pwd|secret|token
            |(?:api|access|secret|auth|account)-?key|credentials?)
        (?:["']?,[ ]?|[ \t]+)(?!["']?-)(?!{_ABOUT}(?:[ ][a-z]|[.,:;!](?:\s|$)))
        ("[^"\n]*"|'[^'\n]*'|[^\s"',]*[^\s"',)\]}}])""",
    ),
    _rule("-u", _USER, _is_for_http),
    _rule("-u", r"-(?=[^\n]{0,256}http)" + _USER[1:]),
    _rule(
        "sshpass",
        r"""sshpass(?:["']?,[ ]?|[ \t]+)["']?-p(?:["']?,[ ]?|[ \t]*)
        (?:(["'])([^"'\n]{1,256})(?=\1)|["']?([^\s"']+))""",
    ),
    _rule("mysql mariadb", r"(?:mysql|mariadb)[^\n|;]{0,120}?[\s']-p([^\s'\"]+)", _is_lower_p),
    _rule(
        "login",
        r"login[^\n|;]{0,120}?[\s']-p(?:[ \t]+|',[ ]?')(?!\d{1,5}(?:\s|$))([^\s'\"]+)",
        _is_lower_p,
    ),
    _rule("redis-cli", r"redis-cli[^\n|;]{0,120}?[\s']-a(?:[ \t]+|',[ ]?')([^\s'\"]+)"),
    # Tokens that stand alone, after the word for their kind or known by their form.
    _rule(
        "bearer basic token",
        rf"(?:bearer{_starts('bearer', _PART)}|basic{_starts('basic', _PART)}"
        rf"|token{_starts('token', _PART)})(?:\s{{1,8}}|%20)([a-z0-9._~+/=-]{{8,}})",
        _is_generated,
    ),
    _rule(
        "eyj",
        rf"(eyj{_starts('eyj', _PART)}"
        r"[a-z0-9_-]{8,}\.[a-z0-9_-]{8,}(?:\.[a-z0-9_-]*){0,3})",
    ),
    _rule(
        "hook hc-ping ifttt telegram",
        rf"""(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/
          |discord(?:app)?\.com/api/(?:v\d{{1,2}}/)?webhooks/\d+/
          |webhook\.office\.com/webhookb2/
          |outlook\.office(?:365)?\.com/webhook/
          |hooks\.zapier\.com/hooks/catch/
          |hook\.[\w.]{{0,20}}make\.com/
          |hc-ping\.com/
          |ifttt\.com/trigger/[^\s/]{{1,64}}/(?:json/)?with/key/
          |telegram\.org/(?:file/)?bot
        ){_ADDRESS}""",
    ),
    # The same as urllib3 and requests write them, with the host elsewhere in the line.
    _rule(
        "services/t hook",
        rf"""/(?:services/(?=t\w{{1,16}}/b\w{{1,16}}/)|webhookb2/|incomingwebhook/|hooks/catch/)
        {_ADDRESS}""",
    ),
    _rule("hook", r"/(?:web)?hooks?/(?:[\w.-]{1,64}/){0,4}([\w-]{20,})", _is_generated),
)
_WORDS = tuple({word for rule in _RULES for word in rule.words})
_VENDOR_TOKEN = re.compile(
    r"""(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=/bot))(?:
        (?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])
      | AIza[\w-]{30,} | ya29\.[\w.-]{16,} | GOCSPX-[\w-]{16,}
      | gh[pousr]_[A-Za-z0-9]{16,} | github_pat_\w{20,}
      | gl(?:pat|dt|rt|cbt|ptt|ft|oas|soat|imt|agent)-[\w.-]{16,}
      | xox[a-z]-[\w.-]{12,} | xapp-[\w-]{12,}
      | (?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,} | whsec_[\w+/=]{16,}
      | SG\.[\w-]{16,}\.[\w-]{16,}
      | npm_[A-Za-z0-9]{16,} | pypi-[\w-]{16,}
      | hv[sbr]\.[\w-]{16,}
      | sk-(?=[\w-]{0,64}\d)[A-Za-z0-9][\w-]{18,}
      | do[opr]_v1_[0-9a-f]{16,} | shp(?:at|ca|pa|ss)_[0-9a-fA-F]{16,}
      | hf_[A-Za-z0-9]{16,} | glsa_[A-Za-z0-9_]{16,} | dckr_pat_[\w-]{16,}
      | key-[0-9a-f]{32} | \d{8,10}:AA[\w-]{30,}
    )""",
    re.VERBOSE,
)
_HINTS = (
    *("pass", "pw", "secret", "token", "key", "auth", "bearer", "basic", "cred", "cookie"),
    *("sess", "sid", "sig", "hook", "@", "%", "-----", "-u", "-p", "redis-cli"),
    "services/t",
)
"""A text whose lower-case form holds none of these, nor a ``LONG_WORD``, is left as it is."""


class Redactor:
    """Blanks what matches a pattern, what is a secret of ours, and what looks like a credential.

    ``secrets`` are blanked wherever they stand: the handler's own token and user keys.
    """

    def __init__(
        self, patterns: Iterable[re.Pattern[str]] = (), secrets: Iterable[str] = ()
    ) -> None:
        self._patterns = tuple(patterns)
        self._secrets = tuple(sorted({s for s in secrets if s}, key=len, reverse=True))
        self._with: dict[tuple[tuple[str, int], ...], Redactor] = {}
        self.hints: tuple[str, ...] = (*_HINTS, *(s.lower() for s in self._secrets))
        """A text whose lower-case form holds none of these, nor a ``LONG_WORD``, stays as it is."""
        if self._patterns:
            self.hints = ("",)

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._patterns)} patterns and {len(self._secrets)} secrets>"

    def with_patterns(self, sources: tuple[tuple[str, int], ...]) -> Redactor:
        """The same with further patterns, given as text and flags."""
        redactor = self._with.get(sources)
        if redactor is None:
            own = {(pattern.pattern, pattern.flags) for pattern in self._patterns}
            more = [re.compile(*source) for source in sources]
            more = [pattern for pattern in more if (pattern.pattern, pattern.flags) not in own]
            redactor = Redactor((*self._patterns, *more), self._secrets) if more else self
            if len(self._with) < _STYLES_KNOWN:
                self._with[sources] = redactor
        return redactor

    def __call__(self, text: str) -> str:
        """The clean text, blanked.

        Of an endless text both ends are left, without the words that the cut goes through, because
        no pattern knows half a credential.
        """
        ends = halves(text)
        if ends is None:
            return self._blanked(clean(text))
        text = self._blanked(clean(ends[0]) + _SEAM + clean(ends[1]))
        head, seam, tail = text.partition(_SEAM)
        if not seam:  # it was part of a credential
            return text
        whole = head[-_RAGGED:].rsplit(None, 1)
        head = head[:-_RAGGED] + (whole[0] if len(whole) == 2 else "")
        whole = tail[:_RAGGED].split(None, 1)
        tail = (whole[1] if len(whole) == 2 else "") + tail[_RAGGED:]
        return f"{head}…{tail}"

    def _blanked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, BLANK)
        for own in self._patterns:
            text = own.sub(BLANK, text)
        lowered = _lower(text)
        present = {word for word in _WORDS if word in lowered}
        for words, pattern, is_secret in _RULES:
            if present.isdisjoint(words):
                continue
            parts: list[str] = []
            end = 0
            for match in pattern.finditer(lowered):
                start, stop = match.span(match.lastindex or 0)
                if is_secret is None or is_secret(
                    text[max(0, start - 256) : start], text[start:stop]
                ):
                    parts += [text[end:start], BLANK]
                    end = stop
            if parts:
                text = "".join([*parts, text[end:]])
                lowered = _lower(text)
        if LONG_WORD.search(text):
            text = _VENDOR_TOKEN.sub(BLANK, text)
        return text


def _lower(text: str) -> str:
    """The text in lower case, each character at its place."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.replace("İ", "I").lower()
