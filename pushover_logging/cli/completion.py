"""``pushover-logging completion``: completion for bash, zsh and fish."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .account import add_command
from .endings import Exit

_EXAMPLE = """
eval "$(pushover-logging completion bash)"      # in ~/.bashrc
eval "$(pushover-logging completion zsh)"       # in ~/.zshrc, after compinit
pushover-logging completion fish > ~/.config/fish/completions/pushover-logging.fish
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "completion",
        "print a script that completes commands and options in a shell",
        _EXAMPLE,
    )
    parser.add_argument("shell", choices=sorted(_SCRIPTS), help="the shell to print a script for")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Print the script, made from the very parser that will read the command line."""
    from . import build_parser

    print(_SCRIPTS[arguments.shell](dict(_levels((), build_parser()))), end="")
    return Exit.DONE


@dataclass(frozen=True)
class _Level:
    """What may follow some commands: each with its help."""

    commands: Mapping[str, str]
    options: Mapping[str, str]


_Levels = Mapping[tuple[str, ...], _Level]


def _levels(
    path: tuple[str, ...], parser: argparse.ArgumentParser
) -> Iterator[tuple[tuple[str, ...], _Level]]:
    options: dict[str, str] = {}
    commands: dict[str, str] = {}
    below: Mapping[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        purpose = (action.help or "").replace("%(prog)s", parser.prog)
        options.update({name: purpose for name in action.option_strings if name[:2] == "--"})
        if isinstance(action, argparse._SubParsersAction):
            below = action.choices
            commands = {each.dest: each.help or "" for each in action._choices_actions}
        elif action.choices and not action.option_strings:
            commands = {str(choice): "" for choice in action.choices}
    yield path, _Level(commands, options)
    for name, inner in below.items():
        yield from _levels((*path, name), inner)


def _bash(levels: _Levels) -> str:
    cases = "\n".join(
        f'        "{" ".join(path)}") words="{" ".join([*level.commands, *level.options])}" ;;'
        for path, level in levels.items()
    )
    known = " ".join(sorted(f'"{" ".join(path)}"' for path in levels if path))
    return f"""\
_pushover_logging() {{
    local word path= words= known=({known}) cur=${{COMP_WORDS[COMP_CWORD]}} name
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        for name in "${{known[@]}}"; do
            if [[ $name == "${{path:+$path }}$word" ]]; then path=$name; break; fi
        done
    done
    case $path in
{cases}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -o default -o bashdefault -F _pushover_logging pushover-logging
"""


def _zsh(levels: _Levels) -> str:
    cases = "\n".join(
        f'        "{" ".join(path)}") words=({_described(level)}) ;;'
        for path, level in levels.items()
    )
    known = " ".join(sorted(f'"{" ".join(path)}"' for path in levels if path))
    return f"""\
#compdef pushover-logging
_pushover_logging() {{
    local word joined path_=
    local -a offered known
    known=({known})
    for word in "${{words[@]:1:$((CURRENT-2))}}"; do
        joined="${{path_:+$path_ }}$word"
        if (( ${{known[(Ie)$joined]}} )); then path_=$joined; fi
    done
    case $path_ in
{cases.replace("words=(", "offered=(")}
    esac
    _describe 'pushover-logging' offered || _files
}}
compdef _pushover_logging pushover-logging
"""


def _described(level: _Level) -> str:
    offered = {**level.commands, **level.options}
    return " ".join(_quoted(f"{name}:{purpose}") for name, purpose in offered.items())


def _fish(levels: _Levels) -> str:
    lines = ["complete -c pushover-logging -f"]
    for path, level in levels.items():
        here = _fish_condition(path, levels)
        for name, purpose in level.commands.items():
            lines.append(
                f"complete -c pushover-logging -n {_quoted(here)} -a {name} -d {_quoted(purpose)}"
            )
        for name, purpose in level.options.items():
            lines.append(
                f"complete -c pushover-logging -n {_quoted(here)} -F -l {name[2:]}"
                f" -d {_quoted(purpose)}"
            )
    return "\n".join(lines) + "\n"


def _fish_condition(path: tuple[str, ...], levels: _Levels) -> str:
    """True where exactly these commands were given so far."""
    given = [f"__fish_seen_subcommand_from {name}" for name in path]
    below = " ".join(levels[path].commands)
    more = [f"not __fish_seen_subcommand_from {below}"] if below else []
    return "; and ".join([*given, *more]) or "true"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "'\\''") + "'"


_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
